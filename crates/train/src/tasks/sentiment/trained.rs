//! A model that has been trained, with all that it needs to classify and to be judged.

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::labelled::{WordVocabulary, words};
use rekindle_models::classifier::Classifier;

use super::{SentimentSettings, log_probs};
use crate::error::TrainError;
use crate::run::RunFolder;
use crate::run::checkpoint::{self, Progress, Which};
use crate::tasks::likeliest;

/// The model of a run of `sentiment`.
#[derive(Debug)]
pub struct TrainedSentiment {
    /// The weights of a checkpoint.
    pub model: Classifier,
    /// The words that it reads and the classes that it tells apart.
    pub vocabulary: WordVocabulary,
    /// What the run was told.
    pub settings: SentimentSettings,
    /// Where the run stood.
    pub progress: Progress,
    /// Checkpoints that were passed over, each with what is wrong with it.
    pub rejected: Vec<String>,
    device: Device,
}

/// What a model says of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The number of the most probable class.
    pub class: usize,
    /// The probability of each class.
    pub probabilities: Vec<f64>,
    /// Whether the text has no word: then it was read as one unknown word.
    pub empty: bool,
}

impl TrainedSentiment {
    /// Reads the model of `run` onto `device`.
    ///
    /// # Errors
    ///
    /// When the run is of another task, or a file of it is missing or damaged.
    pub fn open(run: &RunFolder, which: Which, device: &Device) -> Result<Self, TrainError> {
        let settings: SentimentSettings = run.settings()?;
        let vocabulary = WordVocabulary::load(run.vocabulary())?;
        let checkpoint = checkpoint::load(run, which)?;
        // Every weight is read from the checkpoint; those drawn here are thrown away.
        let blank = settings.model.config(&vocabulary).init_with(&mut ChaCha8Rng::seed_from_u64(0), device);
        Ok(Self {
            model: checkpoint.model(blank)?,
            vocabulary,
            settings,
            progress: checkpoint.progress,
            rejected: checkpoint.rejected,
            device: device.clone(),
        })
    }

    /// The name of a class.
    ///
    /// # Panics
    ///
    /// When there is no such class.
    pub fn class(&self, class: usize) -> &str {
        &self.vocabulary.classes()[class]
    }

    /// The class of each text.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn classify<T: AsRef<str>>(&self, texts: &[T]) -> Result<Vec<Prediction>, TrainError> {
        let encode = |text: &T| self.vocabulary.encode(text.as_ref(), self.settings.data.max_length);
        let (encoded, places): (Vec<_>, Vec<_>) = texts.iter().map(encode).unzip();
        let rows = log_probs(&self.model, &encoded, self.settings.data.batch_size, &self.device)?;
        let prediction = |(row, places): (&Vec<f32>, &Vec<usize>)| Prediction {
            class: likeliest(row),
            probabilities: row.iter().map(|&log| f64::from(log).exp()).collect(),
            empty: places.is_empty(),
        };
        Ok(rows.iter().zip(&places).map(prediction).collect())
    }

    /// How much each part of a text speaks for its class, as pairs that make up the text: words that the model read have a
    /// contribution, white space and what was cut out of a long text have none. See [`Classifier::explain`].
    ///
    /// # Panics
    ///
    /// When the model is not on a device with autodiff.
    pub fn explain<'t>(&self, text: &'t str) -> (Prediction, Vec<(&'t str, Option<f32>)>) {
        let (ids, places) = self.vocabulary.encode(text, self.settings.data.max_length);
        let tokens: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
        let tokens = TensorData::new(tokens, [1, ids.len()]);
        let explanation = self.model.explain(Tensor::<2, Int>::from_data(tokens, &self.device));
        let words = words(text);
        let (mut parts, mut end) = (Vec::new(), 0);
        for (&place, &contribution) in places.iter().zip(&explanation.contributions) {
            let range = words[place].range.clone();
            parts.push((&text[end..range.start], None));
            end = range.end;
            parts.push((&text[range], Some(contribution)));
        }
        parts.push((&text[end..], None));
        parts.retain(|(part, _)| !part.is_empty());
        let probabilities = explanation.log_probs.iter().map(|&log| f64::from(log).exp()).collect();
        (Prediction { class: explanation.class, probabilities, empty: places.is_empty() }, parts)
    }
}
