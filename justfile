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

# The manual pages of all commands and tasks, in target/man/man1.
man:
    cargo run --release -- man target/man/man1

# Write the public interface as it is now into api/.
api:
    .ci/api --write

# The kernels' and the layers' tests under AddressSanitizer, which needs a nightly toolchain.
sanitize:
    RUSTFLAGS=-Zsanitizer=address cargo +nightly test --release --target "$(rustc -vV | sed -n 's/host: //p')" --target-dir target/sanitize \
        --lib --tests --package rekindle-kernels --package rekindle-rnn --features flex,ndarray

# Known holes in the dependencies; needs the network.
advisories:
    cargo deny check advisories

# Package every crate as it would be published, and build what was packaged; nothing is uploaded.
release-dry-run:
    cargo publish --workspace --dry-run
