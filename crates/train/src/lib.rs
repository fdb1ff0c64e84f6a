//! Training recurrent networks on [Burn](https://burn.dev): one loop for every task, exact to resume.
//!
//! * [`task`]: the small trait that a task implements; all else is shared.
//! * [`trainer`]: the loop. Truncated back-propagation with the state carried from chunk to chunk, clipping, schedules,
//!   evaluation, checkpoints, early stopping.
//! * [`settings`]: what a run is told, with every default in one place.
//! * [`optimizer`], [`schedule`], [`clipping`]: a step's parts.
//! * [`run`]: the run folder: settings, vocabulary, figures, samples and checkpoints.
//! * [`pictures`]: learning curves and the like.
//! * [`event`]: what the loop reports while it works.
//! * [`tasks`]: the tasks themselves, such as [`tasks::chars`] and [`tasks::translate`].
//!
//! ```no_run
//! # #[cfg(feature = "flex")] fn main() -> Result<(), rekindle_train::TrainError> {
//! use burn::tensor::Device;
//! use rekindle_train::run::RunFolder;
//! use rekindle_train::task::Task;
//! use rekindle_train::tasks::chars::{CharsSettings, CharsTask};
//! use rekindle_train::trainer::{StopSignal, Trainer};
//!
//! let (settings, device) = (CharsSettings::default(), Device::flex());
//! let task = CharsTask::open(&settings, &device)?;
//! let run = RunFolder::create("runs/first", &settings, false)?;
//! task.save(&run)?;
//! let trainer = Trainer::new(task, settings.training, run, device)?;
//! let outcome = trainer.train(&mut (), &StopSignal::default())?;
//! println!("{} steps", outcome.steps);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "flex"))] fn main() {}
//! ```
//!
//! # Feature flags
//!
//! * `clap`: derives `clap::Args` for the settings.
//! * `ndarray`, `flex`, `wgpu`, `vulkan`, `metal`, `webgpu`, `cuda`, `rocm`: the backends to compile in, forwarded to
//!   Burn. None is on by default.
#![forbid(unsafe_code)]

pub mod clipping;
mod error;
pub mod event;
pub mod optimizer;
pub mod pictures;
pub mod run;
pub mod schedule;
pub mod settings;
pub mod task;
pub mod tasks;
pub mod trainer;

pub use error::TrainError;
