//! The figures of a classifier.

use burn::tensor::Int;
use rekindle_data::labelled::{EncodedTexts, TextVocabulary};
use rekindle_metrics::classification::{ConfusionMatrix, most_likely};
use rekindle_models::classifier::Classifier;
use rekindle_models::decode::log_mean_exp;

use crate::group::shared;
use crate::prelude::*;

/// The figures of `models`, whose probabilities are averaged, on `texts`, whose classes are named `classes`.
///
/// # Errors
///
/// When the device fails, or the run is asked to stop.
pub fn evaluate(
    models: &[&Classifier],
    texts: &EncodedTexts,
    classes: &[String],
    batch_size: usize,
    device: &Device,
) -> Result<Report, TaskError> {
    let mut matrix = ConfusionMatrix::new(classes.len());
    let mut loss = 0.0;
    for (row, &label) in log_probs(models, &texts.texts, batch_size, device)?.iter().zip(&texts.labels) {
        loss -= f64::from(row[label as usize]);
        matrix.add(label as usize, most_likely(row));
    }
    let accuracy = matrix.accuracy();
    Ok(Report::new(loss / texts.len().max(1) as f64)
        .fact("count", matrix.total())
        .higher("accuracy", accuracy)
        .higher("macro_f1", matrix.macro_f1())
        .classes(&matrix, classes)
        .ranked_by(1.0 - accuracy))
}

/// Log-probabilities of the classes of each text, averaged over `models` as probabilities, in the order of `texts`.
/// Batches have texts of similar lengths.
///
/// # Errors
///
/// When the device fails, or the run is asked to stop.
pub(crate) fn log_probs(
    models: &[&Classifier],
    texts: &[Vec<u32>],
    batch_size: usize,
    device: &Device,
) -> Result<Vec<Vec<f32>>, TaskError> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&text| texts[text].len());
    let mut found = vec![Vec::new(); texts.len()];
    let batches: Vec<&[usize]> = order.chunks(batch_size.max(1)).collect();
    let rows = shared(batches.len(), |at| {
        check_stop()?;
        let batch = batches[at];
        let rows: Vec<&[u32]> = batch.iter().map(|&text| texts[text].as_slice()).collect();
        let (tokens, lengths) = padded(&rows, device);
        let all = models.iter().map(|model| model.forward(tokens.clone(), &lengths)).collect();
        Ok(numbers(log_mean_exp(all))?)
    })?;
    for (batch, rows) in batches.into_iter().zip(rows) {
        for (&text, row) in batch.iter().zip(rows.chunks(rows.len() / batch.len())) {
            found[text] = row.to_vec();
        }
    }
    Ok(found)
}

/// Texts as `[B, T]` with their lengths. Padded with the unknown word, which the model does not read.
pub(super) fn padded(texts: &[&[u32]], device: &Device) -> (Tensor<2, Int>, Vec<usize>) {
    let lengths: Vec<usize> = texts.iter().map(|text| text.len()).collect();
    let time = lengths.iter().copied().max().unwrap_or(1);
    let padding = |text: &[u32]| std::iter::repeat_n(TextVocabulary::UNKNOWN as i32, time - text.len());
    let tokens: Vec<i32> =
        texts.iter().flat_map(|text| text.iter().map(|&word| word as i32).chain(padding(text))).collect();
    (Tensor::from_data(TensorData::new(tokens, [texts.len(), time]), device), lengths)
}
