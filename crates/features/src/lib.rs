//! No code: `Cargo.toml` unifies the features on which the packages of the workspace differ, so that Burn is compiled
//! once, not again for every subset of them.
#![forbid(unsafe_code)]
