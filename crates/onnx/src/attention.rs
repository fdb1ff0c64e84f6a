//! Attention of a decoder's step.

use burn::tensor::Tensor;
use rekindle_models::attention::{Additive, Attention};

use crate::OnnxError;
use crate::graph::{Graph, Value};

/// The keys of additive attention, `U s_s` `[B, S, F]`; none for the other kinds.
pub(crate) fn keys(graph: &mut Graph, attention: &Attention, outputs: &Value) -> Result<Option<Value>, OnnxError> {
    let Some(Additive { key, .. }) = &attention.units else { return Ok(None) };
    graph.product("attention.key", outputs, key.val(), None).map(Some)
}

/// What a step attends to.
pub(crate) struct Memory<'a> {
    /// `[B, S, F]`.
    pub outputs: &'a Value,
    /// Those of [`keys`].
    pub keys: Option<&'a Value>,
    /// Whether a place belongs to its row, `[B, S]`; all do if none.
    pub valid: Option<&'a Value>,
    /// `F`.
    pub width: usize,
}

/// The context `[B, F]` and the weights `[B, S]` of the states `[B, H]`.
pub(crate) fn attend(
    graph: &mut Graph,
    attention: &Attention,
    state: &Value,
    memory: &Memory<'_>,
) -> Result<(Value, Value), OnnxError> {
    let query = match &attention.query {
        Some(query) => graph.product("attention.query", state, query.val(), None)?,
        None => state.clone(),
    };
    let query = graph.unsqueeze(&query, &[1]);
    let scores = match (&attention.units, memory.keys) {
        (Some(Additive { value, .. }), Some(keys)) => {
            let units = graph.add(&query, keys);
            let units = graph.tanh(&units);
            let value: Tensor<2> = value.val();
            let scores = graph.product("attention.value", &units, value, None)?;
            graph.squeeze(&scores, &[2])
        }
        _ => {
            let turned = graph.transpose(memory.outputs, &[0, 2, 1]);
            let scores = graph.matmul(&query, &turned);
            let scores = graph.squeeze(&scores, &[1]);
            graph.scaled(&scores, 1.0 / (memory.width as f32).sqrt())
        }
    };
    let scores = match memory.valid {
        Some(valid) => graph.or_never(valid, &scores),
        None => scores,
    };
    let weights = graph.softmax(&scores, 1);
    let row = graph.unsqueeze(&weights, &[1]);
    let context = graph.matmul(&row, memory.outputs);
    Ok((graph.squeeze(&context, &[1]), weights))
}
