//! A recurrent classifier: reads a sequence of words and predicts one label.
//!
//! ```text
//! x_t = E[w_t]                          a learned vector of the word
//! h_t = f(h_{t-1}, x_t)                 a recurrent stack of any cell, in one direction or both
//! p   = pool(h_1 ... h_T)               the last state, the mean, the maximum, these three, or a learned weighing of all
//! y   = log softmax(W p + b)            log-probabilities of the classes
//! ```
//!
//! Texts of a batch are padded to one length; padding enters neither the recurrence nor the pool. In training, dropout
//! applies to `x_t` and `p`. Dropout of `x_t` drops the same values at every time step of a text, as in Gal and
//! Ghahramani 2016 (arXiv 1512.05287).

mod explain;
mod pooling;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
mod transfer;

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use rand::Rng;
use rekindle_kernels::cross_entropy;
use rekindle_kernels::linear::{apply, linear};
use rekindle_kernels::pointwise::dropout_of_rows;
use rekindle_kernels::rows::Lines;
use rekindle_rnn::{LayerTrace, LossParts, Penalties, Probes, Recurrent, SequenceInput};
use rekindle_settings::settings;

pub use explain::Explanation;
pub use pooling::{AttentionPool, Pool, Pooling};

use crate::settings::{PenaltySettings, RecurrentSettings};
use crate::tokens::dropped_tokens;
use crate::transfer::changed;

/// Initial standard deviation of the embeddings; small, so that training soon outweighs them.
const EMBEDDING_DEVIATION: f32 = 0.1;

settings! {
    /// Settings of a [`Classifier`]. In the letters of the [module](self), `hidden` is `H` and
    /// `embedding` is `I`.
    ///
    /// The code that makes the batches applies the word dropout, not the model.
    pub struct ClassifierSettings {
        /// The recurrent stack.
        @flatten recurrent: RecurrentSettings = RecurrentSettings { dropout: 0.5, ..RecurrentSettings::default() } =>
            help("hidden", "Width of the hidden state, in each direction");
        /// Width of a word's embedding
        embedding: usize = 128 => value("WIDTH").at_least(1);
        /// Read texts in the forward direction only
        forward_only: bool;
        /// How the hidden states of a text become one vector
        pooling: Pooling = Pooling::Max => value("NAME").choices(Pooling::NAMES.iter().copied());
        /// Dropout probability of the embeddings; a text drops the same values at every time step
        embedding_dropout: f64 = 0.3 => value("PROBABILITY").at_least(0).below(1);
        /// Probability of reading a word as the unknown word, in training
        word_dropout: f64 = 0.1 => value("PROBABILITY").at_least(0).below(1);
        /// Probability of dropping a token's embedding for a whole batch, in training
        token_dropout: f64 => value("PROBABILITY").at_least(0).below(1);
        /// Penalties on the hidden states.
        @flatten penalties: PenaltySettings;
    }
}

/// A recurrent classifier of word sequences.
#[derive(Module, Debug)]
pub struct Classifier {
    /// Word embeddings `[V, I]`.
    pub embedding: Param<Tensor<2>>,
    /// The recurrent stack.
    pub recurrent: Recurrent,
    /// Pools the hidden states to one vector.
    pub pool: Pool,
    /// From the pooled vector to the classes.
    pub output: Linear,
    embedding_dropout: Dropout,
    dropout: Dropout,
    token_dropout: f64,
    #[module(skip)]
    penalties: Penalties,
}

impl ClassifierSettings {
    /// A model of `vocabulary` words and `classes` classes with weights drawn at random.
    ///
    /// # Panics
    ///
    /// See [`init_with`](Self::init_with).
    pub fn init(&self, vocabulary: usize, classes: usize, device: &Device) -> Classifier {
        self.init_with(vocabulary, classes, &mut rand::rng(), device)
    }

    /// A model of `vocabulary` words and `classes` classes with weights drawn from `rng`: the same
    /// state of `rng` gives the same weights on every backend.
    ///
    /// # Panics
    ///
    /// When a size is 0, or a probability is not in `[0, 1)`.
    pub fn init_with(&self, vocabulary: usize, classes: usize, rng: &mut impl Rng, device: &Device) -> Classifier {
        assert!(vocabulary > 0 && classes > 0, "vocabulary and classes must be above 0");
        let embedding = crate::init::normal(vocabulary, self.embedding, EMBEDDING_DEVIATION, rng, device);
        let recurrent = self.recurrent.config(self.embedding).with_bidirectional(!self.forward_only);
        let recurrent = recurrent.init_with(rng, device);
        let features = recurrent.output_size();
        Classifier {
            embedding,
            pool: self.pooling.init(features, rng, device),
            output: crate::init::linear(self.pooling.width(features), classes, rng, device),
            recurrent,
            embedding_dropout: DropoutConfig::new(self.embedding_dropout).init(),
            dropout: DropoutConfig::new(self.recurrent.dropout).init(),
            token_dropout: self.token_dropout,
            penalties: self.penalties.penalties(),
        }
    }
}

impl Classifier {
    /// Vocabulary size `V`.
    pub fn vocabulary_size(&self) -> usize {
        self.embedding.dims()[0]
    }

    /// Number of classes `C`.
    pub fn classes(&self) -> usize {
        self.output.weight.dims()[1]
    }

    /// This model with the embeddings `vectors` for some words, given by their ids.
    ///
    /// # Panics
    ///
    /// When an id is not below `V`, or an embedding does not have the width `I`.
    pub fn with_vectors(mut self, vectors: &[(u32, Vec<f32>)]) -> Self {
        let [_, width] = self.embedding.dims();
        self.embedding = changed(self.embedding, |values| {
            for (word, vector) in vectors {
                values[*word as usize * width..][..width].copy_from_slice(vector);
            }
        });
        self
    }

    /// Log-probabilities `[B, C]` of the classes of texts `tokens` `[B, T]`. Row `b` has `lengths[b]` words, 1 to `T`;
    /// the rest is ignored.
    ///
    /// # Panics
    ///
    /// When the numbers of lengths and texts differ, or a length is not in `1..=T`.
    pub fn forward(&self, tokens: Tensor<2, Int>, lengths: &[usize]) -> Tensor<2> {
        log_softmax(self.scores(self.input(tokens), lengths).0, 1)
    }

    /// Mean cross-entropy in nats of the classes `labels` `[B]` of the texts, `[1]`; in training, with the
    /// penalties on the hidden states. See [`forward`](Self::forward).
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward), and when there are not as many labels as texts.
    pub fn loss(&self, tokens: Tensor<2, Int>, lengths: &[usize], labels: Tensor<1, Int>) -> Tensor<1> {
        self.loss_parts(tokens, lengths, labels).sum()
    }

    /// The same as [means](LossParts) over texts and over hidden values.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    pub fn loss_parts(&self, tokens: Tensor<2, Int>, lengths: &[usize], labels: Tensor<1, Int>) -> LossParts {
        assert_eq!(tokens.dims()[0], labels.dims()[0], "a label is wanted for each text");
        let (scores, penalty) = self.scores(self.input(tokens), lengths);
        LossParts::of(cross_entropy::mean(scores, labels), lengths.len() as f64).and(penalty)
    }

    /// The activations of every layer and direction while it reads the texts `tokens` `[B, T]`, all of `T` words,
    /// time-major.
    ///
    /// # Panics
    ///
    /// When there is no word.
    pub fn trace(&self, tokens: Tensor<2, Int>) -> Vec<LayerTrace> {
        self.recurrent.trace(self.input(tokens), None).0
    }

    /// The loss of the last state alone: the sum over the texts `tokens` `[B, T]`, all of `T` words, of the
    /// cross-entropy of `labels` `[B]` when the hidden state of the last word is what is pooled (of [`Pooling::Concat`]
    /// its first part), `[1]`, and the probes of every layer and direction. Without dropout.
    ///
    /// # Panics
    ///
    /// When there is no word, or the device has no autodiff.
    pub fn probed_loss(&self, tokens: Tensor<2, Int>, labels: Tensor<1, Int>) -> (Tensor<1>, Vec<Probes>) {
        let input = SequenceInput::Embedded { table: self.embedding.val(), tokens: tokens.swap_dims(0, 1) };
        let (mut hidden, probes) = self.recurrent.probed(input);
        let last = hidden.pop().expect("there is a word");
        let features = last.dims()[1];
        let weight = self.output.weight.val().narrow(0, 0, features);
        let bias = self.output.bias.as_ref().map(Param::val);
        (cross_entropy::cross_entropy(linear(last, weight.transpose(), bias), labels).sum(), probes)
    }

    /// The input of the recurrence, time-major.
    fn input(&self, tokens: Tensor<2, Int>) -> SequenceInput {
        let table = dropped_tokens(self.token_dropout, &self.dropout, self.embedding.val());
        let tokens = tokens.swap_dims(0, 1);
        // Without dropout, the embeddings need not be materialised.
        if self.embedding_dropout.prob == 0.0 || !table.device().is_autodiff() {
            return SequenceInput::Embedded { table, tokens };
        }
        let ([time, batch], [_, width]) = (tokens.dims(), table.dims());
        let mask = Tensor::<3>::ones([1, batch, width], &table.device());
        let rows = table.select(0, tokens.reshape([time * batch])).reshape([time, batch, width]);
        SequenceInput::Dense(rows * dropout_of_rows(&self.embedding_dropout, mask, Lines::TimeMajor { rows: batch }))
    }

    /// Logits, `[B, C]`, and in training the penalties on the hidden states.
    fn scores(&self, input: SequenceInput, lengths: &[usize]) -> (Tensor<2>, LossParts) {
        let (hidden, state, penalty) = self.recurrent.forward_penalized(input, None, Some(lengths), self.penalties);
        let directions = if self.recurrent.is_bidirectional() { 2 } else { 1 };
        let pooled = self.pool.forward(hidden, &state, directions, lengths);
        let pooled = dropout_of_rows(&self.dropout, pooled, Lines::TimeMajor { rows: lengths.len() });
        (apply(&self.output, pooled), penalty)
    }
}
