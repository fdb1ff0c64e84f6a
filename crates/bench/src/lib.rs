//! Benchmarks of recurrent networks: Rekindle compared with PyTorch and Burn's own layers.
//!
//! Contestants take turns, round by round, so that other load on the machine affects all of them
//! alike. Results are tables of plain figures, which `serde` writes as JSON and
//! [`write`](comparison::Table::write) as text.
//!
//! * [`Shape`]: a benchmark: a kind of [`Work`], a cell and sizes, with a name such as
//!   `train-lstm-2x128-b50-t50`.
//! * [`Turns`], [`Spread`]: the length of a benchmark, and the results of its rounds.
//! * [`comparison`]: Rekindle, [`PyTorch`] and Burn at each shape: speed, memory and kernels.
//! * [`products`]: matrix products: Rekindle's, the `gemm` crate's and PyTorch's, beside the processor's peak.
//! * [`growth`]: the time of a training step by batch size and sequence length.
//! * [`backends`]: timing training steps of tasks on several backends.
//! * [`memory`]: the peak memory of a fresh process.
//! * [`BenchError`]: the errors.
//!
//! PyTorch runs in its own Python process. The script is part of this crate (`python/pytorch.py`),
//! as are the programs that generated the reference values of other crates' tests.
//!
//! ```
//! # #[cfg(feature = "flex")] {
//! use std::num::NonZeroUsize;
//!
//! use burn::tensor::Device;
//! use rekindle_bench::Turns;
//! use rekindle_bench::comparison::Comparison;
//!
//! let mut comparison = Comparison {
//!     backend: "flex",
//!     device: &Device::flex(),
//!     turns: Turns { rounds: NonZeroUsize::MIN, steps: NonZeroUsize::MIN },
//!     pytorch: None,
//!     burn: true,
//!     rerun: None,
//! };
//! let shape = "train-lstm-1x4-b2-t3".parse().unwrap();
//! let table = comparison.run(&[shape], |shape| eprintln!("{shape}")).unwrap();
//! assert!(table.rows[0].symbols_per_second.median > 0.0);
//! table.write(&mut std::io::stdout()).unwrap();
//! # }
//! ```
//!
//! # Feature flags
//!
//! `ndarray`, `flex`, `wgpu`, `vulkan`, `metal`, `webgpu`, `cuda` and `rocm` compile in Burn's
//! backend of that name. None is on by default.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod backends;
mod burn_layers;
mod captioner;
mod classifier;
pub mod comparison;
mod contestant;
mod draw;
mod error;
mod frame_tagger;
pub mod growth;
mod language_model;
pub mod memory;
mod processor;
pub mod products;
mod pytorch;
mod rekindle;
mod rounds;
mod shape;
mod text_table;
mod tokens;
mod translator;

pub use error::{BenchError, Failure};
pub use pytorch::PyTorch;
pub use rounds::{Spread, Turns};
pub use shape::{Recurrence, Shape, Work};
