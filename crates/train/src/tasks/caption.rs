//! `caption`: from an image to a sentence about it.
//!
//! A batch is some images, each with its captions, which share its features; batches are of
//! captions of like lengths, in an order that depends on the seed and the epoch only. The loss is
//! the mean cross-entropy of the next token in nats. Evaluations write freely, with a beam, and
//! have the figures of the COCO evaluation.
//!
//! Where the image encoder is frozen, the features are computed once, before training, and kept on
//! disk: see [`Features`].

mod assets;
mod error;
mod evaluation;
mod features;
mod gallery;
mod operations;
mod settings;
mod task;
mod trained;

pub use assets::{CaptionAssets, StoredEncoder};
pub use error::CaptionError;
pub use evaluation::Written;
pub use features::{Features, ImageSet};
pub use operations::{EvalOptions, PredictOptions};
pub use settings::{CaptionDataSettings, CaptionModelSettings, CaptionSettings};
pub use task::CaptionTask;
