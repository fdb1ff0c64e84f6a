//! Rekindle's contestant for each kind of work.

use burn::tensor::Device;
use rekindle_models::char_lm::CharLm;

use crate::captioner::captioning;
use crate::classifier::classifying;
use crate::contestant::Contestant;
use crate::draw::drawing;
use crate::frame_tagger::tagging;
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
        Work::Sentiment => classifying(shape, &device.clone().autodiff()),
        Work::Frames => tagging(shape, &device.clone().autodiff()),
        Work::Draw => drawing(shape, &device.clone().autodiff()),
    }
}
