# The checks of CONTRIBUTING.md as short commands: https://just.systems

# List the recipes.
default:
    @just --list

# Formatting and lints; before each commit.
check:
    cargo fmt --all --check
    cargo clippy --release --workspace --all-targets -- -D warnings

# All tests.
test:
    cargo test --release --workspace

# What must pass before a change is merged.
ci:
    .ci/run

# The documentation as a book, in target/book.
book:
    mdbook build

# Package every crate that will be published, without uploading anything. See docs/releasing.md.
release-dry-run:
    cargo publish --workspace --dry-run --no-verify --allow-dirty
