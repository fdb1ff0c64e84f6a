//! Evaluation over windows of a text, each read by itself.

use rekindle_data::{Corpus, StreamBatch, Streams, Vocabulary};
use rekindle_models::char_lm::CharLm;

use super::evaluation::{report, tensors};
use crate::prelude::*;

/// Windows of a text that begin at even distances and may overlap. Each begins with a hidden state of zeros, as models are
/// judged that were trained on shuffled windows.
#[derive(Debug)]
pub struct Windows {
    symbols: Vec<u32>,
    length: usize,
    stride: usize,
}

impl Windows {
    /// Windows in which `length` symbols are predicted, `stride` symbols apart, over the part `range` of `corpus`; none when
    /// it is too short for one.
    ///
    /// # Errors
    ///
    /// When `length` or `stride` is 0, or the text has symbols that are not in `vocabulary`.
    pub fn new(
        corpus: &Corpus,
        vocabulary: &Vocabulary,
        range: std::ops::Range<usize>,
        length: usize,
        stride: usize,
    ) -> Result<Option<Self>, TaskError> {
        for (option, value) in [("sequence-length", length), ("window-stride", stride)] {
            if value == 0 {
                return Err(SettingError::invalid(option, 0, "at least 1").into());
            }
        }
        let predicted = range.len().saturating_sub(1);
        if predicted < length {
            return Ok(None);
        }
        let StreamBatch { inputs, targets } = Streams::new(corpus, vocabulary, range, 1, predicted)?.batch(0);
        let symbols = inputs.into_iter().chain(targets.last().copied()).collect();
        Ok(Some(Self { symbols, length, stride }))
    }

    /// How many windows there are.
    pub fn count(&self) -> usize {
        (self.symbols.len() - 1 - self.length) / self.stride + 1
    }

    /// How many symbols are predicted, those in several windows each time.
    pub fn predicted(&self) -> usize {
        self.count() * self.length
    }

    /// The figures of `model` over all windows, `batch_size` side by side. The loss is the mean over all predictions.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn evaluate(&self, model: &CharLm, batch_size: usize, device: &Device) -> Result<Report, TaskError> {
        let starts: Vec<usize> = (0..self.count()).map(|window| window * self.stride).collect();
        let mut total = 0.0;
        for starts in starts.chunks(batch_size.max(1)) {
            let rows = |shift: usize| {
                let row = |&start: &usize| &self.symbols[start + shift..start + shift + self.length];
                starts.iter().flat_map(row).copied().collect()
            };
            let batch = StreamBatch { inputs: rows(0), targets: rows(1) };
            let [inputs, targets] = tensors(batch, starts.len(), device);
            let (loss, _) = model.loss(inputs, targets, None);
            total += f64::from(numbers(loss)?[0]) * starts.len() as f64;
        }
        Ok(report(total / self.count() as f64))
    }
}
