//! The program `rekindle`. What it does is in the library `rekindle-command`.
#![deny(unsafe_code)]

mod allocator;

use std::process::ExitCode;

fn main() -> ExitCode {
    allocator::keep_pages();
    rekindle_command::run()
}
