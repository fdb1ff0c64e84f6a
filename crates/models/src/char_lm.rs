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
//! those of Press and Wolf 2017 (arXiv 1608.05859).
//!
//! A symbol is whatever the vocabulary counts: characters, bytes or words.

mod generator;
#[cfg(feature = "learner")]
pub mod learner;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod prepared;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
mod transfer;

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::Rng;
use rekindle_kernels::cross_entropy::cross_entropy;
use rekindle_kernels::linear::linear;
use rekindle_kernels::pointwise::dropout;
use rekindle_rnn::{Cell, Initialization, Recurrent, RecurrentConfig, SequenceInput, State};

pub use generator::Generator;

/// Configuration of a [`CharLm`].
#[derive(Config, Debug)]
pub struct CharLmConfig {
    /// Number of symbols `V`.
    pub vocabulary_size: usize,
    /// Width `H` of the hidden state.
    pub hidden_size: usize,
    /// The recurrence.
    pub cell: Cell,
    /// Number of stacked layers.
    #[config(default = 1)]
    pub num_layers: usize,
    /// Width `I` of the learned vector of a symbol; one-hot input when there is none.
    pub embedding_size: Option<usize>,
    /// Share the embedding table with the output layer; the embedding must then be as wide as the hidden state.
    #[config(default = false)]
    pub tied: bool,
    /// Probability of dropping a value between layers and before the output layer, as char-rnn does.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// How the recurrent weights begin.
    #[config(default = "Initialization::default()")]
    pub init: Initialization,
}

/// A recurrent language model over `V` symbols.
#[derive(Module, Debug)]
pub struct CharLm {
    /// Learned vectors `[V, I]`; none for one-hot input.
    pub embedding: Option<Param<Tensor<2>>>,
    /// The recurrent stack.
    pub recurrent: Recurrent,
    /// From the hidden state to the symbols.
    pub output: Output,
    dropout: burn::nn::Dropout,
    vocabulary_size: usize,
}

/// The output layer.
#[derive(Module, Debug)]
pub enum Output {
    /// Weights of its own: `W_hy [H, V]` and `b_y [V]`.
    Own(Linear),
    /// The embedding table transposed, and this bias `[V]`.
    Tied(Param<Tensor<1>>),
}

impl CharLmConfig {
    /// A model with weights drawn at random.
    ///
    /// # Panics
    ///
    /// See [`init_with`](Self::init_with).
    pub fn init(&self, device: &Device) -> CharLm {
        self.init_with(&mut rand::rng(), device)
    }

    /// A model with weights drawn from `rng`: the same state of `rng` gives the same weights on every backend.
    ///
    /// # Panics
    ///
    /// When a size is 0, or the weights are tied and the embedding is missing or not as wide as the hidden state.
    pub fn init_with(&self, rng: &mut impl Rng, device: &Device) -> CharLm {
        let (vocabulary, hidden) = (self.vocabulary_size, self.hidden_size);
        assert!(vocabulary > 0, "vocabulary_size must be above 0");
        assert!(
            !self.tied || self.embedding_size == Some(hidden),
            "tied weights need an embedding as wide as the hidden state: embedding_size {:?}, hidden_size {hidden}",
            self.embedding_size,
        );
        let embedding = self.embedding_size.map(|features| crate::init::embedding(vocabulary, features, rng, device));
        let recurrent = RecurrentConfig::new(self.embedding_size.unwrap_or(vocabulary), hidden, self.cell)
            .with_num_layers(self.num_layers)
            .with_dropout(self.dropout)
            .with_init(self.init.clone())
            .init_with(rng, device);
        let output = if self.tied {
            Output::Tied(Param::from_data(TensorData::zeros::<f32, _>([vocabulary]), device))
        } else {
            Output::Own(crate::init::linear(hidden, vocabulary, rng, device))
        };
        let dropout = burn::nn::DropoutConfig::new(self.dropout).init();
        CharLm { embedding, recurrent, output, dropout, vocabulary_size: vocabulary }
    }
}

impl CharLm {
    /// Number of symbols `V`.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// Log-probabilities `[B, T, V]` of the symbol that follows each of `tokens` `[B, T]`, and the state after the last.
    ///
    /// # Panics
    ///
    /// When `state` is of another batch or width.
    pub fn forward(&self, tokens: Tensor<2, Int>, state: Option<State>) -> (Tensor<3>, State) {
        let [batch, time] = tokens.dims();
        let (logits, state) = self.logits(tokens, state);
        let log_probs = log_softmax(logits, 1).reshape([time, batch, self.vocabulary_size]);
        (log_probs.swap_dims(0, 1), state)
    }

    /// Mean cross-entropy in nats of `targets` `[B, T]`, the symbols that follow `tokens` `[B, T]`, and the state after
    /// the last step. The loss has the shape `[1]`.
    ///
    /// # Panics
    ///
    /// When `targets` and `tokens` differ in shape, or `state` is of another batch or width.
    pub fn loss(&self, tokens: Tensor<2, Int>, targets: Tensor<2, Int>, state: Option<State>) -> (Tensor<1>, State) {
        assert_eq!(tokens.dims(), targets.dims(), "tokens and targets [B, T] must have one shape");
        let rows = targets.shape().num_elements();
        let (logits, state) = self.logits(tokens, state);
        let targets = targets.swap_dims(0, 1).reshape([rows]);
        (cross_entropy(logits, targets).mean(), state)
    }

    /// Log-probabilities `[B, V]` of what follows `tokens` `[B]`: one step of [`forward`](Self::forward), with exactly
    /// its numbers.
    pub fn step(&self, tokens: Tensor<1, Int>, state: Option<State>) -> (Tensor<2>, State) {
        let (logits, state) = self.logits(tokens.unsqueeze_dim(1), state);
        (log_softmax(logits, 1), state)
    }

    /// Scores before the softmax, time-major: row `t B + b` of `[T * B, V]` is that of step `t` of text `b`.
    fn logits(&self, tokens: Tensor<2, Int>, state: Option<State>) -> (Tensor<2>, State) {
        // The recurrence runs time-major; turning the numbers of the symbols is cheap, turning the states would not be.
        let tokens = tokens.swap_dims(0, 1);
        let input = match &self.embedding {
            Some(table) => SequenceInput::Embedded { table: table.val(), tokens },
            None => SequenceInput::OneHot { tokens },
        };
        let (hidden, state) = self.recurrent.forward_time_major(input, state, None);
        let [time, batch, width] = hidden.dims();
        let hidden = dropout(&self.dropout, hidden.reshape([time * batch, width]));
        let logits = match (&self.output, &self.embedding) {
            (Output::Own(layer), _) => {
                let bias = layer.bias.as_ref().map(Param::val);
                linear(hidden, layer.weight.val().transpose(), bias)
            }
            (Output::Tied(bias), Some(table)) => linear(hidden, table.val(), Some(bias.val())),
            (Output::Tied(_), None) => unreachable!("init_with refuses tied weights without an embedding"),
        };
        (logits, state)
    }

    /// Continues the text `prime`, symbol by symbol, for ever. An empty `prime` begins with a symbol drawn at random.
    ///
    /// The text starts from `state`, or from a hidden state of zeros.
    pub fn generate(&self, prime: &[u32], state: Option<State>, sampler: crate::decode::Sampler) -> Generator<'_> {
        Generator::new(self, prime, state, sampler)
    }
}
