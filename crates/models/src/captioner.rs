//! A captioner: generates a sentence about an image.
//!
//! The image encoder ([`encoder`]) and the recurrent decoder are one model. The features of an image are `P` places
//! with a vector (pillar) of `F` numbers each, `a_1 .. a_P`: 49 of 1280 for EfficientNet-Lite0, 196 of 512 for VGG.
//! Each pillar is projected once per image to `D` numbers, `m_p = W_a a_p + b_a`, for all of its captions.
//!
//! Without attention (the lecture; Vinyals et al. 2015, arXiv 1411.4555) `P` is 1, the vector before the classes:
//!
//! ```text
//! h_t = f(W_xh x_t + W_hh h_{t-1} + W_ih m + b)     x_t the last word, x_1 = <START>; W_ih m at t = 1 only, or at each
//! p(y_t) = softmax(W_y h_t + b_y)                    over all words and <END>
//! ```
//!
//! `f` is any recurrence of `rekindle-rnn`. The input is `m` behind `x_t`, and `W_ih` is the last `D` columns of
//! `weight_ih`. If the image enters at the first step only, there are zeros behind later tokens.
//!
//! With soft attention (Xu et al. 2015, "Show, Attend and Tell", arXiv 1502.03044), each token gets its own weights
//! over the places:
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
//! Scheduled sampling replaces some tokens that are read in training by the model's predictions, as in a
//! [`translator`](crate::translator). A blind model reads zeros in place of the features: it shows how much can be said
//! without the image.
//!
//! # Three questions
//!
//! Notes of the lecture leave these open.
//!
//! * *How does the RNN compute the lookup key?* It multiplies the hidden state before the step by a matrix:
//!   `q_t = W_qᵀ h_{t-1}`, `[H] -> [D]`, and `e_tp = q_t · m_p / √D`. Since `m_p = W_a a_p + b_a`, this is the
//!   lecture's key, as deep as the map: `W_aᵀ q_t`, `[F]`, against every raw pillar `a_p`, `[F]` (`b_a` adds the same
//!   to all places, and the softmax cancels it). [`AttentionKind`] lists the scores; [`Memory::attend`] computes them.
//!   The paper's own score is [`AttentionKind::Additive`].
//! * *What exactly is the weighted sum?* `α_t` `[P]` has a weight for each place, and each place has a pillar. Every
//!   pillar is multiplied by the weight of its place, and the pillars are added: `[P] · [P, D] -> [D]`. The result is
//!   one vector, dominated by the place with the greatest weight. It is the product `outputs.product(weights)` in
//!   [`Memory::attend`].
//! * *How does the CNN act on every step?* The map is computed once. What changes is `z_t`, another mixture of its
//!   pillars at each step. It enters through the columns `W_ih`, as `m` does in the plain model, and through the
//!   output layer: see `recurrent.step(word, Some(context.clone()), state)` in `attend`, below.

pub mod encoder;
mod penalty;
mod sampled;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
mod transfer;
mod writer;

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Int, Tensor};
use rand::Rng;
use rekindle_kernels::layout::concatenate;
use rekindle_kernels::linear::apply;
use rekindle_kernels::matmul::matmul;
use rekindle_kernels::pointwise::{dropout_of_rows, sigmoid, tanh};
use rekindle_kernels::rows::Lines;
use rekindle_kernels::smoothed;
use rekindle_rnn::{KnownInput, LayerState, LossParts, Penalties, Recurrent, State, Unrolled};
use rekindle_settings::{SettingError, names, settings};

use crate::attention::{Attention, AttentionKind, Memory};
use crate::decode::forced::Targets;
use crate::decode::{Forced, mixture};
use crate::host::{DeviceError, rows};
use crate::settings::{PenaltySettings, RecurrentSettings};
use encoder::{Encoder, EncoderConfig, View};
use penalty::penalty;
pub use sampled::WeightedCaption;

names! {
    /// When the image enters a model without attention.
    #[derive(Default)]
    pub enum ImageTerm {
        /// With `<START>` only, as in the lecture.
        #[default]
        First = "first",
        /// With every token.
        Every = "every",
    }
}

settings! {
    /// Settings of a [`Captioner`], without those of its [image encoder](encoder::EncoderSettings).
    ///
    /// In the letters of the [module](self), `hidden` is `H`, `embedding` is `E`, `pillar` is `D`
    /// and `doubly_stochastic` is `λ`; `no_gate` leaves out `β`.
    #[check(Self::consistent)]
    pub struct CaptionerSettings {
        /// The recurrent stack.
        @flatten recurrent: RecurrentSettings =>
            help("dropout", "Dropout probability, of embeddings, between layers and before the output");
        /// Width of a token's embedding; 0 feeds tokens one-hot
        embedding: usize = 64 => value("WIDTH").at_least(0);
        /// Width to which the features of each place of the image are projected
        pillar: usize = 128 => value("WIDTH").at_least(1);
        /// Attention to the places of the image; none for the plain model
        attention: AttentionKind = AttentionKind::General =>
            value("KIND").choices(AttentionKind::NAMES.iter().copied());
        /// When the image enters a model without attention: with the first token or with every one
        image_term: ImageTerm => value("WHEN").choices(ImageTerm::NAMES.iter().copied());
        /// Leave out the gate on the context vector of attention
        no_gate: bool;
        /// Weight of the penalty on places that get more or less than their share of attention
        doubly_stochastic: f64 => value("WEIGHT").at_least(0);
        /// Share of the target probability that is spread over all tokens, in training
        label_smoothing: f64 => value("SHARE").at_least(0).below(1);
        /// Share of the caption tokens that training replaces by the model's own guesses
        scheduled_sampling: f64 => value("SHARE").at_least(0).below(1);
        /// Read zeros in place of the image: a baseline that shows what the image adds
        blind: bool;
        /// Penalties on the hidden states.
        @flatten penalties: PenaltySettings;
    }
}

/// The sizes and tokens of a [`Captioner`] that depend on its data and its image encoder.
#[derive(Clone, Debug)]
pub struct CaptionerSizes {
    /// `V`: tokens, the special ones included.
    pub vocabulary: usize,
    /// `F`: features of a place of the image, or of the vector.
    pub features: usize,
    /// The token that is read first.
    pub start: u32,
    /// The token that ends a caption.
    pub end: u32,
    /// The image encoder, where it is trained too; none where its features are given.
    pub encoder: Option<EncoderConfig>,
}

impl CaptionerSizes {
    /// A vocabulary and features of these sizes, with the start token 2, the end token 3 and no
    /// encoder.
    pub fn new(vocabulary: usize, features: usize) -> Self {
        Self { vocabulary, features, start: 2, end: 3, encoder: None }
    }
}

/// A recurrent network that writes captions of images; see the [module](self).
#[derive(Module, Debug)]
pub struct Captioner {
    /// The image encoder, where it is part of the model.
    pub encoder: Option<Encoder>,
    /// Token embeddings, `[V, E]`; none for one-hot input.
    pub embedding: Option<Param<Tensor<2>>>,
    /// The projection of the pillars: `W_a`, `b_a`.
    pub image: Linear,
    /// With attention, the projections to the initial state: `h` of each layer, then `c` of each if there is one.
    pub initial: Vec<Linear>,
    /// Attention to the places; none in the plain model.
    pub attention: Option<Attention>,
    /// The gate on the context: `w_β`, `b_β`.
    pub gate: Option<Linear>,
    /// The recurrent stack, which reads tokens and image features side by side.
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
    scheduled_sampling: f64,
    blind: bool,
    #[module(skip)]
    penalties: Penalties,
    start: u32,
    end: u32,
}

impl CaptionerSettings {
    fn consistent(&self) -> Result<(), SettingError> {
        if self.attention == AttentionKind::Dot && self.pillar != self.recurrent.hidden {
            return Err(SettingError::invalid("pillar", self.pillar, "equal to --hidden with --attention dot"));
        }
        Ok(())
    }

    /// The image features that the model reads.
    pub fn view(&self) -> View {
        if self.attention == AttentionKind::None { View::Vector } else { View::Map }
    }

    /// A model with weights drawn from `rng`: the same state of `rng` gives the same weights on every backend.
    ///
    /// # Panics
    ///
    /// When a size other than `embedding` is 0, or with dot attention when `pillar` differs from `hidden`.
    pub fn init_with(&self, sizes: &CaptionerSizes, rng: &mut impl Rng, device: &Device) -> Captioner {
        let (hidden, depth) = (self.recurrent.hidden, self.pillar);
        let &CaptionerSizes { vocabulary, features, start, end, ref encoder } = sizes;
        let encoder = encoder.as_ref().map(|encoder| encoder.init_with(rng, device));
        let one_hot = self.embedding == 0;
        let embedding = (!one_hot).then(|| crate::init::embedding(vocabulary, self.embedding, rng, device));
        let word = if one_hot { vocabulary } else { self.embedding };
        let image = crate::init::linear(features, depth, rng, device);
        let attention = Attention::init(self.attention, hidden, depth, rng, device);
        let attends = attention.is_some();
        let initial = if attends { self.recurrent.states() } else { 0 };
        let initial = (0..initial).map(|_| crate::init::linear(depth, hidden, rng, device)).collect();
        let gate = (attends && !self.no_gate).then(|| crate::init::linear(hidden, 1, rng, device));
        let recurrent = self.recurrent.config(word + depth).init_with(rng, device);
        let combined = if one_hot { hidden } else { self.embedding };
        let combine = attends.then(|| crate::init::linear(word + hidden + depth, combined, rng, device));
        let width = if attends { combined } else { hidden };
        Captioner {
            encoder,
            embedding,
            image,
            initial,
            attention,
            gate,
            recurrent,
            combine,
            output: crate::init::output(vocabulary, width, rng, device),
            output_bias: crate::init::zeros([vocabulary], device),
            dropout: DropoutConfig::new(self.recurrent.dropout).init(),
            every: self.image_term == ImageTerm::Every,
            doubly_stochastic: self.doubly_stochastic,
            label_smoothing: self.label_smoothing,
            scheduled_sampling: self.scheduled_sampling,
            blind: self.blind,
            penalties: self.penalties.penalties(),
            start,
            end,
        }
    }
}

impl Captioner {
    /// Whether the model reads zeros in place of the image.
    pub fn is_blind(&self) -> bool {
        self.blind
    }

    /// When the image enters, without attention.
    pub fn image_term(&self) -> ImageTerm {
        if self.every { ImageTerm::Every } else { ImageTerm::First }
    }

    /// The image features that the model reads.
    pub fn view(&self) -> View {
        if self.attention.is_some() { View::Map } else { View::Vector }
    }

    /// Training loss `[1]` for `B` images with their captions: mean cross-entropy in nats per token with label
    /// smoothing, ends included, plus the doubly stochastic penalty and, in training, the penalties on the hidden
    /// states. Scheduled sampling replaces a share of the tokens that are read. `features` is `[B, P, F]`.
    ///
    /// # Panics
    ///
    /// When there is no caption, or the number of caption lists is not the number of images.
    pub fn loss(&self, features: Tensor<3>, captions: &[Vec<&[u32]>]) -> Tensor<1> {
        self.loss_parts(features, captions).sum()
    }

    /// The same as [means](LossParts) over tokens, captions and hidden values.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    pub fn loss_parts(&self, features: Tensor<3>, captions: &[Vec<&[u32]>]) -> LossParts {
        let targets = self.targets(features.dims()[0], captions);
        let targets =
            targets.with_predictions(self.scheduled_sampling, |before| self.guesses(features.clone(), before));
        let read = self.read(features, &targets);
        let (weight, bias) = (self.output.val(), self.output_bias.val());
        let loss = smoothed::loss(read.outputs, weight, bias, targets.wanted.clone(), self.label_smoothing);
        let of_attention = read.attention.filter(|_| self.doubly_stochastic > 0.0);
        let of_attention = of_attention.map(|weights| {
            let filled = targets.lengths.iter().filter(|&&length| length > 0).count();
            LossParts::of(penalty(weights, &targets.lengths) * self.doubly_stochastic, filled as f64)
        });
        let tokens = targets.lengths.iter().sum::<usize>();
        LossParts::of(loss, tokens as f64).and(of_attention.unwrap_or_default()).and(read.penalty)
    }

    /// Log-probabilities of given captions. `features` is `[B, P, F]`.
    ///
    /// # Errors
    ///
    /// When the device fails.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    pub fn score(&self, features: Tensor<3>, captions: &[Vec<&[u32]>]) -> Result<Forced, DeviceError> {
        Self::score_together(&[(self, features)], captions)
    }

    /// The same of several models with the same tokens, each with its own features of the images, whose probabilities
    /// are averaged.
    ///
    /// # Errors
    ///
    /// When the device fails.
    ///
    /// # Panics
    ///
    /// When there is no model, and as [`loss`](Self::loss).
    pub fn score_together(members: &[(&Self, Tensor<3>)], captions: &[Vec<&[u32]>]) -> Result<Forced, DeviceError> {
        let (first, features) = &members[0];
        let targets = first.targets(features.dims()[0], captions);
        let logits =
            |(model, features): &(&Self, Tensor<3>)| model.logits(model.read(features.clone(), &targets).outputs);
        targets.score(mixture(members.iter().map(logits).collect()))
    }

    /// Attention weights of each token of a caption, its end included, over the places of the image: a row per token;
    /// none without attention. `features` is `[1, P, F]`.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn attention_weights(
        &self,
        features: Tensor<3>,
        caption: &[u32],
    ) -> Result<Option<Vec<Vec<f32>>>, DeviceError> {
        self.read(features, &self.targets(1, &[vec![caption]])).attention.map(rows).transpose()
    }

    /// The captions of a batch, side by side: each image gets as many rows as the most captions of any image.
    fn targets(&self, images: usize, captions: &[Vec<&[u32]>]) -> Targets {
        assert!(captions.len() == images, "{images} images and captions of {}", captions.len());
        let most = captions.iter().map(Vec::len).max().unwrap_or(0);
        assert!(most > 0, "at least one caption");
        let rows = captions.iter().flat_map(|captions| (0..most).map(|number| captions.get(number).copied()));
        Targets::new(&rows.collect::<Vec<_>>(), [self.start, self.end], self.start, &self.device())
    }

    /// Reads the captions of a batch.
    fn read(&self, features: Tensor<3>, targets: &Targets) -> Read {
        let (time, rows) = (targets.time, targets.rows());
        let captions = rows / features.dims()[0];
        let wanted = targets.places(|t, row| t * rows + row);
        let words = self.words(targets.read.clone(), rows);
        let width = words.dims()[1];
        let image = self.image(features);
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
            let input = concatenate([words.reshape([time, rows, width]), beside], 2);
            let (raw, hidden, _) = self.recurrent.forward_with_raw(input, None, None);
            let penalty = self.recurrent.penalty(raw, hidden.clone(), Some(&targets.lengths), self.penalties);
            let hidden = hidden.reshape([(time * rows) as i64, -1]).select(0, wanted);
            let outputs = dropout_of_rows(&self.dropout, hidden, Lines::Packed);
            return Read { outputs, attention: None, penalty };
        };
        let mut state = self.first_state(image.clone());
        state = state.map(|tensor| spread(tensor, captions));
        let memory = attention.memory(image, None);
        let (recurrent, read) = self.recurrent.unrolled(words.clone().reshape([time, rows, width]));
        let (mut hidden, mut contexts, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        let mut raw = Vec::new();
        for word in read {
            let attended = self.attend(word, state, &memory, &recurrent);
            state = attended.state;
            raw.push(state.layers.last().expect("a network has a layer").hidden.clone());
            hidden.push(attended.hidden);
            contexts.push(attended.context);
            weights.push(attended.weights.unsqueeze_dim(0));
        }
        let penalty = if self.penalties.any() {
            let [raw, hidden] = [raw, hidden.clone()].map(|states| Tensor::stack(states, 0));
            self.recurrent.penalty(raw, hidden, Some(&targets.lengths), self.penalties)
        } else {
            LossParts::default()
        };
        let parts = [words, Tensor::cat(hidden, 0), Tensor::cat(contexts, 0)];
        let parts = parts.map(|tensor| tensor.select(0, wanted.clone()));
        let attention = Some(Tensor::cat(weights, 0));
        Read { outputs: self.combined(parts, Lines::Packed), attention, penalty }
    }

    /// The most probable token after each time step of `before`, which is read in full, time-major.
    fn guesses(&self, features: Tensor<3>, before: &Targets) -> Tensor<1, Int> {
        let outputs = self.read(features, before).outputs.detach();
        let guesses = self.logits(outputs).argmax(1);
        guesses.reshape([before.rows(), before.time]).swap_dims(0, 1).reshape([-1_i64])
    }

    /// The projected pillars `[B, P, D]` of `features` `[B, P, F]`.
    fn image(&self, features: Tensor<3>) -> Tensor<3> {
        apply(&self.image, if self.blind { features.zeros_like() } else { features })
    }

    /// One step with attention, from the previous tokens. The memory is of `B` images with `N / B` rows each.
    fn attend(&self, word: KnownInput, state: State, memory: &Memory, recurrent: &Unrolled<'_>) -> Attended {
        let before = state.layers.last().expect("a network has a layer").hidden.clone();
        let [rows, width] = before.dims();
        let [pictures, _, depth] = memory.outputs().dims();
        // The captions of an image are queries on one memory.
        let (context, weights) = memory.attend(before.clone().reshape([pictures, rows / pictures, width]));
        let mut context = context.reshape([rows, depth]);
        if let Some(gate) = &self.gate {
            context = context * sigmoid(apply(gate, before));
        }
        let (hidden, state) = recurrent.step(word, Some(context.clone()), state);
        Attended { hidden, context, weights, state }
    }

    /// `o_t` of `[x_t, h_t, z_t]`.
    fn combined(&self, parts: [Tensor<2>; 3], lines: Lines) -> Tensor<2> {
        let parts = concatenate(parts, 1);
        let combined = self.combine.as_ref().map(|combine| tanh(apply(combine, parts.clone())));
        dropout_of_rows(&self.dropout, combined.unwrap_or(parts), lines)
    }

    /// The initial state, from the projected pillars `[B, P, D]`.
    fn first_state(&self, image: Tensor<3>) -> State {
        let mean = image.mean_dim(1).squeeze_dim::<2>(1);
        let mut states = self.initial.iter().map(|initial| tanh(apply(initial, mean.clone())));
        let hidden: Vec<Tensor<2>> = states.by_ref().take(self.recurrent.layers.len()).collect();
        // Without a cell state, no projections are left.
        State { layers: hidden.into_iter().map(|hidden| LayerState { hidden, cell: states.next() }).collect() }
    }

    /// Embeddings `[N, E]` of tokens, time-major in so many rows.
    fn words(&self, words: Tensor<1, Int>, rows: usize) -> Tensor<2> {
        let vectors = match &self.embedding {
            Some(table) => table.val().select(0, words),
            None => words.one_hot(self.output_bias.dims()[0]).float().cast(self.output_bias.val().dtype()),
        };
        dropout_of_rows(&self.dropout, vectors, Lines::TimeMajor { rows })
    }

    /// Logits, `[N, V]`.
    fn logits(&self, outputs: Tensor<2>) -> Tensor<2> {
        matmul(outputs, self.output.val().transpose()) + self.output_bias.val().unsqueeze()
    }

    fn device(&self) -> Device {
        self.output_bias.val().device()
    }
}

/// The reading of captions.
struct Read {
    /// The input of the output layer for each target token, `[N, E]`.
    outputs: Tensor<2>,
    /// The attention weights `[T, B, C, P]`, with `C` rows per image.
    attention: Option<Tensor<4>>,
    /// The penalties on the hidden states, in training.
    penalty: LossParts,
}

/// The result of a step with attention.
struct Attended {
    hidden: Tensor<2>,
    context: Tensor<2>,
    /// `[B, C, P]`
    weights: Tensor<3>,
    state: State,
}

/// Repeats each image's row for each of its `captions`.
fn spread(rows: Tensor<2>, captions: usize) -> Tensor<2> {
    let [pictures, width] = rows.dims();
    rows.unsqueeze_dim::<3>(1).expand([pictures, captions, width]).reshape([pictures * captions, width])
}
