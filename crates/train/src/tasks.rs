//! The tasks, one module each.

pub mod chars;
pub mod sentiment;
pub mod translate;
