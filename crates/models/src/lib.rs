//! A zoo of sequence models on [Burn](https://burn.dev), and the ways to read text out of them.
//!
//! * [`char_lm`]: the character-level language model of the lecture (bytes and words too).
//! * [`draw`]: DRAW, which reads and writes an image by a sequence of glimpses.
//! * [`classifier`]: a sequence of words in, one label out.
//! * [`translator`]: sentence to sentence, with an encoder, a decoder and [`attention`].
//! * [`decode`]: greedy, beam search; sampling with temperature, top-k and top-p; stop strings.
//! * [`host`]: numbers from the device, or why there are none.
//!
//! The models' weights go to PyTorch and safetensors, and come from there, through `rekindle-weights`.
//!
//! ```
//! # #[cfg(feature = "flex")] {
//! use burn::tensor::{Device, Int, Tensor};
//! use rekindle_models::char_lm::CharLmConfig;
//! use rekindle_models::decode::{Sampler, Sampling};
//! use rekindle_rnn::Cell;
//!
//! let device = Device::flex();
//! let model = CharLmConfig::new(65, 128, Cell::Gru).init(&device);
//! let tokens = Tensor::<2, Int>::zeros([1, 10], &device);
//! let (log_probs, _state) = model.forward(tokens, None);
//! assert_eq!(log_probs.dims(), [1, 10, 65]);
//!
//! let sampler = Sampler::new(Sampling::default(), 42).unwrap();
//! let text: Vec<u32> = model.generate(&[7], None, sampler).take(100).collect();
//! assert_eq!(text.len(), 100);
//! # }
//! ```
//!
//! # Feature flags
//!
//! * `learner`: implements the traits of Burn's own `Learner` for the models.
//! * `ndarray`, `flex`, `wgpu`, `vulkan`, `metal`, `webgpu`, `cuda`, `rocm`: the backends to compile in, forwarded to
//!   Burn. None is on by default.
#![forbid(unsafe_code)]

pub mod attention;
pub mod captioner;
pub mod char_lm;
pub mod classifier;
pub mod decode;
pub mod draw;
pub mod frame_tagger;
pub mod host;
mod init;
mod smoothed;
mod transfer;
pub mod translator;

pub use transfer::TransferError;
