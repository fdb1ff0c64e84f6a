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

mod decoder;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use rand::Rng;
use rekindle_rnn::{Cell, Initialization, LayerState, Recurrent, RecurrentConfig, State};

pub use decoder::{DecoderState, Writer};

use crate::attention::{Attention, AttentionKind, Memory};

/// Configuration of a [`Translator`].
#[derive(Config, Debug)]
pub struct TranslatorConfig {
    /// Words of the source language.
    pub source_vocabulary: usize,
    /// Words of the target language, `V`.
    pub target_vocabulary: usize,
    /// `H`: width of the decoder's state; each direction of the encoder has half of it.
    pub hidden_size: usize,
    /// The recurrence.
    pub cell: Cell,
    /// `E`: width of a word's learned vector, and of `o_t`.
    #[config(default = 256)]
    pub embedding_size: usize,
    /// Stacked layers of the encoder and of the decoder.
    #[config(default = 1)]
    pub num_layers: usize,
    /// How the decoder looks at the input.
    #[config(default = "AttentionKind::General")]
    pub attention: AttentionKind,
    /// Use the target words' vectors as output weights too.
    #[config(default = false)]
    pub tied: bool,
    /// Probability of dropping a value: of the words' vectors, between layers, and of `o_t`.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// `ε`: the share of the target's probability that all words have in common while training.
    #[config(default = 0.0)]
    pub label_smoothing: f64,
    /// The symbol that a target begins with.
    #[config(default = 2)]
    pub start: u32,
    /// The symbol that a source and a target end with.
    #[config(default = 3)]
    pub end: u32,
    /// How the recurrent weights begin.
    #[config(default = "Initialization::default()")]
    pub init: Initialization,
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
    label_smoothing: f64,
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

impl TranslatorConfig {
    /// A model with weights drawn from `rng`: the same state of `rng` gives the same weights on every backend.
    ///
    /// # Panics
    ///
    /// When a size is 0 or `hidden_size` is odd.
    pub fn init_with(&self, rng: &mut impl Rng, device: &Device) -> Translator {
        let (hidden, embedding) = (self.hidden_size, self.embedding_size);
        assert!(hidden > 0 && hidden.is_multiple_of(2), "hidden_size {hidden} must be even and above 0");
        let recurrent = |hidden: usize| {
            RecurrentConfig::new(embedding, hidden, self.cell)
                .with_num_layers(self.num_layers)
                .with_dropout(self.dropout)
                .with_init(self.init.clone())
        };
        let source_embedding = crate::init::embedding(self.source_vocabulary, embedding, rng, device);
        let target_embedding = crate::init::embedding(self.target_vocabulary, embedding, rng, device);
        let encoder = recurrent(hidden / 2).with_bidirectional(true).init_with(rng, device);
        let bridges = self.num_layers * if self.cell.has_cell_state() { 2 } else { 1 };
        let bridge = (0..bridges).map(|_| crate::init::linear(hidden, hidden, rng, device)).collect();
        let decoder = recurrent(hidden).init_with(rng, device);
        let attention = Attention::init(self.attention, hidden, hidden, rng, device);
        let seen = if attention.is_some() { 2 * hidden } else { hidden };
        let combine = crate::init::linear(seen, embedding, rng, device);
        let output = (!self.tied).then(|| {
            // Rows are words, so that one table can serve both ends.
            let bound = 1.0 / (embedding as f32).sqrt();
            let values = crate::init::uniform(self.target_vocabulary * embedding, bound, rng);
            Param::from_data(TensorData::new(values, [self.target_vocabulary, embedding]), device)
        });
        let output_bias = Param::from_data(TensorData::zeros::<f32, _>([self.target_vocabulary]), device);
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
            dropout: DropoutConfig::new(self.dropout).init(),
            label_smoothing: self.label_smoothing,
            start: self.start,
            end: self.end,
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
        let (outputs, wanted) = self.forced_outputs(sources, targets);
        let wanted = self.numbers(&wanted);
        let bias = self.output_bias.val();
        crate::smoothed::loss(outputs, self.output_weight(), bias, wanted, self.label_smoothing)
    }

    /// How well given targets are foreseen.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    pub fn score(&self, sources: &[&[u32]], targets: &[&[u32]]) -> Forced {
        let (outputs, wanted) = self.forced_outputs(sources, targets);
        let log_probs = self.log_probs(outputs);
        let likeliest = log_probs.clone().argmax(1);
        let [likeliest, wanted_column] = [likeliest.squeeze_dim::<1>(1), self.numbers(&wanted)];
        let correct = likeliest.equal(wanted_column.clone()).int().sum().into_scalar::<i64>();
        let chosen = log_probs.gather(1, wanted_column.unsqueeze_dim(1)).into_data().convert::<f32>();
        let mut chosen = chosen.try_to_vec::<f32>().expect("converted to f32").into_iter().map(f64::from);
        let log_probs = targets.iter().map(|target| chosen.by_ref().take(target.len() + 1).sum()).collect();
        Forced { log_probs, symbols: wanted.len() as u64, correct: correct as u64 }
    }

    /// The attention that each symbol of a target, its end included, pays to each symbol of the source, its end included:
    /// rows of a table; none without attention.
    pub fn alignment(&self, source: &[u32], target: &[u32]) -> Option<Vec<Vec<f32>>> {
        let encoded = self.encode(&[source]);
        let (_, weights) = self.read_targets(&encoded, &[target]);
        let weights = weights?;
        let positions = weights.dims()[2];
        let numbers = weights.into_data().convert::<f32>().try_to_vec::<f32>().expect("converted to f32");
        Some(numbers.chunks(positions).map(<[f32]>::to_vec).collect())
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
        let input = self.embed(&self.source_embedding, &tokens, time, batch);
        let (outputs, last) = self.encoder.forward_time_major(input, None, Some(&lengths));
        let memory = self.attention.as_ref().map(|attention| {
            let padding: Vec<bool> = lengths.iter().flat_map(|&l| (0..time).map(move |t| t >= l)).collect();
            let padding = Tensor::<2, Bool>::from_data(TensorData::new(padding, [batch, time]), &self.device());
            attention.memory(outputs.swap_dims(0, 1), padding)
        });
        Encoded { state: self.cross(last), memory }
    }

    /// The bridge, from the encoder's last states to the decoder's first.
    fn cross(&self, last: State) -> State {
        let layers = last.layers.len() / 2;
        let join = |a: &Tensor<2>, b: &Tensor<2>| Tensor::cat(vec![a.clone(), b.clone()], 1);
        let crossed = last.layers.chunks(2).enumerate().map(|(i, pair)| {
            let [ahead, back] = [&pair[0], &pair[1]];
            let hidden = self.bridge[i].forward(join(&ahead.hidden, &back.hidden)).tanh();
            let cell = ahead.cell.as_ref().zip(back.cell.as_ref());
            let cell = cell.map(|(ahead, back)| self.bridge[layers + i].forward(join(ahead, back)));
            LayerState { hidden, cell }
        });
        State { layers: crossed.collect() }
    }

    /// `o` `[N, E]` at the `N` symbols of the targets, their ends included, and these symbols.
    fn forced_outputs(&self, sources: &[&[u32]], targets: &[&[u32]]) -> (Tensor<2>, Vec<u32>) {
        assert!(sources.len() == targets.len(), "{} sources and {} targets", sources.len(), targets.len());
        let encoded = self.encode(sources);
        let (seen, _) = self.read_targets(&encoded, targets);
        let [batch, time, width] = seen.dims();
        let (mut rows, mut wanted) = (Vec::new(), Vec::new());
        for (b, target) in targets.iter().enumerate() {
            rows.extend((0..=target.len()).map(|t| (b * time + t) as u32));
            wanted.extend(target.iter().chain([&self.end]));
        }
        let seen = seen.reshape([batch * time, width]).select(0, self.numbers(&rows));
        (self.dropout.forward(self.combine.forward(seen).tanh()), wanted)
    }

    /// Reads the targets behind their starts: `[c_t, h_t]` `[B, T, 2H]`, or `h_t` without attention, and the attention
    /// `[B, T, S]`.
    fn read_targets(&self, encoded: &Encoded, targets: &[&[u32]]) -> (Tensor<3>, Option<Tensor<3>>) {
        let batch = targets.len();
        let time = 1 + targets.iter().map(|target| target.len()).max().unwrap_or(0);
        let mut tokens = vec![0; time * batch];
        for (b, target) in targets.iter().enumerate() {
            for (t, &symbol) in [self.start].iter().chain(*target).enumerate() {
                tokens[t * batch + b] = symbol;
            }
        }
        let input = self.embed(&self.target_embedding, &tokens, time, batch);
        let (hidden, _) = self.decoder.forward_time_major(input, Some(encoded.state.clone()), None);
        self.look(hidden.swap_dims(0, 1), encoded.memory.as_ref())
    }

    fn look(&self, hidden: Tensor<3>, memory: Option<&Memory>) -> (Tensor<3>, Option<Tensor<3>>) {
        match (&self.attention, memory) {
            (Some(attention), Some(memory)) => {
                let (contexts, weights) = attention.forward(hidden.clone(), memory);
                (Tensor::cat(vec![contexts, hidden], 2), Some(weights))
            }
            _ => (hidden, None),
        }
    }

    /// Vectors `[T, B, E]` of time-major tokens.
    fn embed(&self, table: &Param<Tensor<2>>, tokens: &[u32], time: usize, batch: usize) -> Tensor<3> {
        let vectors = table.val().select(0, self.numbers(tokens));
        let width = vectors.dims()[1];
        self.dropout.forward(vectors.reshape([time, batch, width]))
    }

    /// `[N, V]`.
    fn log_probs(&self, outputs: Tensor<2>) -> Tensor<2> {
        let bias = self.output_bias.val().unsqueeze();
        log_softmax(outputs.matmul(self.output_weight().transpose()) + bias, 1)
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
