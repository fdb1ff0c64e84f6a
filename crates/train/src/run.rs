//! The run folder: everything about a run, in self-explanatory files.
//!
//! ```text
//! config.toml      every setting, defaults included
//! assets.json      length and SHA-256 of the assets, which are files beside it, such as vocab.json
//! metrics.jsonl    the figures, one JSON object per line
//! samples/         texts that the model generated during training
//! pictures/        the learning curve, and the best evaluation's pictures
//! checkpoints/     the last few and the best, a folder each
//! export/          the weights for other programs, once exported
//! lock             the process that trains the run
//! ```

pub mod assets;
pub mod checkpoint;
pub mod curve;
mod figures;
mod folder;
mod lock;
mod metrics_log;
mod summary;

pub use figures::{BestFigures, Entry, EntryKind, Evaluated, Followed};
pub(crate) use folder::other_model;
pub use folder::{FORMAT, Head, RunFolder, tables};
pub(crate) use lock::RunLock;
pub use metrics_log::MetricsLog;
pub use summary::RunSummary;
