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

# Package every library as it would be published, without uploading or building anything. See docs/releasing.md; `rekindle` itself cannot
# be packaged before its dependency on crates/features is resolved.
release-dry-run:
    cargo package --no-verify --allow-dirty --package rekindle-settings --package rekindle-kernels --package rekindle-metrics \
        --package rekindle-data --package rekindle-rnn --package rekindle-pictures --package rekindle-weights \
        --package rekindle-models --package rekindle-train --package rekindle-bench
