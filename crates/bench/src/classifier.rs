//! The text classifier benchmark: the bidirectional classifier of `rekindle train sentiment`, on texts of different
//! lengths in one batch.

use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::classifier::ClassifierSettings;

use crate::contestant::{Contestant, training};
use crate::shape::{REVIEW_WORDS, SENTIMENTS, Shape};
use crate::tokens::sequences;

/// Training steps, with dropout, on a device with gradients.
pub(crate) fn classifying(shape: &Shape, device: &Device) -> Contestant<'static> {
    let usual = ClassifierSettings::default();
    let settings = ClassifierSettings { recurrent: shape.recurrent(usual.recurrent.dropout), ..usual };
    let model = settings.init_with(REVIEW_WORDS, SENTIMENTS, &mut ChaCha8Rng::seed_from_u64(1), device);
    let lengths = shape.lengths();
    let words = sequences(shape.batch, shape.time, 0..REVIEW_WORDS as u32).concat();
    let tokens = Tensor::from_data(TensorData::new(words, [shape.batch, shape.time]), device);
    let labels: Vec<i32> = (0..shape.batch).map(|text| (text % SENTIMENTS) as i32).collect();
    let labels = Tensor::from_data(TensorData::new(labels, [shape.batch]), device);
    training(model, device, move |model, _: Option<()>| (model.loss(tokens.clone(), &lengths, labels.clone()), ()))
}
