//! What happens inside recurrent networks, drawn.
//!
//! * [`neurons`]: a page with a text coloured by the activation of a unit, the units that follow features of the text,
//!   and how often gates are saturated.
//! * [`gradients`]: how far gradients reach, in one run or in several.
//! * [`compare`]: the learning curves of several runs.
//! * `server`: the page of `rekindle view`, with the feature `server`.
//! * [`chart`]: line charts as SVG, dark or light as the page around them.
//!
//! The figures themselves are plain data of [`rekindle_train::inside`].
//!
//! ```
//! use rekindle_view::chart::{Chart, Line};
//!
//! let line = Line::new("loss", [(0.0, 4.2), (1.0, 2.1), (2.0, 1.7)]);
//! let chart = Chart { lines: vec![line], ..Chart::default() };
//! assert!(chart.svg().starts_with("<svg"));
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod chart;
pub mod compare;
pub mod gradients;
pub mod neurons;
mod page;
#[cfg(feature = "server")]
pub mod server;
