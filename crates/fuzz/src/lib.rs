//! Fuzzing of every reader of untrusted bytes: none may panic, hang, or take much more memory than its input.
//!
//! * [`readers::ALL`]: the readers. Each has valid files to start from, in `corpus/NAME/`; a file that has broken one
//!   is added there with the fix, so that it is read in every run.
//! * [`damage`]: damage to a valid file.
//! * [`campaign`]: reads a number of damaged files, or for a time, and reports time and memory.
//!
//! `cargo test -p rekindle-fuzz` takes about a minute. `cargo run --release -p rekindle-fuzz -- --seconds 3600` reads
//! for an hour, with other files every time; `--seed` repeats a run.
#![forbid(unsafe_code)]

pub mod campaign;
pub mod damage;
pub mod readers;
