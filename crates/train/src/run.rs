//! The run folder: all that a run is, in files that explain themselves.
//!
//! ```text
//! config.toml      every setting, defaults included
//! assets.json      length and SHA-256 of the assets, which stand beside it: vocab.json, say
//! metrics.jsonl    the figures, a line each
//! samples/         what the model wrote on its way
//! pictures/        the learning curve, and the best evaluation's pictures
//! checkpoints/     the last few and the best, a folder each
//! export/          the weights for other programs, where they were asked for
//! lock             the process that trains the run
//! ```

pub mod assets;
pub mod checkpoint;
mod folder;
mod lock;
mod metrics_log;

pub use folder::{FORMAT, Head, RunFolder};
pub(crate) use lock::RunLock;
pub use metrics_log::MetricsLog;
