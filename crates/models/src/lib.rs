//! Sequence models on [Burn](https://burn.dev), and decoding methods that generate text with them.
//!
//! * [`char_lm`]: the character-level language model of the lecture (bytes and words too).
//! * [`classifier`]: one label for a sequence of words.
//! * [`frame_tagger`]: a label for every frame of a clip.
//! * [`translator`]: sentence to sentence, with an encoder and a decoder, with or without attention.
//! * [`captioner`]: a sentence about an image.
//! * [`draw`]: DRAW, which reads and writes an image by a sequence of glimpses.
//! * [`settings`]: the settings that recurrent models share. Each model is initialised from a group of settings beside
//!   it.
//! * [`decode`]: greedy, beam search; sampling with temperature, top-k and top-p; stop strings.
//! * [`attention`]: scores, weights and contexts, and the mask of padding.
//! * [`init`]: initialisation of the layers around a recurrence, also for your own models.
//! * `tokens`: dropping tokens in training.
//! * `prepared`: the layers around a recurrence, prepared for single steps.
//! * [`with_weights_of`]: a model initialised with the weights of another; [`TransferError`].
//! * `learner`, with the feature of that name: any model with its loss, for Burn's own `Learner`.
//! * [`host`]: tensor values on the host, and device failures.
//! * [`stop`]: stopping work that takes long.
//!
//! `rekindle-weights` exports the models' weights to PyTorch and safetensors, and imports them.
//!
//! ```
//! # #[cfg(feature = "flex")] {
//! use burn::tensor::{Device, Int, Tensor};
//! use rekindle_models::char_lm::CharLmSettings;
//! use rekindle_models::decode::{Sampler, Sampling};
//!
//! let device = Device::flex();
//! let model = CharLmSettings { embedding: 64, ..CharLmSettings::default() }.init(65, &device);
//! let tokens = Tensor::<2, Int>::zeros([1, 10], &device);
//! let (log_probs, _state) = model.forward(tokens, None);
//! assert_eq!(log_probs.dims(), [1, 10, 65]);
//!
//! let sampler = Sampler::new(Sampling::default(), 42).unwrap();
//! let text: Vec<u32> = model.generate(&[7], None, sampler).take(100).collect::<Result<_, _>>().unwrap();
//! assert_eq!(text.len(), 100);
//! # }
//! ```
//!
//! # Feature flags
//!
//! * `learner`: the wrapper with which Burn's own `Learner` trains any of the models.
//! * `ndarray`, `flex`, `wgpu`, `vulkan`, `metal`, `webgpu`, `cuda`, `rocm`: the backends to compile in, forwarded to
//!   Burn. None is on by default.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod attention;
pub mod captioner;
pub mod char_lm;
pub mod classifier;
pub mod decode;
pub mod draw;
pub mod frame_tagger;
pub mod host;
pub mod init;
#[cfg(feature = "learner")]
pub mod learner;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod prepared;
mod repeated;
pub mod settings;
mod side_by_side;
pub mod stop;
mod tokens;
mod transfer;
pub mod translator;

pub use transfer::{TransferError, with_weights_of};
