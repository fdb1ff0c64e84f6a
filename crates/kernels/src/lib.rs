//! Whole-sequence recurrent operations for [Burn](https://burn.dev), forward and
//! back-propagation through time.
//!
//! A recurrent layer written with tensor operations pays for dozens of small
//! operations at every time step. Here the whole walk over the sequence is one
//! operation with a hand-written backward pass: [`rnn::rnn`], [`lstm::lstm`], [`gru::gru`],
//! [`minimal::min_gru`] and [`minimal::min_lstm`]. Each takes the input projection ready made (a product over all
//! steps at once is cheaper than one per step) or as the rows of a projected
//! token table, and returns the hidden states of all steps and the final state.
//!
//! # Parts
//! - [`Input`]: what the recurrence reads at each step.
//! - [`Scan`], [`Direction`]: how the sequence is walked, and the lengths of its rows.
//! - [`rnn`], [`lstm`], [`gru`], [`minimal`]: the cells, each with its equations, its memory and
//!   its *composed twin*, the same arithmetic in plain tensor operations.
//! - [`launches`]: counts the kernels that a GPU is given.
//! - [`unrolled`]: for loops that only a program can write, step by step: gradients that
//!   are computed once a loop.
//! - [`device`]: whether it is the CPU that computes.
//! - [`parallel`]: independent work on the CPU, side by side.
//! - [`linear`], [`cross_entropy`], [`pointwise`]: what stands around a recurrence, with
//!   all threads of a CPU.
//! - [`adam`]: a step of the optimizer, likewise.
//! - [`split_mix`]: random numbers from counters.
//! - [`walk`]: the same walk for cells that are written in plain tensor operations.
//! - `step`, with a CPU backend compiled in: sequences read step by
//!   step, with the weights packed once, as in sampling and in a search.
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
//! `flex`, `ndarray`, `wgpu`, `vulkan`, `metal`, `webgpu`, `cuda`, `rocm` compile the
//! Burn backend of that name in; none is on by default. The two CPU backends run
//! native code for `f32`, and the GPU backends a matrix product and one kernel at each
//! step of it, or one kernel for the whole sequence where there is no recurrent product;
//! every other backend and element type runs the composed twin, and so do
//! GPUs where Burn's own `fusion` is on.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod adam;
pub mod cross_entropy;
pub mod device;
pub mod gru;
pub mod launches;
pub mod linear;
pub mod lstm;
pub mod minimal;
pub mod parallel;
pub mod pointwise;
pub mod rnn;
pub mod split_mix;
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
#[cfg(feature = "native")]
mod native;
#[cfg(feature = "native")]
mod node;
#[cfg(feature = "native")]
mod recurrence;
mod scan;
#[cfg(feature = "native-cpu")]
pub mod step;
#[cfg(feature = "native")]
mod tensors;

pub use composed::walk;
pub use input::Input;
pub use scan::{Direction, Outputs, Scan};
