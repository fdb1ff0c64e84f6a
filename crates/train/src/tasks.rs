//! The tasks, one module each.

pub mod chars;
pub mod draw;
pub mod sentiment;
