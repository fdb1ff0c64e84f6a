//! Recurrent layers for [Burn](https://burn.dev).
//!
//! Every layer runs a whole sequence in one call, has weights with PyTorch's layout and names,
//! takes an initial state and returns the final one, and supports padded batches, reversed time and
//! token inputs.
//!
//! # Parts
//!
//! - [`Recurrent`]: a stack of layers of any [`Cell`], in one or both
//!   directions, with dropout between the layers.
//! - [`Layer`]: a single layer of any cell, with its weights by name.
//! - [`LayerInput`], of a [sequence](SequenceInput) or a [step](StepInput): dense rows, embedded tokens or
//!   one-hot tokens.
//! - `Stepper`, with a CPU backend compiled in: a network prepared for single steps, on tokens of
//!   one sequence for sampling, or on rows of several for search.
//! - [`Trace`], from [`Recurrent::trace`] and [`Layer::trace`]: hidden states, cell states and gates at every time
//!   step.
//! - [`Probes`], from [`Recurrent::probed`]: the gradient of a loss with respect to the state at every time step.
//! - [`State`]: the state carried from one chunk of a sequence to the next.
//! - [`Initialization`]: PyTorch's default, Xavier or orthogonal weights, and
//!   the bias of the forget gate.
//!
//! Shapes are written in one alphabet: `B` batch, `T` time, `I` input size,
//! `H` hidden size, `V` vocabulary, `L` layers, `D` directions, `G` gates x
//! hidden size.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "flex")] {
//! use burn::tensor::{Device, Distribution, Tensor};
//! use rekindle_rnn::{Cell, RecurrentConfig};
//!
//! let device = Device::flex();
//! let lstm = RecurrentConfig::new(8, 16, Cell::Lstm)
//!     .with_num_layers(2)
//!     .init(&device);
//! let input = Tensor::<3>::random([4, 10, 8], Distribution::Default, &device);
//! let (hidden, state) = lstm.forward(input, None, None);
//! assert_eq!(hidden.dims(), [4, 10, 16]);
//! assert_eq!(state.stacked_hidden().dims(), [2, 4, 16]);
//! # }
//! ```
//!
//! # Feature flags
//!
//! `flex`, `ndarray`, `wgpu`, `vulkan`, `metal`, `webgpu`, `cuda` and `rocm`
//! compile Burn's backend of that name in. None is on by default.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod cells;
mod equations;
mod error;
mod init;
mod input;
mod layer;
mod loss;
mod orthogonal;
mod probe;
mod projection;
mod recurrent;
mod regularization;
mod state;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod stepper;
mod trace;
mod unrolled;
mod weights;

pub use cells::Cell;
pub use error::Error;
pub use init::{CHAR_RNN_BOUND, Initialization, MIN_CHAR_RNN_DEVIATION, Scheme, blank, parameter};
pub use input::{LayerInput, SequenceInput, StepInput};
pub use layer::{Layer, LayerConfig};
pub use loss::{LossPart, LossParts};
pub use probe::Probes;
pub use recurrent::{Recurrent, RecurrentConfig, StackedLayer};
pub use regularization::{Penalties, Regularization};
#[cfg(any(feature = "flex", feature = "ndarray"))]
pub use rekindle_kernels::step::PackedLinear;
pub use rekindle_kernels::{Direction, Scan};
pub use state::{LayerState, State, reset_rows};
#[cfg(any(feature = "flex", feature = "ndarray"))]
pub use stepper::{Reader, StepState, Stepper};
pub use trace::{Gate, LayerTrace, Trace};
pub use unrolled::{KnownInput, Unrolled};
pub use weights::Weight;
