//! From the distribution over the next symbol to text.

mod sampling;
mod stop;

pub use sampling::{Sampler, Sampling, SamplingError};
pub use stop::StopString;
