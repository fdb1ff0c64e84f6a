//! The lecture's training: a text is read a sequence at a time, one-hot, by a recurrent network that learns with
//! Adagrad and gradients clipped to ±5. `examples/min-char-rnn` is the same as a program for the command line.

use burn::grad_clipping::GradientClippingConfig;
use burn::module::Module;
use burn::optim::{AdaGradConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::{Corpus, Streams, Unit, Vocabulary, VocabularyConfig};
use rekindle_models::char_lm::{CharLm, CharLmSettings};
use rekindle_models::settings::RecurrentSettings;
use rekindle_rnn::State;

use crate::error::PageError;
use crate::settings::TrainingSettings;

/// A model in training.
pub struct Training {
    settings: TrainingSettings,
    text: Streams,
    vocabulary: Vocabulary,
    model: CharLm,
    adagrad: ModuleOptimizer,
    hidden: Option<State>,
    step: usize,
    smooth_loss: f64,
    device: Device,
}

impl Training {
    /// A new model for a text.
    ///
    /// # Errors
    ///
    /// When the text is empty, has one character only, or is too short for one step.
    pub fn new(text: &str, settings: TrainingSettings) -> Result<Self, PageError> {
        let TrainingSettings { cell, hidden, layers, sequence_length, batch_size, seed, .. } = settings;
        // The text, and an id for each of its characters.
        let corpus = Corpus::from_text("text", text, Unit::Char)?;
        let vocabulary = Vocabulary::from_corpus(&corpus, &VocabularyConfig::default())?;
        let text = Streams::new(&corpus, &vocabulary, 0..corpus.tokens(), batch_size, sequence_length)?;

        // One-hot inputs: W_xh is [V, H], W_hh [H, H] and W_hy [H, V].
        let device = Device::flex().autodiff();
        let recurrent = RecurrentSettings { cell, hidden, layers, ..RecurrentSettings::default() };
        let model = CharLmSettings { recurrent, embedding: 0, ..CharLmSettings::default() };
        let model = model.init_with(vocabulary.len(), &mut ChaCha8Rng::seed_from_u64(seed as u64), &device);
        let clip = Some(GradientClippingConfig::Value(5.0));
        let adagrad = AdaGradConfig::new().with_epsilon(1e-8).with_grad_clipping(clip).init();
        let smooth_loss = (vocabulary.len() as f64).ln();
        Ok(Self { settings, text, vocabulary, model, adagrad, hidden: None, step: 0, smooth_loss, device })
    }

    /// Takes a step. Returns its loss in nats a character.
    ///
    /// # Errors
    ///
    /// When the loss is not a number.
    pub fn step(&mut self) -> Result<f64, PageError> {
        let step = self.step % self.text.steps();
        if step == 0 {
            self.hidden = None; // at the beginning of the text, a hidden state of zeros
        }
        let batch = self.text.batch(step);
        let [inputs, targets] = [batch.inputs, batch.targets].map(|characters| self.rows(characters));

        // Forward through the sequence, backward through the same only: the state is detached.
        let (loss, hidden) = self.model.loss(inputs, targets, self.hidden.take());
        self.hidden = Some(hidden.detach());
        let value = loss.clone().into_scalar::<f64>();
        if !value.is_finite() {
            return Err(PageError::Diverged { step: self.step });
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
        self.model = self.adagrad.step(self.settings.learning_rate, self.model.clone(), gradients);
        self.smooth_loss = 0.999 * self.smooth_loss + 0.001 * value;
        self.step += 1;
        Ok(value)
    }

    /// `[B, T]`
    fn rows(&self, characters: Vec<u32>) -> Tensor<2, Int> {
        let characters: Vec<i32> = characters.into_iter().map(|c| c as i32).collect();
        let shape = [self.settings.batch_size, self.settings.sequence_length];
        Tensor::from_data(TensorData::new(characters, shape), &self.device)
    }

    /// Steps so far.
    pub fn steps(&self) -> usize {
        self.step
    }

    /// The loss, smoothed as the lecture does.
    pub fn smooth_loss(&self) -> f64 {
        self.smooth_loss
    }

    /// Characters of a step.
    pub fn characters(&self) -> usize {
        self.settings.batch_size * self.settings.sequence_length
    }

    /// The step after which the page pauses; none for 0.
    pub fn pause_after(&self) -> Option<usize> {
        Some(self.settings.pause_after).filter(|&step| step > 0)
    }

    /// The model as it is now, for writing.
    pub fn model(&self) -> CharLm {
        self.model.valid()
    }

    /// The characters of the text.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}

#[cfg(test)]
mod tests {
    use rekindle_rnn::Cell;

    use super::*;

    fn training(text: &str, settings: TrainingSettings) -> Result<Training, PageError> {
        Training::new(text, settings)
    }

    #[test]
    fn every_cell_learns_a_text_that_repeats_itself() {
        for cell in Cell::ALL {
            let settings = TrainingSettings { cell, hidden: 16, batch_size: 4, ..TrainingSettings::default() };
            let mut training = training(&"hello, world. ".repeat(40), settings).unwrap();
            let losses: Vec<f64> = (0..60).map(|_| training.step().unwrap()).collect();
            assert!(losses[59] < 0.7 * losses[0], "{cell}: {} after {}", losses[59], losses[0]);
        }
    }

    #[test]
    fn texts_that_cannot_be_learned_are_refused() {
        for (text, words) in [("", "empty"), ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "symbol"), ("short", "too short")] {
            let error = training(text, TrainingSettings::default()).err().unwrap().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
