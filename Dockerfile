# The command in an image of its own, for CPUs:
#
#     docker build --tag rekindle .
#     docker run --rm --volume "$PWD:/work" rekindle train chars --data book.txt
#
# The version of Rust is `rust-version` in Cargo.toml.
FROM rust:1.95-slim-bookworm AS build
# Not the one of rust-toolchain.toml, which would be downloaded as well.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /source
COPY . .
RUN cargo build --profile dist --locked

FROM debian:bookworm-slim
# Runs belong to a user without rights; mount a folder that it may write to at /work.
RUN useradd --create-home --uid 1000 rekindle
COPY --from=build /source/target/dist/rekindle /usr/local/bin/rekindle
USER 1000
WORKDIR /work
ENTRYPOINT ["rekindle"]
CMD ["--help"]
