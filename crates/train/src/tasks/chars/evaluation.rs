//! The figures of a language model.

use std::ops::Range;

use burn::tensor::Int;
use rekindle_data::{Corpus, StreamBatch, Streams, Vocabulary};
use rekindle_metrics::language::{bits, perplexity};
use rekindle_models::char_lm::CharLm;

use crate::prelude::*;

/// The figures of `model` over all of `streams`, with the state carried along them.
///
/// # Errors
///
/// When the device fails.
pub fn evaluate(model: &CharLm, streams: &mut Streams, device: &Device) -> Result<Report, TaskError> {
    let mut state = None;
    let mut total = Tensor::<1>::zeros([1], device);
    for step in 0..streams.steps() {
        check_stop()?;
        let [inputs, targets] = tensors(streams.batch(step), streams.batch_size(), device);
        let (loss, after) = model.loss(inputs, targets, state);
        state = Some(after);
        total = total + loss;
    }
    Ok(report(f64::from(numbers(total)?[0]) / streams.steps() as f64))
}

/// The report of a mean loss in nats.
pub(super) fn report(loss: f64) -> Report {
    Report::new(loss).lower("bits_per_symbol", bits(loss), "").lower("perplexity", perplexity(loss), "")
}

/// Streams over a held-out split. It may be too short for the batches of the training: then there are fewer streams, and
/// shorter steps if need be. None for a split without a pair of tokens.
///
/// # Errors
///
/// When the text has tokens that are not in `vocabulary`.
pub fn evaluation_streams(
    corpus: &Corpus,
    vocabulary: &Vocabulary,
    range: Range<usize>,
    batch_size: usize,
    sequence_length: usize,
) -> Result<Option<Streams>, TaskError> {
    let predicted = range.len().saturating_sub(1);
    if predicted == 0 {
        return Ok(None);
    }
    let time = sequence_length.min(predicted);
    let batch = batch_size.min(predicted / time.max(1));
    Ok(Some(Streams::new(corpus, vocabulary, range, batch, time)?))
}

/// Inputs and targets `[B, T]`.
pub(super) fn tensors(batch: StreamBatch, batch_size: usize, device: &Device) -> [Tensor<2, Int>; 2] {
    let shape = [batch_size, batch.inputs.len() / batch_size];
    [batch.inputs, batch.targets].map(|tokens| {
        let tokens: Vec<i32> = tokens.into_iter().map(|token| token as i32).collect();
        Tensor::from_data(TensorData::new(tokens, shape), device)
    })
}
