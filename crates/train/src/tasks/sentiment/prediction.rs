//! Predicting the classes of new texts, with explanations.

use burn::module::Module;
use rekindle_data::labelled::words;
use rekindle_metrics::classification::most_likely;

use super::evaluation::{log_probs, padded};
use super::task::SentimentTask;
use crate::TrainError;
use crate::prelude::*;

/// The class of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The index of the most probable class.
    pub class: usize,
    /// The probability of each class.
    pub probabilities: Vec<f64>,
    /// Whether the text has no word; it was then read as one unknown word.
    pub empty: bool,
}

/// The parts of a text, each with its contribution to the class. Words that the model read have one; white space and
/// the words that were cut out of a long text have none.
pub type Explanation<'t> = Vec<(&'t str, Option<f32>)>;

impl Prediction {
    fn new(log_probs: &[f32], empty: bool) -> Self {
        let probabilities = log_probs.iter().map(|&log| f64::from(log).exp()).collect();
        Self { class: most_likely(log_probs), probabilities, empty }
    }
}

impl Trained<SentimentTask> {
    /// The name of a class.
    ///
    /// # Panics
    ///
    /// When there is no such class.
    pub fn class(&self, class: usize) -> &str {
        &self.assets.classes()[class]
    }

    /// The class of each text, by the mean of the probabilities of all [`models`](Trained::models).
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn classify<T: AsRef<str>>(&self, texts: &[T]) -> Result<Vec<Prediction>, TrainError> {
        let encode = |text: &T| self.assets.encode(text.as_ref(), self.settings.data.max_length);
        let (encoded, places): (Vec<_>, Vec<_>) = texts.iter().map(encode).unzip();
        let rows = log_probs(&self.models(), &encoded, self.settings.data.batch_size, &self.device)?;
        Ok(rows.iter().zip(&places).map(|(row, places)| Prediction::new(row, places.is_empty())).collect())
    }

    /// The class of a text, and the contribution of each part of the text. See
    /// [`Classifier::explain`](rekindle_models::classifier::Classifier::explain).
    pub fn explain<'t>(&self, text: &'t str) -> (Prediction, Explanation<'t>) {
        let (ids, places) = self.assets.encode(text, self.settings.data.max_length);
        let (tokens, _) = padded(&[&ids], &self.device.clone().autodiff());
        // The same weights on the device with autodiff: an explanation is a gradient.
        let found = self.model.valid().train().explain(tokens);
        let words = words(text);
        let (mut parts, mut end) = (Vec::new(), 0);
        for (&place, &contribution) in places.iter().zip(&found.contributions) {
            let range = words[place].range.clone();
            parts.push((&text[end..range.start], None));
            end = range.end;
            parts.push((&text[range], Some(contribution)));
        }
        parts.push((&text[end..], None));
        parts.retain(|(part, _)| !part.is_empty());
        (Prediction::new(&found.log_probs, places.is_empty()), parts)
    }
}
