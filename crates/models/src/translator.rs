//! A translator: an encoder reads a sentence, a decoder generates its translation.
//!
//! ```text
//! s_1 .. s_S = encoder(x_1 .. x_S <END>)                 both directions side by side, [S, H]
//! h_0        = tanh(W_0 s_last + b_0)                    the bridge, for every layer (and for c, without tanh)
//! h_t        = decoder(h_{t-1}, y_{t-1}),  y_0 = <START>
//! o_t        = tanh(W_o [c_t, h_t] + b_o)                with attention; tanh(W_o h_t + b_o) without
//! p(y_t)     = softmax(W_y o_t + b_y)
//! ```
//!
//! Without attention (Sutskever et al. 2014, arXiv 1409.3215), the decoder reads the input in its initial state only.
//! With attention, the context `c_t` of [`attention`](crate::attention) enters after the recurrence (Luong et al.
//! 2015, arXiv 1508.04025), so that the decoder's recurrence is one operation over the sentence, and so is attention.
//! Input feeding, an option of the same paper, reads `[y_{t-1}, o_{t-1}]`, token by token: it is slow.
//!
//! Scheduled sampling (Bengio et al. 2015, arXiv 1506.03099) replaces some `y_{t-1}` by the model's predictions. All
//! are predicted at once from the target tokens, as in Mihaylova and Martins 2019 (arXiv 1906.07651), so that the
//! recurrence stays one operation.
//!
//! Tied target embeddings are initialised like output weights, and multiplied by `√E` when read, `E` being their width
//! (Vaswani et al. 2017, arXiv 1706.03762, section 3.4).

mod decoder;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod prepared;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
mod transfer;

pub use decoder::PreparedTranslator;

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Int, Tensor};
use rand::Rng;
use rekindle_kernels::layout::concatenate;
use rekindle_kernels::linear::apply;
use rekindle_kernels::matmul::matmul;
use rekindle_kernels::pointwise::{dropout_of_rows, tanh};
use rekindle_kernels::rows::Lines;
use rekindle_kernels::smoothed;
use rekindle_rnn::{Cell, KnownInput, LayerState, LossParts, Penalties, Recurrent, State, Unrolled};
use rekindle_settings::{SettingError, settings};

use crate::attention::{Attention, AttentionKind, Memory};
use crate::decode::forced::{Targets, time_major};
use crate::decode::{Forced, mixture};
use crate::host::{DeviceError, ids, rows};
use crate::settings::{PenaltySettings, RecurrentSettings};
use crate::tokens::dropped_tokens;

settings! {
    /// Settings of a [`Translator`]. In the letters of the [module](self), `hidden` is `H` and
    /// `embedding` is `E`, which is the width of `o_t` too.
    #[check(Self::consistent)]
    pub struct TranslatorSettings {
        /// The recurrent stacks of the encoder and of the decoder.
        @flatten recurrent: RecurrentSettings =
            RecurrentSettings { cell: Cell::Gru, hidden: 512, dropout: 0.3, ..RecurrentSettings::default() } =>
            help("layers", "Stacked layers, of the encoder and of the decoder")
            .help("hidden", "Width of the decoder's hidden state; each direction of the encoder has half of it")
            .help("dropout", "Dropout probability, of embeddings, between layers and before the output");
        /// Width of a token's embedding
        embedding: usize = 256 => value("WIDTH").at_least(1);
        /// Attention of the decoder to the encoder's outputs
        attention: AttentionKind = AttentionKind::General =>
            value("KIND").choices(AttentionKind::NAMES.iter().copied());
        /// Read the last output along with each token; slow, as training then goes token by token
        input_feeding: bool;
        /// Use the target embeddings as output weights too
        tied: bool;
        /// Share of the target probability that is spread over all tokens, in training
        label_smoothing: f64 = 0.1 => value("SHARE").at_least(0).below(1);
        /// Share of the target tokens that training replaces by the model's own guesses
        scheduled_sampling: f64 => value("SHARE").at_least(0).below(1);
        /// Probability of dropping a token's embedding for a whole batch, in training
        token_dropout: f64 => value("PROBABILITY").at_least(0).below(1);
        /// Penalties on the hidden states.
        @flatten penalties: PenaltySettings => help(
            "activation_penalty",
            "Weight of the mean square of the last layer's hidden states in the training loss (AR), of the encoder and of \
             the decoder"
        );
    }
}

/// The sizes and tokens of a [`Translator`] that depend on its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TranslatorSizes {
    /// Tokens of the source language.
    pub source_vocabulary: usize,
    /// `V`: tokens of the target language.
    pub target_vocabulary: usize,
    /// The token that a target begins with.
    pub start: u32,
    /// The token that a source and a target end with.
    pub end: u32,
}

impl TranslatorSizes {
    /// Vocabularies of these sizes, with the start token 2 and the end token 3.
    pub fn new(source_vocabulary: usize, target_vocabulary: usize) -> Self {
        Self { source_vocabulary, target_vocabulary, start: 2, end: 3 }
    }
}

/// An encoder and a decoder; see the [module](self).
#[derive(Module, Debug)]
pub struct Translator {
    /// Embeddings of the source tokens, `[V_source, E]`.
    pub source_embedding: Param<Tensor<2>>,
    /// Embeddings of the target tokens, `[V, E]`.
    pub target_embedding: Param<Tensor<2>>,
    /// The encoder, which reads in both directions.
    pub encoder: Recurrent,
    /// From the encoder's last states to the decoder's initial ones: `h` of each layer, then `c` of each, if any.
    pub bridge: Vec<Linear>,
    /// The decoder.
    pub decoder: Recurrent,
    /// Attention to the encoder's outputs; none without attention.
    pub attention: Option<Attention>,
    /// The layer that gives `o_t`.
    pub combine: Linear,
    /// `W_y`, `[V, E]`; none if tied to the target embeddings.
    pub output: Option<Param<Tensor<2>>>,
    /// `b_y`, `[V]`.
    pub output_bias: Param<Tensor<1>>,
    dropout: Dropout,
    input_feeding: bool,
    label_smoothing: f64,
    scheduled_sampling: f64,
    token_dropout: f64,
    #[module(skip)]
    penalties: Penalties,
    start: u32,
    end: u32,
}

/// Encoded source sentences.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The decoder's initial state.
    pub state: State,
    /// The encoder's outputs, prepared for attention.
    pub memory: Option<Memory>,
}

/// The decoder's reading of targets.
struct Read {
    /// `[c_t, h_t]` `[B, T, 2H]`, `h_t` without attention, or `o_t` `[B, T, E]` with input feeding.
    seen: Tensor<3>,
    /// The attention weights, `[B, T, S]`.
    attention: Option<Tensor<3>>,
    /// The penalties on its hidden states, in training.
    penalty: LossParts,
}

/// A step of the decoder.
struct Written {
    /// `o`, `[B, E]`.
    output: Tensor<2>,
    /// The hidden state of the last layer after its dropout, `[B, H]`.
    hidden: Tensor<2>,
    state: State,
    /// The attention weights, `[B, 1, S]`.
    attention: Option<Tensor<3>>,
}

impl TranslatorSettings {
    fn consistent(&self) -> Result<(), SettingError> {
        let hidden = self.recurrent.hidden;
        if !hidden.is_multiple_of(2) {
            return Err(SettingError::invalid("hidden", hidden, "even: each direction of the encoder has half of it"));
        }
        Ok(())
    }

    /// A model with weights drawn from `rng`: the same state of `rng` gives the same weights on every backend.
    ///
    /// # Panics
    ///
    /// When a size is 0 or `hidden` is odd.
    pub fn init_with(&self, sizes: &TranslatorSizes, rng: &mut impl Rng, device: &Device) -> Translator {
        let (hidden, embedding) = (self.recurrent.hidden, self.embedding);
        let TranslatorSizes { source_vocabulary, target_vocabulary, start, end } = *sizes;
        assert!(hidden > 0 && hidden.is_multiple_of(2), "hidden {hidden} must be even and above 0");
        let source_embedding = crate::init::embedding(source_vocabulary, embedding, rng, device);
        let table = if self.tied { crate::init::output } else { crate::init::embedding };
        let target_embedding = table(target_vocabulary, embedding, rng, device);
        let encoder = RecurrentSettings { hidden: hidden / 2, ..self.recurrent.clone() };
        let encoder = encoder.config(embedding).with_bidirectional(true).init_with(rng, device);
        let bridges = self.recurrent.states();
        let bridge = (0..bridges).map(|_| crate::init::linear(hidden, hidden, rng, device)).collect();
        let read = if self.input_feeding { 2 * embedding } else { embedding };
        let decoder = self.recurrent.config(read).init_with(rng, device);
        let attention = Attention::init(self.attention, hidden, hidden, rng, device);
        let seen = if attention.is_some() { 2 * hidden } else { hidden };
        let combine = crate::init::linear(seen, embedding, rng, device);
        let output = (!self.tied).then(|| crate::init::output(target_vocabulary, embedding, rng, device));
        Translator {
            source_embedding,
            target_embedding,
            encoder,
            bridge,
            decoder,
            attention,
            combine,
            output,
            output_bias: crate::init::zeros([target_vocabulary], device),
            dropout: DropoutConfig::new(self.recurrent.dropout).init(),
            input_feeding: self.input_feeding,
            label_smoothing: self.label_smoothing,
            scheduled_sampling: self.scheduled_sampling,
            token_dropout: self.token_dropout,
            penalties: self.penalties.penalties(),
            start,
            end,
        }
    }
}

impl Translator {
    /// Whether the decoder reads its last output along with each token.
    pub fn has_input_feeding(&self) -> bool {
        self.input_feeding
    }

    /// Training loss `[1]` of the targets, given their sources: mean cross-entropy in nats per token with label
    /// smoothing, the ends included and padding excluded; in training, it includes the penalties on the hidden states
    /// of the encoder and of the decoder.
    ///
    /// # Panics
    ///
    /// When there is no sentence, or the numbers of targets and sources differ.
    pub fn loss(&self, sources: &[&[u32]], targets: &[&[u32]]) -> Tensor<1> {
        self.loss_parts(sources, targets).sum()
    }

    /// The same as [means](LossParts) over target tokens and over hidden values.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    pub fn loss_parts(&self, sources: &[&[u32]], targets: &[&[u32]]) -> LossParts {
        let (encoded, of_encoder) = self.encode_penalized(sources);
        let targets = self.targets(targets);
        let targets = targets.with_predictions(self.scheduled_sampling, |before| self.guesses(&encoded, before));
        let (outputs, of_decoder) = self.forced_outputs(&encoded, &targets);
        let (weight, bias) = (self.output_weight(), self.output_bias.val());
        let loss = smoothed::loss(outputs, weight, bias, targets.wanted.clone(), self.label_smoothing);
        let tokens = targets.lengths.iter().sum::<usize>();
        LossParts::of(loss, tokens as f64).and(of_encoder).and(of_decoder)
    }

    /// Log-probabilities of given targets.
    ///
    /// # Errors
    ///
    /// When the device fails.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    pub fn score(&self, sources: &[&[u32]], targets: &[&[u32]]) -> Result<Forced, DeviceError> {
        Self::score_together(&[self], sources, targets)
    }

    /// The same of several models with the same tokens, whose probabilities are averaged.
    ///
    /// # Errors
    ///
    /// When the device fails.
    ///
    /// # Panics
    ///
    /// When there is no model, and as [`score`](Self::score).
    pub fn score_together(models: &[&Self], sources: &[&[u32]], targets: &[&[u32]]) -> Result<Forced, DeviceError> {
        let targets = models[0].targets(targets);
        let logits = |model: &&Self| model.logits(model.forced_outputs(&model.encode(sources), &targets).0);
        targets.score(mixture(models.iter().map(logits).collect()))
    }

    /// Attention weights of each token of a target over the tokens of its source, the ends included: a row per target
    /// token; none without attention.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn alignment(&self, source: &[u32], target: &[u32]) -> Result<Option<Vec<Vec<f32>>>, DeviceError> {
        self.read(&self.encode(&[source]), &self.targets(&[target])).attention.map(rows).transpose()
    }

    /// Encodes sources, each with its end.
    ///
    /// # Panics
    ///
    /// When there is no source.
    pub fn encode(&self, sources: &[&[u32]]) -> Encoded {
        self.encode_penalized(sources).0
    }

    /// The same, with the penalties on the encoder's hidden states, in training.
    fn encode_penalized(&self, sources: &[&[u32]]) -> (Encoded, LossParts) {
        let lengths: Vec<usize> = sources.iter().map(|source| source.len() + 1).collect();
        let time = lengths.iter().copied().max().expect("at least one sentence");
        let batch = sources.len();
        let tokens = sources.iter().map(|source| source.iter().copied().chain([self.end]));
        let tokens = ids(time_major(tokens, time, 0), &self.device());
        let input = self.embed(&self.source_embedding, tokens, time, batch);
        let (outputs, last, penalty) = self.encoder.forward_penalized(input, None, Some(&lengths), self.penalties);
        let memory = self.attention.as_ref().map(|attention| attention.memory(outputs.swap_dims(0, 1), Some(&lengths)));
        (Encoded { state: self.cross(last), memory }, penalty)
    }

    /// The bridge, from the encoder's last states to the decoder's initial ones.
    fn cross(&self, last: State) -> State {
        let layers = last.layers.len() / 2;
        let join = |a: &Tensor<2>, b: &Tensor<2>| concatenate([a.clone(), b.clone()], 1);
        let crossed = last.layers.chunks(2).enumerate().map(|(i, pair)| {
            let [ahead, back] = [&pair[0], &pair[1]];
            let hidden = tanh(apply(&self.bridge[i], join(&ahead.hidden, &back.hidden)));
            let cell = ahead.cell.as_ref().zip(back.cell.as_ref());
            let cell = cell.map(|(ahead, back)| apply(&self.bridge[layers + i], join(ahead, back)));
            LayerState { hidden, cell }
        });
        State { layers: crossed.collect() }
    }

    /// The decoder's input and target tokens.
    fn targets(&self, targets: &[&[u32]]) -> Targets {
        let targets: Vec<_> = targets.iter().copied().map(Some).collect();
        Targets::new(&targets, [self.start, self.end], 0, &self.device())
    }

    /// The most probable token after each time step of `before`, time-major.
    fn guesses(&self, encoded: &Encoded, before: &Targets) -> Tensor<1, Int> {
        let seen = self.read(encoded, before).seen.swap_dims(0, 1).detach();
        let [time, rows, width] = seen.dims();
        let outputs = self.combined(seen.reshape([time * rows, width]), Lines::TimeMajor { rows });
        self.logits(outputs).argmax(1).squeeze_dim(1)
    }

    /// `o` `[N, E]` at the `N` target tokens, the ends included, and the penalties on the decoder's hidden states, in
    /// training.
    fn forced_outputs(&self, encoded: &Encoded, targets: &Targets) -> (Tensor<2>, LossParts) {
        let (sources, time) = (encoded.state.batch_size(), targets.time);
        assert!(sources == targets.rows(), "{sources} sources and {} targets", targets.rows());
        let Read { seen, penalty, .. } = self.read(encoded, targets);
        let width = seen.dims()[2];
        let places = targets.places(|t, b| b * time + t);
        (self.combined(seen.reshape([sources * time, width]).select(0, places), Lines::Packed), penalty)
    }

    /// Runs the decoder over targets.
    fn read(&self, encoded: &Encoded, targets: &Targets) -> Read {
        let (time, batch) = (targets.time, targets.rows());
        let input = self.embed_target(targets.read.clone(), time, batch);
        if !self.input_feeding {
            let (raw, hidden, _) = self.decoder.forward_with_raw(input, Some(encoded.state.clone()), None);
            let penalty = self.decoder.penalty(raw, hidden.clone(), Some(&targets.lengths), self.penalties);
            let (seen, attention) = self.attend(hidden.swap_dims(0, 1), encoded.memory.as_ref());
            return Read { seen, attention, penalty };
        }
        let mut state = encoded.state.clone();
        let mut fed = self.nothing_fed(batch);
        let mut outputs = Vec::with_capacity(time);
        let (mut raw, mut hidden, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        let (decoder, words) = self.decoder.unrolled(input);
        for word in words {
            let written = self.write(word, Some(fed), state, encoded.memory.as_ref(), &decoder);
            outputs.push(written.output.clone().unsqueeze_dim(1));
            raw.push(written.state.layers.last().expect("a network has a layer").hidden.clone());
            hidden.push(written.hidden);
            weights.extend(written.attention);
            (fed, state) = (written.output, written.state);
        }
        let attention = (!weights.is_empty()).then(|| Tensor::cat(weights, 1));
        let penalty = if self.penalties.any() {
            let [raw, hidden] = [raw, hidden].map(|states| Tensor::stack(states, 0));
            self.decoder.penalty(raw, hidden, Some(&targets.lengths), self.penalties)
        } else {
            LossParts::default()
        };
        Read { seen: Tensor::cat(outputs, 1), attention, penalty }
    }

    /// One step from the previous tokens and, with input feeding, the previous outputs.
    fn write(
        &self,
        words: KnownInput,
        fed: Option<Tensor<2>>,
        state: State,
        memory: Option<&Memory>,
        decoder: &Unrolled<'_>,
    ) -> Written {
        let (hidden, state) = decoder.step(words, fed, state);
        let (seen, attention) = self.attend(hidden.clone().unsqueeze_dim(1), memory);
        let rows = hidden.dims()[0];
        Written { output: self.output_of(seen.squeeze_dim(1), Lines::TimeMajor { rows }), hidden, state, attention }
    }

    /// The initial `o_0`: zeros.
    fn nothing_fed(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.target_embedding.val().dims()[1]], &self.device())
    }

    /// `o` of what [`read`](Self::read) returns.
    fn combined(&self, seen: Tensor<2>, lines: Lines) -> Tensor<2> {
        if self.input_feeding { seen } else { self.output_of(seen, lines) }
    }

    fn output_of(&self, seen: Tensor<2>, lines: Lines) -> Tensor<2> {
        dropout_of_rows(&self.dropout, tanh(apply(&self.combine, seen)), lines)
    }

    fn attend(&self, hidden: Tensor<3>, memory: Option<&Memory>) -> (Tensor<3>, Option<Tensor<3>>) {
        match memory {
            Some(memory) => {
                let (contexts, weights) = memory.attend(hidden.clone());
                (concatenate([contexts, hidden], 2), Some(weights))
            }
            None => (hidden, None),
        }
    }

    /// Embeddings `[T, B, E]` of time-major tokens, from `table`.
    fn embed(&self, table: &Param<Tensor<2>>, tokens: Tensor<1, Int>, time: usize, batch: usize) -> Tensor<3> {
        let vectors = dropped_tokens(self.token_dropout, &self.dropout, table.val()).select(0, tokens);
        let width = vectors.dims()[1];
        dropout_of_rows(&self.dropout, vectors.reshape([time, batch, width]), Lines::TimeMajor { rows: batch })
    }

    /// Embeddings `[T, B, E]` of time-major target tokens.
    fn embed_target(&self, tokens: Tensor<1, Int>, time: usize, batch: usize) -> Tensor<3> {
        self.scaled(self.embed(&self.target_embedding, tokens, time, batch))
    }

    /// Target embeddings `[.., E]` as the decoder reads them.
    fn scaled<const D: usize>(&self, vectors: Tensor<D>) -> Tensor<D> {
        let width = vectors.dims()[D - 1];
        if self.output.is_none() { vectors * (width as f64).sqrt() } else { vectors }
    }

    /// Logits, `[N, V]`.
    fn logits(&self, outputs: Tensor<2>) -> Tensor<2> {
        matmul(outputs, self.output_weight().transpose()) + self.output_bias.val().unsqueeze()
    }

    fn output_weight(&self) -> Tensor<2> {
        self.output.as_ref().unwrap_or(&self.target_embedding).val()
    }

    fn device(&self) -> Device {
        self.output_bias.val().device()
    }
}
