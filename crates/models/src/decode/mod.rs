//! From the distribution over the next symbol to text.

mod sampling;
mod search;
mod stop;

pub use sampling::{Sampler, Sampling, SamplingError};
pub use search::{DecodeError, Hypothesis, Search, SearchError, Step, StepDecoder, Symbols, sample, search};
pub use stop::StopString;
