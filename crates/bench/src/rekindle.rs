//! Rekindle's contestant for each kind of work.

use burn::tensor::Device;
use rekindle_models::char_lm::CharLm;

use crate::captioner::captioning;
use crate::contestant::Contestant;
use crate::language_model::language_model;
use crate::shape::{Shape, Work};
use crate::translator::{decoding, translating};

/// Rekindle in the benchmark `shape` on `device`.
pub(crate) fn rekindle(shape: &Shape, device: &Device) -> Contestant<'static> {
    match shape.work {
        Work::Train | Work::Sample => language_model::<CharLm>(shape, device),
        Work::Translate => translating(shape, &device.clone().autodiff()),
        Work::Decode => decoding(shape, device),
        Work::Caption => captioning(shape, &device.clone().autodiff()),
    }
}
