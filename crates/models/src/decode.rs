//! From the distribution over the next symbol to text.
//!
//! * `sampling`: draws one symbol from a distribution.
//! * `search`: greedy search, beam search and sampling of whole sequences, for any [`StepDecoder`].
//! * `state`: what the decoders of this crate keep from symbol to symbol.
//! * `forced`: known sequences, read one symbol behind, and how probable they are.
//! * `stop`: ends a text at a given string.

pub(crate) mod forced;
mod sampling;
mod search;
mod state;
mod stop;

pub use forced::Forced;
pub use sampling::{Sampler, Sampling, SamplingError};
pub use search::{DecodeError, Hypothesis, Search, SearchError, Step, StepDecoder, Symbols, sample, search};
pub use state::DecoderState;
pub use stop::StopString;
