//! A translator prepared to generate on a CPU: weights are packed once, with few tensors within a step.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use rekindle_kernels::step::{PackedLinear, Rows, attend, tanh};
use rekindle_rnn::{StepState, Stepper};

use super::Translator;
use crate::decode::{Step, StepDecoder};
use crate::host::{ids, values};
use crate::prepared::packed;

/// The decoder of a [`Translator`], for [`search`](crate::decode::search).
#[derive(Debug)]
pub(super) struct PreparedWriter<'m> {
    model: &'m Translator,
    device: Device,
    decoder: Stepper,
    attends: bool,
    /// The query projection; none if the query is the state itself.
    query: Option<PackedLinear>,
    combine: PackedLinear,
    output: PackedLinear,
}

/// The decoder state, and the memory that it reads.
#[derive(Clone, Debug)]
pub(super) struct PreparedState {
    recurrent: StepState,
    /// The memory of each row's input, `[S, H]`; shared by the rows of an input.
    memories: Vec<Arc<[f32]>>,
}

impl<'m> PreparedWriter<'m> {
    /// `None` if native code does not cover the model: on other backends than the CPU's, in training, for some cells,
    /// with additive attention and with input feeding.
    pub fn new(model: &'m Translator) -> Option<Self> {
        let attention = model.attention.as_ref();
        if model.input_feeding || attention.is_some_and(|attention| attention.units.is_some()) {
            return None;
        }
        let decoder = model.decoder.rows_stepper()?;
        let query = match attention.and_then(|attention| attention.query.as_ref()) {
            Some(query) => Some(PackedLinear::plain(query.val(), None, Rows::Several)?),
            None => None,
        };
        Some(Self {
            model,
            device: model.device(),
            decoder,
            attends: attention.is_some(),
            query,
            combine: packed(&model.combine, Rows::Several)?,
            output: PackedLinear::new(model.output_weight(), Some(model.output_bias.val()), Rows::Several)?,
        })
    }

    /// The initial decoder state of sources.
    pub fn first_state(&self, sources: &[&[u32]]) -> PreparedState {
        let encoded = self.model.encode(sources);
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
        PreparedState { recurrent: self.decoder.state(&encoded.state), memories }
    }

    /// `[c, h]` `[N, 2H]` of the states `[N, H]`, and the attention weights `[N, S]`.
    fn attend(&self, hidden: &[f32], memories: &[Arc<[f32]>]) -> (Vec<f32>, Tensor<2>) {
        let rows = memories.len();
        let width = hidden.len() / rows;
        let projected = self.query.as_ref().map(|query| query.product(hidden));
        let queries = projected.as_deref().unwrap_or(hidden);
        let positions = memories.iter().map(|memory| memory.len() / width).max().unwrap_or(0);
        let mut weights = vec![0.0; rows * positions];
        let mut seen = vec![0.0; rows * 2 * width];
        let scale = 1.0 / (width as f32).sqrt();
        for (r, (memory, seen)) in memories.iter().zip(seen.chunks_exact_mut(2 * width)).enumerate() {
            let (context, state) = seen.split_at_mut(width);
            let weights = &mut weights[r * positions..][..memory.len() / width];
            attend(&queries[r * width..][..width], memory, scale, weights, context);
            state.copy_from_slice(&hidden[r * width..][..width]);
        }
        (seen, Tensor::from_data(TensorData::new(weights, [rows, positions]), &self.device))
    }
}

impl StepDecoder for PreparedWriter<'_> {
    type State = PreparedState;

    fn step(&self, symbols: &[u32], mut state: PreparedState) -> (Step, PreparedState) {
        let words = values(self.model.embed_target(ids(symbols.iter().copied(), &self.device), 1, symbols.len()));
        let hidden = self.decoder.step_rows(&words, &mut state.recurrent);
        let (mut outputs, attention) = if self.attends {
            let (seen, attention) = self.attend(hidden, &state.memories);
            (self.combine.product(&seen), Some(attention))
        } else {
            (self.combine.product(hidden), None)
        };
        tanh(&mut outputs);
        let logits = self.output.product(&outputs);
        let vocabulary = logits.len() / symbols.len();
        let logits = Tensor::from_data(TensorData::new(logits, [symbols.len(), vocabulary]), &self.device);
        (Step { logits, attention }, state)
    }

    fn select_rows(&self, state: PreparedState, rows: &[usize]) -> PreparedState {
        let memories =
            if self.attends { rows.iter().map(|&row| Arc::clone(&state.memories[row])).collect() } else { Vec::new() };
        PreparedState { recurrent: state.recurrent.select_rows(rows), memories }
    }
}
