//! The tasks, one module each.

pub mod chars;
pub mod frames;
pub mod sentiment;
