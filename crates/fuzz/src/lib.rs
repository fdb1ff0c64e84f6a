//! Damaged files for every reader of outside bytes: none may panic, hang, or take much more memory than its input.
//!
//! * [`readers::ALL`]: the readers. Each has valid files to begin with, in `corpus/NAME/`; a file that was found to break one is
//!   put there with its mending, so that it is read in every run.
//! * [`damage`]: what happens to a valid file.
//! * [`campaign`]: reads so many damaged files, or for so long, and says what it took.
//!
//! `cargo test -p rekindle-fuzz` takes about a minute. `cargo run --release -p rekindle-fuzz -- --seconds 3600` reads for an hour,
//! with other files every time; `--seed` repeats a run.
#![forbid(unsafe_code)]

pub mod campaign;
pub mod damage;
pub mod readers;
