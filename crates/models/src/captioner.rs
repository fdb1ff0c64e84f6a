//! One to many: a sentence about a picture.
//!
//! An [`encoder`] sees the picture and a recurrent network writes, as one model. What is seen of a picture are `P` places
//! with a pillar of `F` numbers each, `a_1 .. a_P`: 49 of 1280 for EfficientNet-Lite0, 196 of 512 for VGG. Each pillar is
//! projected once a picture to `D` numbers, `m_p = W_a a_p + b_a`; the captions of a picture share the projection.
//!
//! Without attention (the lecture; Vinyals et al. 2015, arXiv 1411.4555) `P` is 1, the vector before the classes:
//!
//! ```text
//! h_t = f(W_xh x_t + W_hh h_{t-1} + W_ih m + b)     x_t the last word, x_1 = <START>; W_ih m at t = 1 only, or at each
//! p(y_t) = softmax(W_y h_t + b_y)                    over all words and <END>
//! ```
//!
//! `f` is any recurrence of `rekindle-rnn`. `W_ih m` is part of the input's projection: `m` stands behind `x_t`, and `W_ih`
//! is the last `D` columns of `weight_ih`. Where it enters at the first step only, there are zeros behind the other words.
//!
//! With soft attention (Xu et al. 2015, "Show, Attend and Tell", arXiv 1502.03044) the places are looked at anew for each
//! word:
//!
//! ```text
//! h_0   = tanh(W_0 mean_p m_p + b_0)                 for every layer; the same for c_0
//! e_tp  = score(h_{t-1}, m_p)                        one number a place
//! α_t   = softmax_p(e_t)                             [P], sums to 1
//! z_t   = β_t Σ_p α_tp m_p                           [D];  β_t = σ(w_β h_{t-1} + b_β)
//! h_t   = f(W_xh x_t + W_hh h_{t-1} + W_ih z_t + b)
//! p(y_t) = softmax(W_y tanh(W_o [x_t, h_t, z_t] + b_o) + b_y)
//! loss  = mean -ln p(y_t) + λ mean_p (1 - Σ_t α_tp)²  doubly stochastic: each place gets its share over the sentence
//! ```
//!
//! # Three questions
//!
//! Notes of the lecture leave these open.
//!
//! * *How does the RNN compute the lookup key?* By a matrix from the hidden state that it had before the step:
//!   `q_t = W_qᵀ h_{t-1}`, `[H] -> [D]`, and `e_tp = q_t · m_p / √D`. Since `m_p = W_a a_p + b_a`, this is the lecture's key as
//!   deep as the map: `W_aᵀ q_t`, `[F]`, against every raw pillar `a_p`, `[F]` (`b_a` adds the same to all places, which the
//!   softmax does not see). See [`AttentionKind`] for the scores, and [`Memory::look`] for the lines. The paper's
//!   own score is [`AttentionKind::Additive`].
//! * *What exactly is the weighted sum?* `α_t` `[P]` has a weight for each place, and each place a pillar. Every pillar is
//!   multiplied by the weight of its place, and the pillars are added: `[P] · [P, D] -> [D]`. What was a map has become one
//!   vector, mostly that of the place that was looked at. It is the product `outputs.product(weights)` in
//!   [`Memory::look`].
//! * *How does the CNN act on every step?* The map is computed once. What changes is `z_t`, another mixture of its
//!   pillars at each step, which enters by the columns `W_ih` beside the last word, as `m` does in the plain model, and the
//!   output too: the line `recurrent.step(word, Some(context.clone()), state)` of `look`, below.

mod attended;
pub mod encoder;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
mod writer;

use std::fmt;
use std::str::FromStr;

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::activation::{log_softmax, sigmoid};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::Rng;
use rekindle_kernels::pointwise::{dropout, tanh};
use rekindle_rnn::{Cell, Initialization, KnownInput, LayerState, Recurrent, RecurrentConfig, State, Unrolled};
use serde::{Deserialize, Serialize};

pub use writer::{Captions, Writing};

use crate::attention::{Attention, AttentionKind, Memory};
use crate::host::{DeviceError, numbers, whole_number};
use attended::Batch;
use encoder::{Encoder, EncoderConfig, View};

/// When the picture enters a model without attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageTerm {
    /// With `<START>` only, as in the lecture.
    #[default]
    First,
    /// With every word.
    Every,
}

impl fmt::Display for ImageTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::First => "first",
            Self::Every => "every",
        })
    }
}

impl FromStr for ImageTerm {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "first" => Ok(Self::First),
            "every" => Ok(Self::Every),
            _ => Err("possible values: first, every".to_owned()),
        }
    }
}

/// Configuration of a [`Captioner`].
#[derive(Config, Debug)]
pub struct CaptionerConfig {
    /// `V`: words, the special ones included.
    pub vocabulary: usize,
    /// `F`: numbers of a pillar, or of the vector.
    pub features: usize,
    /// `H`: width of the state.
    pub hidden_size: usize,
    /// The recurrence.
    pub cell: Cell,
    /// `E`: width of a word's learned vector; 0 for one-hot vectors, which are `V` wide.
    #[config(default = 256)]
    pub embedding_size: usize,
    /// `D`: what pillars are projected to.
    #[config(default = 512)]
    pub image_size: usize,
    /// Stacked layers.
    #[config(default = 1)]
    pub num_layers: usize,
    /// How places are looked at; not at all in a plain model.
    #[config(default = "AttentionKind::General")]
    pub attention: AttentionKind,
    /// When the picture enters a plain model.
    #[config(default = "ImageTerm::First")]
    pub image_term: ImageTerm,
    /// Whether attention has the gate `β`.
    #[config(default = true)]
    pub gate: bool,
    /// `λ`: weight of the doubly stochastic penalty.
    #[config(default = 0.0)]
    pub doubly_stochastic: f64,
    /// Probability of dropping a value: of words' vectors, between layers, and before the output.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// `ε`: the share of the target's probability that all words have in common while training.
    #[config(default = 0.0)]
    pub label_smoothing: f64,
    /// The symbol that is read first.
    #[config(default = 2)]
    pub start: u32,
    /// The symbol that ends a caption.
    #[config(default = 3)]
    pub end: u32,
    /// The network that sees, where it is trained too; none where what it sees is given.
    pub encoder: Option<EncoderConfig>,
    /// How the recurrent weights begin.
    #[config(default = "Initialization::default()")]
    pub init: Initialization,
}

/// A network that writes about what another sees; see the [module](self).
#[derive(Module, Debug)]
pub struct Captioner {
    /// What sees, where it is part of the model.
    pub encoder: Option<Encoder>,
    /// Vectors of the words, `[V, E]`; none for one-hot vectors.
    pub embedding: Option<Param<Tensor<2>>>,
    /// `W_a`, `b_a`.
    pub image: Linear,
    /// To the first state, with attention: `h` of each layer, then `c` of each if there is one.
    pub initial: Vec<Linear>,
    /// Where it looks.
    pub attention: Option<Attention>,
    /// `w_β`, `b_β`.
    pub gate: Option<Linear>,
    /// The recurrence, reading words and picture side by side.
    pub recurrent: Recurrent,
    /// `W_o`, `b_o`, with attention.
    pub combine: Option<Linear>,
    /// `W_y`, `[V, H]`, or `[V, E]` behind `combine`.
    pub output: Param<Tensor<2>>,
    /// `b_y`, `[V]`.
    pub output_bias: Param<Tensor<1>>,
    dropout: Dropout,
    every: bool,
    doubly_stochastic: f64,
    label_smoothing: f64,
    start: u32,
    end: u32,
}

/// How well a model foresees given captions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Foreseen {
    /// The sum of the logarithms of the probabilities of all symbols.
    pub log_prob: f64,
    /// Symbols, the ends included.
    pub symbols: u64,
    /// How many of them were the likeliest.
    pub correct: u64,
}

impl CaptionerConfig {
    /// A model with weights drawn from `rng`: the same state of `rng` gives the same weights on every backend.
    ///
    /// # Panics
    ///
    /// When a size other than `embedding_size` is 0, or dot attention is asked for where `image_size` is not `hidden_size`.
    pub fn init_with(&self, rng: &mut impl Rng, device: &Device) -> Captioner {
        let (hidden, depth) = (self.hidden_size, self.image_size);
        let encoder = self.encoder.as_ref().map(|encoder| encoder.init_with(rng, device));
        let one_hot = self.embedding_size == 0;
        let embedding = (!one_hot).then(|| crate::init::embedding(self.vocabulary, self.embedding_size, rng, device));
        let word = if one_hot { self.vocabulary } else { self.embedding_size };
        let image = crate::init::linear(self.features, depth, rng, device);
        let attention = Attention::init(self.attention, hidden, depth, rng, device);
        let attends = attention.is_some();
        let states = self.num_layers * if self.cell.has_cell_state() { 2 } else { 1 };
        let initial = if attends { states } else { 0 };
        let initial = (0..initial).map(|_| crate::init::linear(depth, hidden, rng, device)).collect();
        let gate = (attends && self.gate).then(|| crate::init::linear(hidden, 1, rng, device));
        let recurrent = RecurrentConfig::new(word + depth, hidden, self.cell)
            .with_num_layers(self.num_layers)
            .with_dropout(self.dropout)
            .with_init(self.init.clone())
            .init_with(rng, device);
        let combined = if one_hot { hidden } else { self.embedding_size };
        let combine = attends.then(|| crate::init::linear(word + hidden + depth, combined, rng, device));
        let width = if attends { combined } else { hidden };
        let output = crate::init::uniform(self.vocabulary * width, 1.0 / (width as f32).sqrt(), rng);
        Captioner {
            encoder,
            embedding,
            image,
            initial,
            attention,
            gate,
            recurrent,
            combine,
            output: Param::from_data(TensorData::new(output, [self.vocabulary, width]), device),
            output_bias: Param::from_data(TensorData::zeros::<f32, _>([self.vocabulary]), device),
            dropout: DropoutConfig::new(self.dropout).init(),
            every: self.image_term == ImageTerm::Every,
            doubly_stochastic: self.doubly_stochastic,
            label_smoothing: self.label_smoothing,
            start: self.start,
            end: self.end,
        }
    }
}

impl Captioner {
    /// What the model has to be shown of a picture.
    pub fn view(&self) -> View {
        if self.attention.is_some() { View::Map } else { View::Vector }
    }

    /// The loss `[1]` of writing, for each of `B` pictures, its captions: mean cross-entropy in nats per symbol with label
    /// smoothing, the ends included, and the doubly stochastic penalty. `seen` is `[B, P, F]`.
    ///
    /// # Panics
    ///
    /// When there is no caption, or not a list of captions for each picture.
    pub fn loss(&self, seen: Tensor<3>, captions: &[Vec<&[u32]>]) -> Tensor<1> {
        let batch = Batch::new(captions, self.start, self.end);
        let (outputs, weights) = self.read(seen, &batch);
        let wanted = self.numbers(&batch.wanted);
        let loss =
            crate::smoothed::loss(outputs, self.output.val(), self.output_bias.val(), wanted, self.label_smoothing);
        match weights {
            Some(weights) if self.doubly_stochastic > 0.0 => loss + batch.penalty(weights) * self.doubly_stochastic,
            _ => loss,
        }
    }

    /// How well given captions are foreseen. `seen` is `[B, P, F]`.
    ///
    /// # Errors
    ///
    /// When the device fails.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    pub fn score(&self, seen: Tensor<3>, captions: &[Vec<&[u32]>]) -> Result<Foreseen, DeviceError> {
        let batch = Batch::new(captions, self.start, self.end);
        let log_probs = log_softmax(self.logits(self.read(seen, &batch).0), 1);
        let wanted = self.numbers(&batch.wanted);
        let likeliest = log_probs.clone().argmax(1).squeeze_dim::<1>(1);
        let correct = whole_number(likeliest.equal(wanted.clone()).int().sum())? as u64;
        let chosen = numbers(log_probs.gather(1, wanted.unsqueeze_dim(1)))?;
        let log_prob = chosen.into_iter().map(f64::from).sum();
        Ok(Foreseen { log_prob, symbols: batch.wanted.len() as u64, correct })
    }

    /// The attention that each symbol of a caption, its end included, pays to each place of the picture: rows of a table;
    /// none without attention. `seen` is `[1, P, F]`.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn looks(&self, seen: Tensor<3>, caption: &[u32]) -> Result<Option<Vec<Vec<f32>>>, DeviceError> {
        let batch = Batch::new(&[vec![caption]], self.start, self.end);
        let Some(weights) = self.read(seen, &batch).1 else { return Ok(None) };
        let places = weights.dims()[3];
        Ok(Some(numbers(weights)?.chunks(places).map(<[f32]>::to_vec).collect()))
    }

    /// Reads the captions of a batch: what goes into the output layer for each symbol that is wanted, `[N, E]`, and the
    /// attention `[T, B, C, P]`.
    fn read(&self, seen: Tensor<3>, batch: &Batch) -> (Tensor<2>, Option<Tensor<4>>) {
        let &Batch { time, pictures, captions, .. } = batch;
        let rows = pictures * captions;
        let wanted = self.numbers(&batch.places);
        let words = self.words(&batch.read);
        let width = words.dims()[1];
        let image = self.image.forward(seen);
        let Some(attention) = &self.attention else {
            let vectors = image.squeeze_dim::<2>(1);
            let vectors = spread(vectors, captions).unsqueeze_dim::<3>(0);
            let [_, _, depth] = vectors.dims();
            let beside = if self.every {
                vectors.expand([time, rows, depth])
            } else {
                let nothing = Tensor::zeros([time - 1, rows, depth], (&self.device(), vectors.dtype()));
                if time == 1 { vectors } else { Tensor::cat(vec![vectors, nothing], 0) }
            };
            let input = Tensor::cat(vec![words.reshape([time, rows, width]), beside], 2);
            let (hidden, _) = self.recurrent.forward_time_major(input, None, None);
            let hidden = hidden.reshape([(time * rows) as i64, -1]).select(0, wanted);
            return (dropout(&self.dropout, hidden), None);
        };
        let mut state = self.first_state(image.clone());
        state = state.map(|tensor| spread(tensor, captions));
        let memory = attention.memory(image, None);
        let (recurrent, read) = self.recurrent.unrolled(words.clone().reshape([time, rows, width]));
        let (mut hidden, mut contexts, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for word in read {
            let looked = self.look(word, state, &memory, &recurrent);
            state = looked.state;
            hidden.push(looked.hidden);
            contexts.push(looked.context);
            weights.push(looked.weights.unsqueeze_dim(0));
        }
        let seen = [words, Tensor::cat(hidden, 0), Tensor::cat(contexts, 0)];
        let seen = seen.map(|tensor| tensor.select(0, wanted.clone()));
        (self.combined(seen.into()), Some(Tensor::cat(weights, 0)))
    }

    /// One step with attention, from the last words. The memory is of `B` pictures with `N / B` rows each.
    fn look(&self, word: KnownInput, state: State, memory: &Memory, recurrent: &Unrolled<'_>) -> Looked {
        let before = state.layers.last().expect("a network has a layer").hidden.clone();
        let [rows, width] = before.dims();
        let [pictures, _, depth] = memory.outputs().dims();
        // The captions of a picture look at it side by side.
        let (context, weights) = memory.look(before.clone().reshape([pictures, rows / pictures, width]));
        let mut context = context.reshape([rows, depth]);
        if let Some(gate) = &self.gate {
            context = context * sigmoid(gate.forward(before));
        }
        let (hidden, state) = recurrent.step(word, Some(context.clone()), state);
        Looked { hidden, context, weights, state }
    }

    /// `o_t` of `[x_t, h_t, z_t]`.
    fn combined(&self, seen: Vec<Tensor<2>>) -> Tensor<2> {
        let seen = Tensor::cat(seen, 1);
        let combined = self.combine.as_ref().map(|combine| tanh(combine.forward(seen.clone())));
        dropout(&self.dropout, combined.unwrap_or(seen))
    }

    /// From the projected pillars `[B, P, D]` to the state before the first step.
    fn first_state(&self, image: Tensor<3>) -> State {
        let mean = image.mean_dim(1).squeeze_dim::<2>(1);
        let mut states = self.initial.iter().map(|initial| tanh(initial.forward(mean.clone())));
        let layers = self.recurrent.layers.len();
        let hidden: Vec<Tensor<2>> = states.by_ref().take(layers).collect();
        let layers = hidden.into_iter().map(|hidden| LayerState { hidden, cell: None });
        let mut layers: Vec<LayerState> = layers.collect();
        // Cells with one state only have no more.
        layers.iter_mut().for_each(|layer| layer.cell = states.next());
        State { layers }
    }

    /// Vectors `[N, E]` of words.
    fn words(&self, words: &[u32]) -> Tensor<2> {
        let numbers = self.numbers(words);
        let vectors = match &self.embedding {
            Some(table) => table.val().select(0, numbers),
            None => numbers.one_hot(self.output_bias.dims()[0]).float().cast(self.output_bias.val().dtype()),
        };
        dropout(&self.dropout, vectors)
    }

    /// `[N, V]`.
    fn logits(&self, outputs: Tensor<2>) -> Tensor<2> {
        outputs.matmul(self.output.val().transpose()) + self.output_bias.val().unsqueeze()
    }

    fn numbers(&self, numbers: &[u32]) -> Tensor<1, Int> {
        let numbers: Vec<i64> = numbers.iter().map(|&number| i64::from(number)).collect();
        let count = numbers.len();
        Tensor::from_data(TensorData::new(numbers, [count]), &self.device())
    }

    fn device(&self) -> Device {
        self.output_bias.val().device()
    }
}

/// The outcome of a step with attention.
struct Looked {
    hidden: Tensor<2>,
    context: Tensor<2>,
    /// `[B, C, P]`
    weights: Tensor<3>,
    state: State,
}

/// From a row a picture to a row for each of its `captions`.
fn spread(rows: Tensor<2>, captions: usize) -> Tensor<2> {
    let [pictures, width] = rows.dims();
    rows.unsqueeze_dim::<3>(1).expand([pictures, captions, width]).reshape([pictures * captions, width])
}
