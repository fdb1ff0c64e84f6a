//! The lecture's `min-char-rnn` in a web page, on Rekindle's crates.
//!
//! * [`settings`]: what the page asks for. Its form follows from them.
//! * [`training`]: the hundred lines, a step at a time.
//! * [`export`]: a run that `rekindle export` wrote.
//! * [`writing`]: text by a model of either.
//! * [`error`]: what can be wrong, in words for the page.
//! * `page`: the interface for JavaScript, in WebAssembly only.
//!
//! All but the last is plain Rust, which the tests run natively beside the page.
#![forbid(unsafe_code)]

pub mod error;
pub mod export;
#[cfg(target_family = "wasm")]
mod page;
pub mod settings;
pub mod training;
pub mod writing;
