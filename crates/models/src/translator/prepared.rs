//! A translator prepared to generate on a CPU: weights are packed once, and a step creates no tensors.

use std::sync::Arc;

use burn::tensor::Tensor;
use rekindle_kernels::step::{PackedLinear, Rows, attend, tanh};
use rekindle_rnn::{Reader, State, StepState, Stepper};

use super::Translator;
use crate::decode::{Step, StepDecoder, StepRows};
use crate::host::{ids, values};
use crate::prepared::packed;

/// The decoder of a [`Translator`], for [`search`](crate::decode::search), and the encoder of single sources.
#[derive(Debug)]
pub(super) struct PreparedWriter {
    /// Reads a single source. Several are faster side by side, for which packing the weights at each call costs little.
    encoder: Reader,
    source_embedding: Tensor<2>,
    /// `[V, E]`: the embeddings of target tokens, as the decoder reads them.
    embeddings: Vec<f32>,
    decoder: Stepper,
    attends: bool,
    /// The query projection; none if the query is the state itself.
    query: Option<PackedLinear>,
    combine: PackedLinear,
    output: PackedLinear,
}

/// The decoder state, the memory that it reads, and the values of the last step.
#[derive(Clone, Debug)]
pub(super) struct PreparedState {
    recurrent: StepState,
    /// The memory of each row's input, `[S, H]`; shared by the rows of an input. Empty without attention.
    memories: Vec<Arc<[f32]>>,
    values: StepValues,
}

/// The values of a step of `N` rows, kept to use their memory again.
#[derive(Clone, Debug, Default)]
struct StepValues {
    /// `[N, E]`: the embeddings of the tokens.
    words: Vec<f32>,
    /// `[N, H]`: the attention queries.
    queries: Vec<f32>,
    /// `[N, S]`: the attention weights.
    attention: Vec<f32>,
    /// `[N, 2H]`: `[c, h]`.
    seen: Vec<f32>,
    /// `[N, E]`: `o`.
    outputs: Vec<f32>,
    /// `[N, V]`
    logits: Vec<f32>,
}

impl PreparedWriter {
    /// `None` if native code does not cover the model: on other backends than the CPU's, in training, for some cells,
    /// with additive attention and with input feeding.
    pub fn new(model: &Translator) -> Option<Self> {
        let attention = model.attention.as_ref();
        if model.input_feeding || attention.is_some_and(|attention| attention.units.is_some()) {
            return None;
        }
        let (encoder, decoder) = (model.encoder.reader()?, model.decoder.rows_stepper()?);
        let query = match attention.and_then(|attention| attention.query.as_ref()) {
            Some(query) => Some(PackedLinear::plain(query.val(), None, Rows::Several)?),
            None => None,
        };
        Some(Self {
            encoder,
            source_embedding: model.source_embedding.val(),
            decoder,
            attends: attention.is_some(),
            query,
            combine: packed(&model.combine, Rows::Several)?,
            output: PackedLinear::new(model.output_weight(), Some(model.output_bias.val()), Rows::Several)?,
            embeddings: values(model.scaled(model.target_embedding.val())),
        })
    }

    /// The initial decoder state of sources.
    pub fn first_state(&self, model: &Translator, sources: &[&[u32]]) -> PreparedState {
        if let [source] = sources {
            let words = source.iter().copied().chain([model.end]);
            let words = self.source_embedding.clone().select(0, ids(words, &self.source_embedding.device()));
            let (outputs, last) = self.encoder.read(&values(words));
            let memories = if self.attends { vec![Arc::from(outputs)] } else { Vec::new() };
            return self.state(&model.cross(last), memories);
        }
        let encoded = model.encode(sources);
        let memories = encoded.memory.map_or_else(Vec::new, |memory| {
            let outputs = memory.outputs();
            let [batch, positions, width] = outputs.dims();
            let outputs = values(outputs);
            let rows = (0..batch).map(|b| {
                // Excludes padding.
                let length = (sources[b].len() + 1).min(positions);
                Arc::from(&outputs[b * positions * width..][..length * width])
            });
            rows.collect()
        });
        self.state(&encoded.state, memories)
    }

    fn state(&self, recurrent: &State, memories: Vec<Arc<[f32]>>) -> PreparedState {
        PreparedState { recurrent: self.decoder.state(recurrent), memories, values: StepValues::default() }
    }
}

/// Writes `[c, h]` `[N, 2H]` of the states `[N, H]` to `seen`, and the attention weights `[N, S]` to `attention`. The
/// queries are the states themselves if there are none.
fn attend_rows(hidden: &[f32], memories: &[Arc<[f32]>], query: Option<&PackedLinear>, values: &mut StepValues) {
    let StepValues { queries, attention, seen, .. } = values;
    let rows = memories.len();
    let width = hidden.len() / rows;
    let queries = match query {
        Some(query) => {
            query.product_into(hidden, queries);
            &queries[..]
        }
        None => hidden,
    };
    let positions = memories.iter().map(|memory| memory.len() / width).max().unwrap_or(0);
    // Zeros at padding.
    attention.clear();
    attention.resize(rows * positions, 0.0);
    seen.resize(rows * 2 * width, 0.0);
    let scale = 1.0 / (width as f32).sqrt();
    for (r, (memory, seen)) in memories.iter().zip(seen.chunks_exact_mut(2 * width)).enumerate() {
        let (context, state) = seen.split_at_mut(width);
        let weights = &mut attention[r * positions..][..memory.len() / width];
        attend(&queries[r * width..][..width], memory, scale, weights, context);
        state.copy_from_slice(&hidden[r * width..][..width]);
    }
}

impl StepDecoder for PreparedWriter {
    type State = PreparedState;

    fn step<'s>(&self, symbols: &[u32], state: &'s mut PreparedState) -> Step<'s> {
        let PreparedState { recurrent, memories, values } = state;
        let width = self.embeddings.len() / self.output.output_size();
        values.words.clear();
        for &symbol in symbols {
            values.words.extend_from_slice(&self.embeddings[symbol as usize * width..][..width]);
        }
        let hidden = self.decoder.step_rows(&values.words, recurrent);
        if self.attends {
            attend_rows(hidden, memories, self.query.as_ref(), values);
            self.combine.product_into(&values.seen, &mut values.outputs);
        } else {
            self.combine.product_into(hidden, &mut values.outputs);
        }
        tanh(&mut values.outputs);
        self.output.product_into(&values.outputs, &mut values.logits);
        let attention = self.attends.then_some(StepRows::Host(&values.attention));
        Step { logits: StepRows::Host(&values.logits), attention }
    }

    fn select_rows(&self, state: &mut PreparedState, rows: &[usize]) {
        if self.attends {
            state.memories = rows.iter().map(|&row| Arc::clone(&state.memories[row])).collect();
        }
        state.recurrent = state.recurrent.select_rows(rows);
    }
}
