//! Whole-sequence recurrent operations for [Burn](https://burn.dev), forward and back-propagation
//! through time.
//!
//! A recurrent layer written with tensor operations runs dozens of small operations at every time step. Here the whole
//! sequence is one operation with a hand-written backward pass: [`rnn::rnn`], [`lstm::lstm`], [`gru::gru`],
//! [`minimal::min_gru`] and [`minimal::min_lstm`]. Each takes the input projection (one product over all steps is
//! cheaper than one per step) or the rows of a projected token table, and returns the hidden states of all steps and
//! the final state.
//!
//! # Parts
//! - [`Input`]: the input of a recurrence at each step.
//! - [`Scan`], [`Direction`]: the direction of the scan over the sequence, and the lengths of its rows.
//! - [`rnn`], [`lstm`], [`gru`], [`minimal`]: the cells, each with its equations, its memory and
//!   its *composed twin*, the same arithmetic in plain tensor operations.
//! - [`launches`]: counts kernel launches on a GPU; the layers that run in one.
//! - [`unrolled`]: for loops that must run step by step, as with attention: computes gradients once
//!   per loop.
//! - [`device`]: whether the device is the CPU.
//! - [`parallel`]: independent work on the CPU in parallel.
//! - [`linear`], [`cross_entropy`], [`pointwise`], [`convolution`], [`matmul`], [`attention`], [`pooling`], [`layout`],
//!   [`smoothed`]: the layers around a recurrence, on all CPU threads.
//! - [`glimpse`]: reading and writing images through a grid of Gaussian filters.
//! - [`latent`]: the latents of a variational auto-encoder.
//! - [`norm`], [`adam`], [`sgd`]: clipping of the gradients and a step of the optimizer; on a GPU, of all parameters in
//!   a few launches.
//! - [`precision`]: products of half precision on a GPU.
//! - [`rows`]: the rows of a batch that a process has, and the noise of a row.
//! - [`split_mix`]: random numbers from counters.
//! - [`tuning`]: where autotuning keeps what it finds.
//! - [`walk`]: the same loop for cells written in plain tensor operations.
//! - `step`, with a CPU backend compiled in: single steps with the weights packed once, for
//!   sampling and search.
//!
//! Everything is time-major: `[T, B, ...]`. Shapes use one alphabet: `B` batch,
//! `T` time, `H` hidden, `V` vocabulary, `G` gates x hidden.
//!
//! ```
//! # #[cfg(feature = "flex")] {
//! use burn::prelude::*;
//! use rekindle_kernels::{Input, Scan, lstm::lstm};
//!
//! let (device, [t, b, h]) = (Device::flex(), [5, 2, 3]);
//! let input = Input::Projected(Tensor::ones([t, b, 4 * h], &device));
//! let weight_hh = Tensor::ones([4 * h, h], &device);
//! let zero = Tensor::zeros([b, h], &device);
//! let (hidden, [_h, _c]) = lstm(input, weight_hh, zero.clone(), zero, &Scan::default());
//! assert_eq!(hidden.dims(), [t, b, h]);
//! # }
//! ```
//!
//! # Feature flags
//! `flex`, `ndarray`, `wgpu`, `vulkan`, `metal`, `webgpu`, `cuda`, `rocm` compile in the Burn
//! backend of that name; none is on by default. For `f32`, the two CPU backends run native code,
//! and the GPU backends run one kernel for a whole sequence; layers that are too large for it
//! ([`launches::one_launch`]) run a matrix product and one kernel at each step. All other backends
//! and element types run the composed twin, and so do GPUs with Burn's `fusion`.
//!
//! `autotune` lets a GPU time Burn's kernels for matrix products and reductions, and take the fastest ([`tuning`]).
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod adam;
pub mod attention;
pub mod convolution;
pub mod cross_entropy;
pub mod device;
pub mod glimpse;
pub mod gru;
pub mod latent;
pub mod launches;
pub mod layout;
pub mod linear;
pub mod lstm;
pub mod matmul;
pub mod minimal;
pub mod norm;
pub mod parallel;
pub mod pointwise;
pub mod pooling;
pub mod precision;
pub mod rnn;
pub mod rows;
pub mod sgd;
pub mod smoothed;
pub mod split_mix;
pub mod tuning;
pub mod unrolled;

mod arguments;
#[cfg(feature = "native")]
mod autodiff;
#[cfg(feature = "native")]
mod backend;
mod composed;
#[cfg(feature = "native-cpu")]
mod cpu;
#[cfg(feature = "native-gpu")]
mod cube;
mod input;
#[cfg(feature = "native-gpu")]
mod multi;
#[cfg(feature = "native")]
mod native;
#[cfg(feature = "native")]
mod node;
#[cfg(feature = "native-gpu")]
mod operation;
#[cfg(feature = "native-cpu")]
#[doc(hidden)]
pub mod products;
#[cfg(feature = "native")]
mod recurrence;
mod scan;
#[cfg(feature = "native-cpu")]
pub mod step;
#[cfg(feature = "native-gpu")]
mod table;
#[cfg(feature = "native")]
mod tensors;

pub use composed::walk;
pub use input::Input;
pub use scan::{Direction, Outputs, Scan};
