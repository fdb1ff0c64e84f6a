//! ONNX export of recurrent networks.
//!
//! * [`ToOnnx`]: the graphs of every model of `rekindle-models`; [`frame_tagger()`] with features that are
//!   standardised, and [`image_encoder`] for the network that a captioner reads images with. The modules list inputs
//!   and outputs.
//! * [`Graph`], [`recurrent`] and [`layer`]: graphs of your own models, with any recurrent layer of `rekindle-rnn`.
//! * [`OnnxModel`]: a finished model, with metadata, to be saved.
//! * [`Opset`]: the version of ONNX's operators; [`OnnxError`]: the errors.
//!
//! Batches, and sequences where they are not single steps, may have any size. All numbers are 32-bit floats.
//!
//! ```
//! # #[cfg(feature = "flex")] {
//! use burn::tensor::Device;
//! use rekindle_models::char_lm::CharLmSettings;
//! use rekindle_onnx::{Opset, ToOnnx};
//!
//! let model = CharLmSettings::default().init(65, &Device::flex());
//! let graphs = model.to_onnx(Opset::default()).unwrap();
//! assert_eq!(graphs[0].model.inputs(), ["tokens", "hidden", "cell"]);
//! assert_eq!(graphs[0].model.outputs(), ["logits", "next_hidden", "next_cell"]);
//! let bytes = graphs[0].model.to_bytes().unwrap();
//! # assert!(bytes.len() > 65 * 128);
//! # }
//! ```
//!
//! # Feature flags
//!
//! `ndarray` and `flex` compile Burn's backend of that name in. None is on by default.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod attention;
pub mod captioner;
pub mod char_lm;
pub mod classifier;
pub mod draw;
mod error;
pub mod frame_tagger;
mod graph;
mod model;
mod opset;
mod proto;
mod recurrent;
pub mod translator;

pub use captioner::image_encoder;
pub use error::OnnxError;
pub use frame_tagger::{Standardized, frame_tagger};
pub use graph::{Attribute, Axis, Element, Graph, Loop, Value};
pub use model::{NamedModel, OnnxModel, ToOnnx};
pub use opset::Opset;
pub use recurrent::{OnnxState, layer, recurrent};
