//! The figures of a language model.

use std::iter::once;
use std::ops::Range;

use burn::tensor::Int;
use rekindle_data::{Corpus, StreamBatch, Unit, Vocabulary};
use rekindle_metrics::language::{bits, perplexity};
use rekindle_models::char_lm::CharLm;
use serde::{Deserialize, Serialize};

use crate::group::shared;
use crate::prelude::*;

/// Tokens of a passage. A passage starts without context; this is long enough for that to cost less than about a
/// thousandth of a nat, and short enough for many passages to be computed side by side.
const PASSAGE: usize = 2048;

/// Passages of a text. Each is read independently, from a hidden state of zeros, and all its tokens after the first
/// are predicted. Consecutive passages predict every token of the text but the first, once.
#[derive(Clone, Debug)]
pub(crate) struct Passages {
    corpus: Corpus,
    vocabulary: Vocabulary,
    range: Range<usize>,
    /// Tokens predicted in a passage.
    length: usize,
    /// Distance between the starts of two passages.
    stride: usize,
    count: usize,
}

impl Passages {
    /// Consecutive passages of the part `range` of `corpus`; none if there is nothing to predict.
    ///
    /// # Errors
    ///
    /// When the text has tokens outside of `vocabulary`.
    pub fn whole(corpus: &Corpus, vocabulary: &Vocabulary, range: Range<usize>) -> Result<Option<Self>, TaskError> {
        let count = range.len().saturating_sub(1).div_ceil(PASSAGE);
        Self::new(corpus, vocabulary, range, [PASSAGE, PASSAGE, count])
    }

    /// Windows in which `length` tokens are predicted, `stride` tokens apart: the evaluation of models that were
    /// trained on shuffled windows. If they overlap, a token is predicted in each; at the end of the text, fewer than
    /// `stride` tokens may be in none. None if the text is shorter than a window.
    ///
    /// # Errors
    ///
    /// When `length` or `stride` is 0, or the text has tokens outside of `vocabulary`.
    pub fn windows(
        corpus: &Corpus,
        vocabulary: &Vocabulary,
        range: Range<usize>,
        length: usize,
        stride: usize,
    ) -> Result<Option<Self>, TaskError> {
        for (option, value) in [("sequence-length", length), ("window-stride", stride)] {
            if value == 0 {
                return Err(SettingError::invalid(option, 0, "at least 1").into());
            }
        }
        let count = range.len().checked_sub(length + 1).map_or(0, |more| more / stride + 1);
        Self::new(corpus, vocabulary, range, [length, stride, count])
    }

    fn new(
        corpus: &Corpus,
        vocabulary: &Vocabulary,
        range: Range<usize>,
        [length, stride, count]: [usize; 3],
    ) -> Result<Option<Self>, TaskError> {
        corpus.check_vocabulary(vocabulary)?;
        let (corpus, vocabulary) = (corpus.clone(), vocabulary.clone());
        Ok((count > 0).then_some(Self { corpus, vocabulary, range, length, stride, count }))
    }

    /// Tokens that passage `number` predicts: the end of the text may cut off the last one.
    fn predicted_by(&self, number: usize) -> usize {
        self.length.min(self.range.len() - 1 - number * self.stride)
    }

    /// Number of predictions; a token in several passages counts each time.
    pub fn predicted(&self) -> usize {
        let last = self.count - 1;
        last * self.length + self.predicted_by(last)
    }

    /// The figures of `models`, whose probabilities are averaged: means over all predictions. Batches have `batch_size`
    /// passages, read `sequence_length` time steps at once; neither changes the figures.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn evaluate(
        &self,
        models: &[&CharLm],
        [batch_size, sequence_length]: [usize; 2],
        device: &Device,
    ) -> Result<Report, TaskError> {
        let whole = self.count - 1;
        let mut total = Total::default();
        // The last may be shorter than the others, and is computed alone.
        let groups = (0..whole).step_by(batch_size).map(|first| first..whole.min(first + batch_size));
        let groups: Vec<_> = groups.chain(once(whole..self.count)).collect();
        for part in shared(groups.len(), |at| self.loss(models, groups[at].clone(), sequence_length, device))? {
            total.add(part);
        }
        Ok(total.report(&self.vocabulary))
    }

    /// The losses of some passages of equal length.
    fn loss(
        &self,
        models: &[&CharLm],
        passages: Range<usize>,
        sequence_length: usize,
        device: &Device,
    ) -> Result<Total, TaskError> {
        let mut total = Total::default();
        let (rows, length) = (passages.len(), self.predicted_by(passages.start));
        let first = self.range.start + passages.start * self.stride;
        let symbols = self.corpus.ids(&self.vocabulary, first..first + (rows - 1) * self.stride + length + 1)?;
        (0..rows).for_each(|row| total.predict(&self.vocabulary, &symbols[row * self.stride + 1..][..length]));
        let (mut states, mut losses) = (vec![None; models.len()], Vec::new());
        for start in (0..length).step_by(sequence_length) {
            check_stop()?;
            let time = sequence_length.min(length - start);
            let columns = |from: usize| -> Vec<u32> {
                (0..rows).flat_map(|row| &symbols[row * self.stride + from..][..time]).copied().collect()
            };
            let batch = StreamBatch { inputs: columns(start), targets: columns(start + 1) };
            let [inputs, targets] = tensors(batch, rows, device);
            if let [model] = models {
                let (loss, after) = model.loss(inputs, targets, states.remove(0));
                losses.push(loss.mul_scalar((rows * time) as f64));
                states.push(Some(after));
            } else {
                let (log_probs, after) = CharLm::log_probs_together(models, inputs, targets, states);
                losses.push(log_probs.sum().neg());
                states = after;
            }
        }
        total.loss = numbers(Tensor::cat(losses, 0))?.into_iter().map(f64::from).sum::<f64>();
        Ok(total)
    }
}

/// The losses of the predictions of a text.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Total {
    /// Their sum, in nats.
    pub loss: f64,
    predicted: usize,
    /// Characters of what was predicted; none if an unknown token is among it, whose characters were not.
    characters: Option<usize>,
}

impl Default for Total {
    fn default() -> Self {
        Self { loss: 0.0, predicted: 0, characters: Some(0) }
    }
}

impl Total {
    /// Counts these tokens as predicted.
    pub fn predict(&mut self, vocabulary: &Vocabulary, ids: &[u32]) {
        self.predicted += ids.len();
        let characters = ids.iter().map(|&id| vocabulary.characters(id)).sum::<Option<usize>>();
        self.characters = self.characters.zip(characters).map(|(all, more)| all + more);
    }

    /// Adds the losses of more predictions.
    fn add(&mut self, more: Self) {
        self.loss += more.loss;
        self.predicted += more.predicted;
        self.characters = self.characters.zip(more.characters).map(|(all, more)| all + more);
    }

    /// The figures; tokens that may have several characters have a figure that does not depend on their unit.
    pub fn report(self, vocabulary: &Vocabulary) -> Report {
        let loss = self.loss / self.predicted as f64;
        let report = Report::new(loss).lower("bits_per_symbol", bits(loss), "");
        let several = !matches!(vocabulary.unit(), Unit::Char | Unit::Byte);
        let report = match self.characters.filter(|&characters| several && characters > 0) {
            Some(characters) => report.lower("bits_per_character", bits(self.loss / characters as f64), ""),
            None => report,
        };
        report.lower("perplexity", perplexity(loss), "")
    }
}

/// Inputs and targets `[B, T]`.
pub(super) fn tensors(batch: StreamBatch, batch_size: usize, device: &Device) -> [Tensor<2, Int>; 2] {
    let shape = [batch_size, batch.inputs.len() / batch_size];
    [batch.inputs, batch.targets].map(|tokens| {
        let tokens: Vec<i32> = tokens.into_iter().map(|token| token as i32).collect();
        Tensor::from_data(TensorData::new(tokens, shape), device)
    })
}

#[cfg(test)]
mod tests;
