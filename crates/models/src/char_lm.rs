//! The character-level language model of the lecture.
//!
//! ```text
//! x_t = one-hot(s_t), or E[s_t] with a learned table E [V, I]
//! h_t = f(h_{t-1}, x_t)                    a recurrent stack of any cell
//! l_t = log softmax(W_hy h_t + b_y)        log-probabilities of s_{t+1}, [V]
//! ```
//!
//! Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks" (2015), and its `min-char-rnn`. With one-hot
//! inputs `W_xh` is `[V, H]`, and the product `x_t W_xh` reads one of its rows. Tied output weights (`W_hy = E`) are
//! those of Press and Wolf 2017 (arXiv 1608.05859). If the embedding is not as wide as the hidden state, a projection
//! stands between them: `l_t = log softmax(E (W_p h_t + b_p) + b_y)`, `W_p [I, H]`.
//!
//! A token is whatever the vocabulary lists: a character, a byte or a word.

mod generator;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod prepared;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
mod transfer;

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use rand::Rng;
use rekindle_kernels::cross_entropy;
use rekindle_kernels::linear::{apply, linear};
use rekindle_kernels::pointwise::dropout_of_rows;
use rekindle_kernels::rows::Lines;
use rekindle_rnn::{LayerTrace, LossParts, Penalties, Probes, Recurrent, SequenceInput, State};
use rekindle_settings::{SettingError, settings};

pub use generator::{Generator, Written};

use crate::decode::log_mean_exp;

use crate::settings::{PenaltySettings, RecurrentSettings};
use crate::tokens::dropped_tokens;

settings! {
    /// Settings of a [`CharLm`]. In the letters of the [module](self), `hidden` is `H` and
    /// `embedding` is `I`.
    #[check(Self::consistent)]
    pub struct CharLmSettings {
        /// The recurrent stack.
        // The usual forget bias of 1 costs 0.05 nats on tiny Shakespeare: docs/chars.md.
        @flatten recurrent: RecurrentSettings =
            RecurrentSettings { layers: 2, forget_bias: 0.0, ..RecurrentSettings::default() };
        /// Width of a token's embedding; 0 feeds tokens one-hot, as min-char-rnn does
        embedding: usize = 128 => value("WIDTH").at_least(0);
        /// Standard deviation of the embeddings at the start; a smaller one, such as 0.1, for words
        embedding_deviation: f64 = 1.0 => value("DEVIATION").above(0);
        /// Use the embeddings as output weights too, behind a projection if --embedding is not --hidden
        tied: bool;
        /// Probability of dropping a token's embedding for a whole batch, in training
        token_dropout: f64 => value("PROBABILITY").at_least(0).below(1);
        /// Penalties on the hidden states.
        @flatten penalties: PenaltySettings;
    }
}

/// A recurrent language model over `V` symbols.
#[derive(Module, Debug)]
pub struct CharLm {
    /// Token embeddings `[V, I]`; none for one-hot input.
    pub embedding: Option<Param<Tensor<2>>>,
    /// The recurrent stack.
    pub recurrent: Recurrent,
    /// From the hidden state `[H]` to the width `[I]` of tied output weights; none if they are equal.
    pub projection: Option<Linear>,
    /// From the hidden state to the logits.
    pub output: Output,
    dropout: burn::nn::Dropout,
    token_dropout: f64,
    #[module(skip)]
    penalties: Penalties,
    vocabulary_size: usize,
}

/// The output layer.
#[derive(Module, Debug)]
pub enum Output {
    /// Separate weights: `W_hy [H, V]` and `b_y [V]`.
    Own(Linear),
    /// The embeddings, transposed, and this bias `[V]`.
    Tied(Param<Tensor<1>>),
}

impl CharLmSettings {
    fn consistent(&self) -> Result<(), SettingError> {
        if self.embedding > 0 {
            return Ok(());
        }
        if self.tied {
            return Err(SettingError::invalid("embedding", 0, "at least 1 with --tied"));
        }
        match self.token_dropout {
            0.0 => Ok(()),
            p => Err(SettingError::invalid("token-dropout", p, "0 with --embedding 0")),
        }
    }

    /// These settings without dropout and penalties: the same model, for learning without noise.
    #[must_use]
    pub fn without_dropout(&self) -> Self {
        let (recurrent, penalties) = (self.recurrent.without_dropout(), PenaltySettings::default());
        Self { recurrent, token_dropout: 0.0, penalties, ..self.clone() }
    }

    /// A model of `vocabulary` tokens with weights drawn at random.
    ///
    /// # Panics
    ///
    /// See [`init_with`](Self::init_with).
    pub fn init(&self, vocabulary: usize, device: &Device) -> CharLm {
        self.init_with(vocabulary, &mut rand::rng(), device)
    }

    /// A model of `vocabulary` tokens with weights drawn from `rng`: the same state of `rng` gives
    /// the same weights on every backend.
    ///
    /// # Panics
    ///
    /// When a size other than `embedding` is 0, or the weights are tied and the embedding is missing.
    pub fn init_with(&self, vocabulary: usize, rng: &mut impl Rng, device: &Device) -> CharLm {
        let hidden = self.recurrent.hidden;
        assert!(vocabulary > 0, "the vocabulary must not be empty");
        assert!(!self.tied || self.embedding > 0, "tied weights need an embedding");
        let features = (self.embedding > 0).then_some(self.embedding);
        let deviation = self.embedding_deviation as f32;
        let embedding = features.map(|features| crate::init::normal(vocabulary, features, deviation, rng, device));
        let recurrent = self.recurrent.config(features.unwrap_or(vocabulary)).init_with(rng, device);
        let projects = self.tied && self.embedding != hidden;
        let projection = projects.then(|| crate::init::linear(hidden, self.embedding, rng, device));
        let output = if self.tied {
            Output::Tied(crate::init::zeros([vocabulary], device))
        } else {
            Output::Own(crate::init::output_linear(self.recurrent.init, hidden, vocabulary, rng, device))
        };
        let dropout = burn::nn::DropoutConfig::new(self.recurrent.dropout).init();
        let (token_dropout, penalties) = (self.token_dropout, self.penalties.penalties());
        let vocabulary_size = vocabulary;
        CharLm { embedding, recurrent, projection, output, dropout, token_dropout, penalties, vocabulary_size }
    }
}

impl CharLm {
    /// Vocabulary size `V`.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// Log-probabilities `[B, T, V]` of the token after each of `tokens` `[B, T]`, and the final state.
    ///
    /// # Panics
    ///
    /// When `state` has another batch size or width.
    pub fn forward(&self, tokens: Tensor<2, Int>, state: Option<State>) -> (Tensor<3>, State) {
        let [batch, time] = tokens.dims();
        if batch * time == 0 {
            let state = state.unwrap_or_else(|| self.recurrent.zero_state(batch, &tokens.device()));
            return (Tensor::zeros([batch, time, self.vocabulary_size], &tokens.device()), state);
        }
        let (logits, state) = self.logits(tokens, state);
        let log_probs = log_softmax(logits, 1).reshape([time, batch, self.vocabulary_size]);
        (log_probs.swap_dims(0, 1), state)
    }

    /// Mean cross-entropy in nats of `targets` `[B, T]`, the tokens that follow `tokens` `[B, T]`, and the final
    /// state. The loss has the shape `[1]`; in training, it includes the penalties on the hidden states.
    ///
    /// # Panics
    ///
    /// When `targets` and `tokens` differ in shape, or `state` has another batch size or width.
    pub fn loss(&self, tokens: Tensor<2, Int>, targets: Tensor<2, Int>, state: Option<State>) -> (Tensor<1>, State) {
        let (parts, state) = self.loss_parts(tokens, targets, state);
        (parts.sum(), state)
    }

    /// The same as [means](LossParts) over tokens and over hidden values.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    pub fn loss_parts(
        &self,
        tokens: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: Option<State>,
    ) -> (LossParts, State) {
        assert_eq!(tokens.dims(), targets.dims(), "tokens and targets [B, T] must have one shape");
        let rows = targets.shape().num_elements();
        let (logits, state, penalty) = self.penalized(tokens, state);
        let targets = targets.swap_dims(0, 1).reshape([rows]);
        (LossParts::of(cross_entropy::mean(logits, targets), rows as f64).and(penalty), state)
    }

    /// Log-probabilities `[B, V]` of the token after `tokens` `[B]`: one step of [`forward`](Self::forward), with
    /// identical values.
    pub fn step(&self, tokens: Tensor<1, Int>, state: Option<State>) -> (Tensor<2>, State) {
        let (logits, state) = self.logits(tokens.unsqueeze_dim(1), state);
        (log_softmax(logits, 1), state)
    }

    /// The activations of every layer while it reads `tokens` `[B, T]`, time-major, and the final state.
    ///
    /// # Panics
    ///
    /// When there is no token, or `state` has another batch size or width.
    pub fn trace(&self, tokens: Tensor<2, Int>, state: Option<State>) -> (Vec<LayerTrace>, State) {
        self.recurrent.trace(self.input(tokens), state)
    }

    /// The loss of the last token alone: the sum over the texts `tokens` `[B, T]` of the cross-entropy of `next` `[B]`,
    /// the tokens after them, `[1]`, and the probes of every layer. Without dropout.
    ///
    /// # Panics
    ///
    /// When there is no token, or the device has no autodiff.
    pub fn probed_loss(&self, tokens: Tensor<2, Int>, next: Tensor<1, Int>) -> (Tensor<1>, Vec<Probes>) {
        let (mut hidden, probes) = self.recurrent.probed(self.input(tokens));
        let last = hidden.pop().expect("there is a token");
        (cross_entropy::cross_entropy(self.output_of(last), next).sum(), probes)
    }

    /// The input of the recurrence, time-major: transposing the tokens is cheap; transposing the states would not be.
    fn input(&self, tokens: Tensor<2, Int>) -> SequenceInput {
        let tokens = tokens.swap_dims(0, 1);
        match &self.embedding {
            Some(table) => {
                let table = dropped_tokens(self.token_dropout, &self.dropout, table.val());
                SequenceInput::Embedded { table, tokens }
            }
            None => SequenceInput::OneHot { tokens },
        }
    }

    /// Logits, time-major: row `t B + b` of `[T * B, V]` is time step `t` of text `b`.
    fn logits(&self, tokens: Tensor<2, Int>, state: Option<State>) -> (Tensor<2>, State) {
        let (logits, state, _) = self.penalized(tokens, state);
        (logits, state)
    }

    /// The same, with the penalties on the hidden states, in training.
    fn penalized(&self, tokens: Tensor<2, Int>, state: Option<State>) -> (Tensor<2>, State, LossParts) {
        let (hidden, state, penalty) =
            self.recurrent.forward_penalized(self.input(tokens), state, None, self.penalties);
        let [time, batch, width] = hidden.dims();
        let hidden = hidden.reshape([time * batch, width]);
        let hidden = dropout_of_rows(&self.dropout, hidden, Lines::TimeMajor { rows: batch });
        (self.output_of(hidden), state, penalty)
    }

    /// Logits `[N, V]` from hidden states `[N, H]`.
    fn output_of(&self, hidden: Tensor<2>) -> Tensor<2> {
        let hidden = match &self.projection {
            Some(projection) => apply(projection, hidden),
            None => hidden,
        };
        match (&self.output, &self.embedding) {
            (Output::Own(layer), _) => {
                let bias = layer.bias.as_ref().map(Param::val);
                linear(hidden, layer.weight.val().transpose(), bias)
            }
            (Output::Tied(bias), Some(table)) => linear(hidden, table.val(), Some(bias.val())),
            (Output::Tied(_), None) => unreachable!("init_with refuses tied weights without an embedding"),
        }
    }

    /// Continues the text `prime`, token by token, without end. An empty `prime` starts with a random token.
    ///
    /// The text starts from `state`, or from a hidden state of zeros.
    pub fn generate(&self, prime: &[u32], state: Option<State>, sampler: crate::decode::Sampler) -> Generator<'_> {
        Generator::new(self, prime, state, sampler)
    }

    /// [`generate`](Self::generate) from zeros by several models of one vocabulary: their probabilities are averaged at
    /// each token.
    ///
    /// # Panics
    ///
    /// When there is no model.
    pub fn generate_together<'m>(models: &[&'m Self], prime: &[u32], sampler: crate::decode::Sampler) -> Generator<'m> {
        Generator::together(models, prime, sampler)
    }

    /// Log-probabilities `[B, T]` of `targets` `[B, T]`, the tokens that follow `tokens` `[B, T]`, under several models
    /// of one vocabulary, whose probabilities are averaged; and their final states.
    ///
    /// # Panics
    ///
    /// When there is no model, or there are other numbers of states than of models.
    pub fn log_probs_together(
        models: &[&Self],
        tokens: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        states: Vec<Option<State>>,
    ) -> (Tensor<2>, Vec<Option<State>>) {
        assert!(models.len() == states.len(), "{} models and {} states", models.len(), states.len());
        let (log_probs, states) = models
            .iter()
            .zip(states)
            .map(|(model, state)| {
                let (log_probs, after) = model.forward(tokens.clone(), state);
                let of_targets: Tensor<3> = log_probs.gather(2, targets.clone().unsqueeze_dim(2));
                (of_targets.squeeze_dim::<2>(2), Some(after))
            })
            .unzip();
        (log_mean_exp(log_probs), states)
    }
}
