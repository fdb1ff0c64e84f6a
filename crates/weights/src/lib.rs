//! PyTorch checkpoints (`.pt`, `.pth`) and safetensors in and out, without Python and without trust.
//!
//! * [`WeightFile`]: opens a file, of safetensors or of PyTorch (the zip format or the one before it), lists its tensors and
//!   names those that it does not read.
//! * [`WeightTensor`]: the values of a tensor, in the order of its shape, as 32-bit floats.
//! * [`StateDict`]: the weights of a module, in and out, by PyTorch's names; [`LoadReport`] says what became of each.
//! * [`Rename`], [`rename`], [`within`]: other names, for models that are named differently, and one model of several.
//! * [`LanguageModel`]: the shape of a recurrent language model, from the names and shapes of its tensors.
//! * [`save_safetensors`], [`save_json`]: write tensors to a file that PyTorch and others read.
//! * [`WeightError`]: what can be wrong.
//!
//! A pickle is a program. The interpreter here never runs what it names: a class that it does not know becomes a value
//! that has a name, and what the object was to hold. Nothing is allocated on the word of the file alone: a tensor has no more elements than the file
//! has bytes, and its storage must be there.
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
pub use report::{LoadReport, WrongShape};
pub use safetensors::save_safetensors;
pub use tensor::{Element, WeightTensor};
pub use torch::WeightFile;
