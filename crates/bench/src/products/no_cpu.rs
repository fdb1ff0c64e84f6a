//! Without a CPU backend there is no code to time.

use super::{Contestant, Product};
use crate::BenchError;

pub(super) struct Factors;

pub(super) fn factors(_: &Product) -> Result<Factors, BenchError> {
    Err(BenchError::NoDevice)
}

pub(super) fn contestants<'a>(_: &Product, _: &'a Factors) -> Vec<Contestant<'a>> {
    Vec::new()
}
