//! The commands, one file each; those on a trained model are in [`operations`].

pub mod average;
pub mod bench;
pub mod compare;
pub mod completions;
pub mod data;
pub mod devices;
pub mod export;
pub mod inspect;
pub mod operations;
pub mod runs;
pub mod score;
pub mod settings;
pub mod start;
pub mod sweep;
pub mod train;
#[cfg(feature = "view")]
pub mod view;
