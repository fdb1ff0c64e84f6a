//! The tasks, one module each.

pub mod chars;
pub mod translate;
