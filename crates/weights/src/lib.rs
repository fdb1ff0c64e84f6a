//! Imports and exports PyTorch checkpoints (`.pt`, `.pth`) and safetensors, without Python or code execution.
//!
//! * [`WeightFile`]: opens a safetensors or PyTorch file (the zip format or the one before it), lists its tensors and
//!   names those that are unsupported.
//! * [`WeightTensor`]: the values of a tensor, in the order of its shape, as 32-bit floats.
//! * [`StateDict`]: imports and exports the weights of a module, by PyTorch's names; [`LoadReport`] lists the results.
//! * [`Rename`], [`rename`], [`within`]: rename tensors of models with other names, and select one model of several.
//! * [`LanguageModel`]: finds the shape of a recurrent language model, from the names and shapes of its tensors.
//! * [`Parts`]: finds the parts of any other model, by names or else by shapes.
//! * [`save_safetensors`], [`save_json`]: write tensors to a file that PyTorch and others read.
//! * [`WeightError`]: the errors.
//!
//! A pickle is a program. This interpreter never calls the functions that it names: an object of an unknown class
//! becomes a value with the class's name and the object's state. A file cannot request more memory than it has bytes:
//! a tensor has no more elements than that, and its storage must exist.
//!
//! ```no_run
//! use rekindle_rnn::Recurrent;
//! use rekindle_weights::{StateDict, Strictness, WeightError, WeightFile, save_safetensors};
//!
//! /// Reads what `torch.save(torch.nn.LSTM(8, 16, 2).state_dict(), "lstm.pt")` wrote, and writes it as safetensors.
//! fn convert(lstm: Recurrent) -> Result<Recurrent, WeightError> {
//!     let file = WeightFile::open("lstm.pt")?;
//!     let (lstm, _report) = lstm.load_state_dict(file.tensors(), Strictness::Strict)?;
//!     save_safetensors("lstm.safetensors", &lstm.state_dict(), &Default::default())?;
//!     Ok(lstm)
//! }
//! ```
#![forbid(unsafe_code)]

mod error;
mod file;
mod flatten;
mod json;
mod key_map;
mod language_model;
mod module;
mod names;
mod network;
mod parts;
mod pickle;
mod report;
mod safetensors;
mod tensor;
mod torch;
mod zip;

pub use error::WeightError;
pub use json::save_json;
pub use key_map::{Rename, rename, within};
pub use language_model::{LanguageModel, ShapeError};
pub use module::{StateDict, Strictness};
pub use network::Matrix;
pub use parts::{FoundParts, Network, Parts, Wanted};
pub use report::{LoadReport, WrongShape};
pub use safetensors::save_safetensors;
pub use tensor::{Element, WeightTensor};
pub use torch::WeightFile;
