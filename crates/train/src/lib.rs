//! Training recurrent networks on [Burn](https://burn.dev): one loop for every task, with exact resumption.
//!
//! * [`task`]: the trait of a task, and [`task::Trained`], a trained model with everything it needs.
//! * [`trainer`]: the loop. Truncated back-propagation with the state carried from chunk to chunk, clipping, schedules,
//!   evaluation, checkpoints, early stopping.
//! * [`operation`]: the operations of a trained model (evaluation, sampling, prediction), and their output.
//! * [`playground`]: trying a trained model in a page.
//! * [`registry`]: type-erased tasks: those of this crate, and your own.
//! * [`settings`]: the settings of the loop, with every default in one place.
//! * [`group`]: several processes that train one model.
//! * [`groups`]: settings that several tasks share.
//! * [`inside`]: what a model's units do, and how far its gradients reach, as plain data.
//! * [`report`]: the outcome of an evaluation.
//! * [`tensorboard`]: event files for TensorBoard.
//! * [`depth`]: fine-tuning with other learning rates for lower layers.
//! * [`average`]: means of the weights over steps.
//! * [`updates`]: the size of updates beside that of the weights.
//! * [`optimizer`], [`schedule`], [`clipping`], [`carry`]: the parts of a step.
//! * [`run`]: the run folder: settings, assets, figures, samples and checkpoints.
//! * [`event`]: events of the loop.
//! * [`seeds`]: random number generators from a seed.
//! * [`epoch`], [`sentences`]: code that several tasks share.
//! * [`prelude`]: the imports for writing a task.
//! * [`tasks`]: the tasks themselves, such as [`tasks::chars`] and [`tasks::translate`].
//!
//! ```no_run
//! # #[cfg(feature = "flex")] fn main() -> Result<(), rekindle_train::TrainError> {
//! use burn::tensor::Device;
//! use rekindle_train::task::Task;
//! use rekindle_train::tasks::chars::{CharsSettings, CharsTask};
//! use rekindle_train::trainer::{NewRun, StopSignal, Trainer};
//!
//! let (settings, device) = (CharsSettings::default(), Device::flex());
//! let task = CharsTask::open(&settings, None, &device)?;
//! let new = NewRun { out: "runs/first".into(), ..NewRun::default() };
//! let trainer = Trainer::create(task, &settings, &new, &device)?;
//! let outcome = trainer.train(&mut (), &StopSignal::default())?;
//! println!("{} steps", outcome.steps);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "flex"))] fn main() {}
//! ```
//!
//! Implement [`task::Task`] for a task of your own, and [`operation::Operate`] for its operations; errors may have any
//! type. Crates in the signatures are re-exported: [`burn`], [`rekindle_data`], [`rekindle_kernels`],
//! [`rekindle_models`],
//! [`rekindle_onnx`], [`rekindle_pictures`], [`rekindle_rnn`], [`rekindle_settings`].
//!
//! # Feature flags
//!
//! * `ndarray`, `flex`, `wgpu`, `vulkan`, `metal`, `webgpu`, `cuda`, `rocm`: the backends to compile in, forwarded to
//!   Burn. None is on by default.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod average;
pub mod carry;
pub mod clipping;
pub mod depth;
pub mod epoch;
mod error;
pub mod event;
mod files;
pub mod group;
pub mod groups;
pub mod import;
pub mod inside;
mod mean;
pub mod memory;
pub mod operation;
pub mod optimizer;
pub mod origin;
pub mod playground;
pub mod precision;
pub mod prelude;
pub mod registry;
pub mod report;
pub mod run;
pub mod schedule;
pub mod seeds;
pub mod sentences;
pub mod settings;
pub mod task;
pub mod tasks;
pub mod tensorboard;
mod trained;
pub mod trainer;
pub mod updates;

pub use burn;
pub use error::{TaskError, TrainError, quoted};
pub use files::sha256;
pub use rekindle_data;
pub use rekindle_kernels;
pub use rekindle_models;
pub use rekindle_onnx;
pub use rekindle_pictures;
pub use rekindle_rnn;
pub use rekindle_settings;
