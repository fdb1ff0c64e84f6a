//! Reads PyTorch checkpoints (`.pt`, `.pth`) and safetensors without Python and without trust; writes safetensors.
//!
//! * [`WeightFile`]: opens a file, of safetensors or of PyTorch (the zip format or the one before it), and lists its tensors.
//! * [`WeightTensor`]: the values of a tensor, in the order of its shape, as 32-bit floats.
//! * [`save_safetensors`]: writes tensors to a file that PyTorch and others read.
//! * [`WeightError`]: what can be wrong with a file.
//!
//! A pickle is a program. The interpreter here never runs what it names: a class that it does not know becomes a value
//! that only has a name. Nothing is allocated on the word of the file alone: a tensor has no more elements than the file
//! has bytes, and its storage must be there.
//!
//! ```no_run
//! let file = rekindle_weights::WeightFile::open("model.pt")?;
//! for (name, tensor) in file.tensors() {
//!     println!("{name} {:?}", tensor.shape());
//! }
//! # Ok::<(), rekindle_weights::WeightError>(())
//! ```
#![forbid(unsafe_code)]

mod error;
mod flatten;
mod pickle;
mod safetensors;
mod tensor;
mod torch;
mod zip;

pub use error::WeightError;
pub use safetensors::save_safetensors;
pub use tensor::{Element, WeightTensor};
pub use torch::WeightFile;
