//! A layer as a loop of plain operators.

use burn::module::Param;
use rekindle_rnn::{Layer, Weight};

use super::cells::Weights;
use super::{BATCH, OnnxState};
use crate::OnnxError;
use crate::graph::{Axis, Element, Graph, Loop, Value};

/// Runs `layer` over `input` `[T, B, I]`: hidden states `[T, B, H]` and the final state, `[1, B, H]`.
///
/// What does not depend on the state is computed for all time steps before the loop. `within` `[T, B, 1]` says which
/// steps belong to a row.
pub(super) fn append(
    graph: &mut Graph,
    name: &str,
    layer: &Layer,
    input: &Value,
    state: Option<&OnnxState>,
    within: Option<&Value>,
    reverse: bool,
) -> Result<(Value, OnnxState), OnnxError> {
    let hidden = Axis::Size(layer.hidden_size());
    let weights = Weights::new(graph, name, layer)?;
    let (projected, width) = weights.project(graph, input);
    let states = match state {
        Some(state) => state.values().iter().map(|value| graph.squeeze(value, &[0])).collect(),
        None => {
            let rows = graph.size(input, 1);
            let zeros = graph.zeros(&rows, layer.hidden_size());
            vec![zeros; if layer.cell().has_cell_state() { 2 } else { 1 }]
        }
    };
    let states: Vec<_> = states.into_iter().map(|value| (value, vec![BATCH, hidden])).collect();
    let mut inputs = vec![(projected, Element::F32, vec![BATCH, Axis::Size(width)])];
    inputs.extend(within.map(|within| (within.clone(), Element::Bool, vec![BATCH, Axis::Size(1)])));
    let [of_hidden, of_cell] = layer.zoneout();
    let (last, outputs) = graph.repeat(Loop { states: &states, inputs: &inputs, reverse }, |graph, before, read| {
        let after = weights.step(graph, &read[0], before);
        let mut after: Vec<Value> = after
            .iter()
            .zip(before)
            .zip([of_hidden, of_cell])
            .map(|((after, before), share)| zoned(graph, share, before, after))
            .collect();
        let mut output = after[0].clone();
        if let Some(within) = read.get(1) {
            let zero = graph.number(0.0);
            output = graph.choose(within, &output, &zero);
            after = after.iter().zip(before).map(|(after, before)| graph.choose(within, after, before)).collect();
        }
        Ok((after, vec![(output, vec![BATCH, hidden])]))
    })?;
    let state = OnnxState::of(last.iter().map(|value| graph.unsqueeze(value, &[0])));
    let output = outputs.into_iter().next().expect("the body has one output");
    Ok((output, state))
}

/// `before + (1 - share) (after - before)`: zoneout outside of training (Krueger et al. 2017, arXiv 1606.01305).
fn zoned(graph: &mut Graph, share: f64, before: &Value, after: &Value) -> Value {
    if share == 0.0 {
        return after.clone();
    }
    let change = graph.sub(after, before);
    let change = graph.scaled(&change, (1.0 - share) as f32);
    graph.add(before, &change)
}

/// Adds the weights of `layer` to the graph, matrices transposed.
pub(super) fn weights_of(
    graph: &mut Graph,
    name: &str,
    layer: &Layer,
) -> Result<Vec<(&'static str, Value)>, OnnxError> {
    let mut values = Vec::new();
    for (part, weight) in layer.weights() {
        let name = format!("{name}.{part}");
        let value = match weight {
            Weight::Matrix(matrix) => graph.weight(&name, Param::val(matrix).transpose())?,
            Weight::Vector(vector) => graph.weight(&name, vector.val())?,
        };
        values.push((part, value));
    }
    Ok(values)
}
