//! Holds no code: its `Cargo.toml` asks for the features on which the packages of the workspace differ, so that Burn is
//! compiled once and not anew for every subset of them.
#![forbid(unsafe_code)]
