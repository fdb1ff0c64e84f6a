//! From sentence to sentence: an encoder reads, a decoder writes.
//!
//! ```text
//! s_1 .. s_S = encoder(x_1 .. x_S <END>)                 both directions side by side, [S, H]
//! h_0        = tanh(W_0 s_last + b_0)                    the bridge, for every layer (and for c, without tanh)
//! h_t        = decoder(h_{t-1}, y_{t-1}),  y_0 = <START>
//! o_t        = tanh(W_o [c_t, h_t] + b_o)                with attention; tanh(W_o h_t + b_o) without
//! p(y_t)     = softmax(W_y o_t + b_y)
//! ```
//!
//! Sutskever et al. 2014 (arXiv 1409.3215) without attention: the input is known by the first state only. With attention,
//! the context `c_t` of [`attention`](crate::attention) comes in at every step, after the recurrence as in Luong et al.
//! 2015 (arXiv 1508.04025): so the decoder's recurrence is one operation over the whole sentence, and so is the attention.
//! Input feeding, an option of the same paper, reads `[y_{t-1}, o_{t-1}]`: it has to go word by word, and is slow.
//!
//! Scheduled sampling (Bengio et al. 2015, arXiv 1506.03099) reads some `y_{t-1}` as the model would write them. All are
//! guessed at once from the right words, as in Mihaylova and Martins 2019 (arXiv 1906.07651), so that the recurrence stays
//! one operation.
//!
//! Tied target embeddings begin as small as output weights do, and are read times `√E`, `E` being
//! their width (Vaswani et al. 2017, arXiv 1706.03762, section 3.4).

mod decoder;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod prepared;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, Device, Distribution, Int, Tensor, TensorData};
use rand::Rng;
use rekindle_kernels::pointwise::{dropout, tanh};
use rekindle_rnn::{Cell, KnownInput, LayerState, Recurrent, State, Unrolled};
use rekindle_settings::{SettingError, settings};

pub use decoder::{DecoderState, Writer};

use crate::attention::{Attention, AttentionKind, Memory};
use crate::host::{DeviceError, numbers, whole_number};
use crate::settings::RecurrentSettings;

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
    /// Vectors of the source words, `[V_source, E]`.
    pub source_embedding: Param<Tensor<2>>,
    /// Vectors of the target words, `[V, E]`.
    pub target_embedding: Param<Tensor<2>>,
    /// Reads in both directions.
    pub encoder: Recurrent,
    /// From the encoder's last states to the decoder's first: `h` of each layer, then `c` of each if there is one.
    pub bridge: Vec<Linear>,
    /// Writes.
    pub decoder: Recurrent,
    /// Where it looks.
    pub attention: Option<Attention>,
    /// To `o_t`.
    pub combine: Linear,
    /// `W_y`, `[V, E]`; none where it is the target words' vectors.
    pub output: Option<Param<Tensor<2>>>,
    /// `b_y`, `[V]`.
    pub output_bias: Param<Tensor<1>>,
    dropout: Dropout,
    input_feeding: bool,
    label_smoothing: f64,
    scheduled_sampling: f64,
    start: u32,
    end: u32,
}

/// What the encoder has read.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The decoder's first state.
    pub state: State,
    /// What attention sees.
    pub memory: Option<Memory>,
}

/// Symbols that the decoder reads, `[T * B]`, time-major.
struct Shifted {
    tokens: Tensor<1, Int>,
    time: usize,
    batch: usize,
}

/// How well a model foresees given targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forced {
    /// The logarithm of the probability of each target, its end included.
    pub log_probs: Vec<f64>,
    /// Symbols foreseen, the ends included.
    pub symbols: u64,
    /// How many of them were the likeliest.
    pub correct: u64,
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
        // Rows are words, so that one table can serve both ends.
        let output_weight = |rng: &mut _| {
            let values = crate::init::uniform(target_vocabulary * embedding, 1.0 / (embedding as f32).sqrt(), rng);
            Param::from_data(TensorData::new(values, [target_vocabulary, embedding]), device)
        };
        let target_embedding = if self.tied {
            output_weight(rng)
        } else {
            crate::init::embedding(target_vocabulary, embedding, rng, device)
        };
        let encoder = RecurrentSettings { hidden: hidden / 2, ..self.recurrent.clone() };
        let encoder = encoder.config(embedding).with_bidirectional(true).init_with(rng, device);
        let bridges = self.recurrent.states();
        let bridge = (0..bridges).map(|_| crate::init::linear(hidden, hidden, rng, device)).collect();
        let read = if self.input_feeding { 2 * embedding } else { embedding };
        let decoder = self.recurrent.config(read).init_with(rng, device);
        let attention = Attention::init(self.attention, hidden, hidden, rng, device);
        let seen = if attention.is_some() { 2 * hidden } else { hidden };
        let combine = crate::init::linear(seen, embedding, rng, device);
        let output = (!self.tied).then(|| output_weight(rng));
        let output_bias = Param::from_data(TensorData::zeros::<f32, _>([target_vocabulary]), device);
        Translator {
            source_embedding,
            target_embedding,
            encoder,
            bridge,
            decoder,
            attention,
            combine,
            output,
            output_bias,
            dropout: DropoutConfig::new(self.recurrent.dropout).init(),
            input_feeding: self.input_feeding,
            label_smoothing: self.label_smoothing,
            scheduled_sampling: self.scheduled_sampling,
            start,
            end,
        }
    }
}

impl Translator {
    /// The loss `[1]` of writing each target for its source: mean cross-entropy in nats per symbol with label smoothing,
    /// the ends included and padding left out.
    ///
    /// # Panics
    ///
    /// When there is no sentence, or not as many targets as sources.
    pub fn loss(&self, sources: &[&[u32]], targets: &[&[u32]]) -> Tensor<1> {
        let encoded = self.encode(sources);
        let mut read = self.shifted(targets);
        if self.scheduled_sampling > 0.0 {
            read = self.with_guesses(&encoded, read);
        }
        let (outputs, wanted) = self.forced_outputs(&encoded, &read, targets);
        let wanted = self.numbers(&wanted);
        let bias = self.output_bias.val();
        crate::smoothed::loss(outputs, self.output_weight(), bias, wanted, self.label_smoothing)
    }

    /// How well given targets are foreseen.
    ///
    /// # Errors
    ///
    /// When the device fails.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    pub fn score(&self, sources: &[&[u32]], targets: &[&[u32]]) -> Result<Forced, DeviceError> {
        let (outputs, wanted) = self.forced_outputs(&self.encode(sources), &self.shifted(targets), targets);
        let log_probs = self.log_probs(outputs);
        let likeliest = log_probs.clone().argmax(1);
        let [likeliest, wanted_column] = [likeliest.squeeze_dim::<1>(1), self.numbers(&wanted)];
        let correct = whole_number(likeliest.equal(wanted_column.clone()).int().sum())?;
        let chosen = numbers(log_probs.gather(1, wanted_column.unsqueeze_dim(1)))?;
        let mut chosen = chosen.into_iter().map(f64::from);
        let log_probs = targets.iter().map(|target| chosen.by_ref().take(target.len() + 1).sum()).collect();
        Ok(Forced { log_probs, symbols: wanted.len() as u64, correct: correct as u64 })
    }

    /// The attention that each symbol of a target, its end included, pays to each symbol of the source, its end included:
    /// rows of a table; none without attention.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn alignment(&self, source: &[u32], target: &[u32]) -> Result<Option<Vec<Vec<f32>>>, DeviceError> {
        let encoded = self.encode(&[source]);
        let Some(weights) = self.read(&encoded, &self.shifted(&[target])).1 else { return Ok(None) };
        let positions = weights.dims()[2];
        Ok(Some(numbers(weights)?.chunks(positions).map(<[f32]>::to_vec).collect()))
    }

    /// Reads sources, each with its end.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn encode(&self, sources: &[&[u32]]) -> Encoded {
        let lengths: Vec<usize> = sources.iter().map(|source| source.len() + 1).collect();
        let time = lengths.iter().copied().max().expect("at least one sentence");
        let batch = sources.len();
        let mut tokens = vec![0; time * batch];
        for (b, source) in sources.iter().enumerate() {
            for (t, &symbol) in source.iter().chain([&self.end]).enumerate() {
                tokens[t * batch + b] = symbol;
            }
        }
        let input = self.embed(&self.source_embedding, self.numbers(&tokens), time, batch);
        let (outputs, last) = self.encoder.forward_time_major(input, None, Some(&lengths));
        let memory = self.attention.as_ref().map(|attention| {
            let padding: Vec<bool> = lengths.iter().flat_map(|&l| (0..time).map(move |t| t >= l)).collect();
            let padding = Tensor::<2, Bool>::from_data(TensorData::new(padding, [batch, time]), &self.device());
            attention.memory(outputs.swap_dims(0, 1), Some(padding))
        });
        Encoded { state: self.cross(last), memory }
    }

    /// The bridge, from the encoder's last states to the decoder's first.
    fn cross(&self, last: State) -> State {
        let layers = last.layers.len() / 2;
        let join = |a: &Tensor<2>, b: &Tensor<2>| Tensor::cat(vec![a.clone(), b.clone()], 1);
        let crossed = last.layers.chunks(2).enumerate().map(|(i, pair)| {
            let [ahead, back] = [&pair[0], &pair[1]];
            let hidden = tanh(self.bridge[i].forward(join(&ahead.hidden, &back.hidden)));
            let cell = ahead.cell.as_ref().zip(back.cell.as_ref());
            let cell = cell.map(|(ahead, back)| self.bridge[layers + i].forward(join(ahead, back)));
            LayerState { hidden, cell }
        });
        State { layers: crossed.collect() }
    }

    /// What the decoder reads: the targets behind their starts.
    fn shifted(&self, targets: &[&[u32]]) -> Shifted {
        let batch = targets.len();
        let time = 1 + targets.iter().map(|target| target.len()).max().unwrap_or(0);
        let mut tokens = vec![0; time * batch];
        for (b, target) in targets.iter().enumerate() {
            for (t, &symbol) in [self.start].iter().chain(*target).enumerate() {
                tokens[t * batch + b] = symbol;
            }
        }
        Shifted { tokens: self.numbers(&tokens), time, batch }
    }

    /// The same with some symbols, starts excepted, in place of which stands what the model would write there.
    fn with_guesses(&self, encoded: &Encoded, read: Shifted) -> Shifted {
        let Shifted { tokens, time, batch } = read;
        if time == 1 {
            return Shifted { tokens, time, batch };
        }
        let before = Shifted { tokens: tokens.clone().narrow(0, 0, (time - 1) * batch), time: time - 1, batch };
        let seen = self.read(encoded, &before).0.swap_dims(0, 1).detach();
        let width = seen.dims()[2];
        let outputs = self.combined(seen.reshape([(time - 1) * batch, width]));
        let guesses = self.logits(outputs).argmax(1).squeeze_dim::<1>(1);
        let guesses = Tensor::cat(vec![tokens.clone().narrow(0, 0, batch), guesses], 0);
        let chance = Distribution::Bernoulli(self.scheduled_sampling);
        let chosen = Tensor::<1>::random([time * batch], chance, &self.device()).bool();
        Shifted { tokens: tokens.mask_where(chosen, guesses), time, batch }
    }

    /// `o` `[N, E]` at the `N` symbols of the targets, their ends included, and these symbols.
    fn forced_outputs(&self, encoded: &Encoded, read: &Shifted, targets: &[&[u32]]) -> (Tensor<2>, Vec<u32>) {
        let sources = encoded.state.batch_size();
        assert!(sources == targets.len(), "{sources} sources and {} targets", targets.len());
        let (seen, _) = self.read(encoded, read);
        let [batch, time, width] = seen.dims();
        let (mut rows, mut wanted) = (Vec::new(), Vec::new());
        for (b, target) in targets.iter().enumerate() {
            rows.extend((0..=target.len()).map(|t| (b * time + t) as u32));
            wanted.extend(target.iter().chain([&self.end]));
        }
        let seen = seen.reshape([batch * time, width]).select(0, self.numbers(&rows));
        (self.combined(seen), wanted)
    }

    /// Reads symbols: `[c_t, h_t]` `[B, T, 2H]`, `h_t` without attention, or `o_t` with input feeding; and the attention
    /// `[B, T, S]`.
    fn read(&self, encoded: &Encoded, read: &Shifted) -> (Tensor<3>, Option<Tensor<3>>) {
        let &Shifted { ref tokens, time, batch } = read;
        let input = self.embed_target(tokens.clone(), time, batch);
        if !self.input_feeding {
            let (hidden, _) = self.decoder.forward_time_major(input, Some(encoded.state.clone()), None);
            return self.look(hidden.swap_dims(0, 1), encoded.memory.as_ref());
        }
        let mut state = encoded.state.clone();
        let mut fed = self.nothing_fed(batch);
        let (mut outputs, mut looks) = (Vec::with_capacity(time), Vec::with_capacity(time));
        let (decoder, words) = self.decoder.unrolled(input);
        for word in words {
            let (output, after, weights) = self.step(word, Some(fed), state, encoded.memory.as_ref(), &decoder);
            outputs.push(output.clone().unsqueeze_dim(1));
            looks.extend(weights);
            (fed, state) = (output, after);
        }
        let weights = (!looks.is_empty()).then(|| Tensor::cat(looks, 1));
        (Tensor::cat(outputs, 1), weights)
    }

    /// One step from the words and, with input feeding, the last outputs: `o` `[B, E]`, the state and the attention
    /// `[B, 1, S]`.
    fn step(
        &self,
        words: KnownInput,
        fed: Option<Tensor<2>>,
        state: State,
        memory: Option<&Memory>,
        decoder: &Unrolled<'_>,
    ) -> (Tensor<2>, State, Option<Tensor<3>>) {
        let (hidden, state) = decoder.step(words, fed, state);
        let (seen, weights) = self.look(hidden.unsqueeze_dim(1), memory);
        (self.output_of(seen.squeeze_dim(1)), state, weights)
    }

    /// `o_0`: zeros.
    fn nothing_fed(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.target_embedding.val().dims()[1]], &self.device())
    }

    /// `o` of what [`read`](Self::read) returns.
    fn combined(&self, seen: Tensor<2>) -> Tensor<2> {
        if self.input_feeding { seen } else { self.output_of(seen) }
    }

    fn output_of(&self, seen: Tensor<2>) -> Tensor<2> {
        dropout(&self.dropout, tanh(self.combine.forward(seen)))
    }

    fn look(&self, hidden: Tensor<3>, memory: Option<&Memory>) -> (Tensor<3>, Option<Tensor<3>>) {
        match memory {
            Some(memory) => {
                let (contexts, weights) = memory.look(hidden.clone());
                (Tensor::cat(vec![contexts, hidden], 2), Some(weights))
            }
            None => (hidden, None),
        }
    }

    /// Vectors `[T, B, E]` of time-major symbols, as `table` has them.
    fn embed(&self, table: &Param<Tensor<2>>, tokens: Tensor<1, Int>, time: usize, batch: usize) -> Tensor<3> {
        let vectors = table.val().select(0, tokens);
        let width = vectors.dims()[1];
        dropout(&self.dropout, vectors.reshape([time, batch, width]))
    }

    /// Vectors `[T, B, E]` of time-major target symbols.
    fn embed_target(&self, tokens: Tensor<1, Int>, time: usize, batch: usize) -> Tensor<3> {
        let vectors = self.embed(&self.target_embedding, tokens, time, batch);
        let width = vectors.dims()[2];
        if self.output.is_none() { vectors * (width as f64).sqrt() } else { vectors }
    }

    /// `[N, V]`.
    fn log_probs(&self, outputs: Tensor<2>) -> Tensor<2> {
        log_softmax(self.logits(outputs), 1)
    }

    fn logits(&self, outputs: Tensor<2>) -> Tensor<2> {
        outputs.matmul(self.output_weight().transpose()) + self.output_bias.val().unsqueeze()
    }

    fn output_weight(&self) -> Tensor<2> {
        self.output.as_ref().unwrap_or(&self.target_embedding).val()
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
