//! Decoding: from the distribution of the next token to text.
//!
//! * `sampling`: draws one token from a distribution.
//! * `search`: greedy search, beam search and sampling of whole sequences, for any [`StepDecoder`].
//! * `mixture`: several models that answer together.
//! * `state`: the state of this crate's decoders.
//! * `forced`: teacher forcing, and the log-probabilities of known targets.
//! * `stop`: ends a text at a given string.

pub(crate) mod forced;
mod mixture;
mod sampling;
mod search;
mod state;
mod stop;

pub use forced::Forced;
pub use mixture::{Together, TogetherState, log_mean_exp, mix_rows, mixture};
pub use sampling::{NothingToDraw, Sampler, Sampling, SamplingError};
pub use search::{DecodeError, Hypothesis, Search, SearchError, Step, StepDecoder, StepRows, Symbols, sample, search};
pub use state::DecoderState;
pub use stop::StopString;
