//! `caption`: generates a sentence about an image.
//!
//! A batch is some images, each with its captions, which share its features. Batches have captions of similar lengths,
//! in an order that depends on the seed and the epoch only. The loss is the mean cross-entropy of the next token in
//! nats. Evaluations generate captions by beam search and report the figures of the COCO evaluation.
//!
//! With `--self-critical` the model is trained by the CIDEr-D of captions that it samples itself: see
//! [`SelfCriticalSettings`]. [`Writing`] is how a trained one writes.
//!
//! If the image encoder is frozen, the features are computed once, before training, and cached on disk: see
//! [`Features`].

mod assets;
mod error;
mod evaluation;
mod features;
mod gallery;
mod import;
mod operations;
mod self_critical;
mod settings;
mod task;
mod trained;
mod writing;

pub use assets::{CaptionAssets, StoredEncoder};
pub use error::CaptionError;
pub use evaluation::Written;
pub use features::{Features, ImageSet};
pub use import::ImportOptions;
pub use operations::{EvalOptions, PredictOptions};
pub use self_critical::{Baseline, SelfCriticalSettings};
pub use settings::{CaptionDataSettings, CaptionModelSettings, CaptionSettings};
pub use task::CaptionTask;
pub use writing::{Consensus, ConsensusSettings, Writing};
