//! The layers against their definition, against PyTorch and against finite
//! differences, on each backend that the features compile in.
#![cfg(any(feature = "flex", feature = "ndarray"))]

mod devices;
mod dropout;
mod empty;
mod finite_differences;
mod initialization;
mod inputs;
mod mistakes;
mod named_parameters;
#[cfg(feature = "flex")]
mod probes;
mod sequences;
mod state;
mod torch_parity;
mod trace;
mod unrolled;
