//! The translator.
//!
//! | graph | inputs | outputs |
//! |---|---|---|
//! | `encoder` | `tokens` `[B, S]`, each with its end; `lengths` `[B]` | `hidden` and `cell` `[L, B, H]`; with attention `memory` `[B, S, H]`, additive also `keys` |
//! | `decoder` | `token` `[B]`, `hidden`, `cell`; with attention `memory`, `keys`, `lengths` | `logits` `[B, V]`, `next_hidden`, `next_cell`; with attention `attention` `[B, S]` |
//!
//! With input feeding the last output is `fed` and `next_fed` `[B, E]`, zeros before the first token.

use burn::module::Param;
use burn::tensor::Tensor;
use rekindle_models::translator::Translator;

use crate::attention::{Memory, attend, keys};
use crate::graph::{Axis, Element, Graph};
use crate::model::{NamedModel, ToOnnx};
use crate::recurrent::{BATCH, OnnxState, recurrent};
use crate::{OnnxError, Opset};

/// The name of the axis of source tokens.
const SOURCE: Axis = Axis::Named("source");

impl ToOnnx for Translator {
    fn to_onnx(&self, opset: Opset) -> Result<Vec<NamedModel>, OnnxError> {
        let about = "Encodes source sentences, each followed by the end token.";
        let encoder = NamedModel::new("encoder", about, encoder(self, opset)?);
        let about = "Logits of the next target token. The first token is the start token, and the first state is that of \
                     the encoder; each next_ output is the input of the next call.";
        let decoder = NamedModel::new("decoder", about, decoder(self, opset)?);
        Ok(vec![encoder, decoder])
    }
}

fn encoder(model: &Translator, opset: Opset) -> Result<Graph, OnnxError> {
    let mut graph = Graph::new(opset);
    let tokens = graph.input("tokens", Element::I64, &[BATCH, SOURCE]);
    let lengths = graph.input("lengths", Element::I64, &[BATCH]);
    let table = graph.weight("source_embedding.weight", model.source_embedding.val())?;
    let time_major = graph.transpose(&tokens, &[1, 0]);
    let input = graph.gather(&table, &time_major);
    let (outputs, last) = recurrent(&mut graph, "encoder", &model.encoder, &input, None, Some(&lengths))?;
    // The bridge: both directions of a layer side by side.
    let layers = model.encoder.layers.len();
    let mut states = Vec::new();
    for (part, value) in last.values().iter().enumerate() {
        let mut rows = Vec::new();
        for layer in 0..layers {
            let both = graph.slice(value, 0, 2 * layer, 2 * layer + 2);
            let both = graph.transpose(&both, &[1, 0, 2]);
            let joined = graph.reshape(&both, &[0, model.encoder.output_size() as i64]);
            let number = part * layers + layer;
            let crossed = graph.linear(&format!("bridge.{number}"), &joined, &model.bridge[number])?;
            let crossed = if part == 0 { graph.tanh(&crossed) } else { crossed };
            rows.push(graph.unsqueeze(&crossed, &[0]));
        }
        states.push(graph.concat(&rows.iter().collect::<Vec<_>>(), 0));
    }
    OnnxState::of(states).output_as(&mut graph, &model.decoder, ["hidden", "cell"]);
    if let Some(attention) = &model.attention {
        let shape = [BATCH, SOURCE, Axis::Size(model.encoder.output_size())];
        let memory = graph.transpose(&outputs, &[1, 0, 2]);
        graph.output("memory", &memory, Element::F32, &shape);
        if let Some(keys) = keys(&mut graph, attention, &memory)? {
            graph.output("keys", &keys, Element::F32, &shape);
        }
    }
    Ok(graph)
}

fn decoder(model: &Translator, opset: Opset) -> Result<Graph, OnnxError> {
    let mut graph = Graph::new(opset);
    let [tokens, embedding] = model.target_embedding.dims();
    let width = model.encoder.output_size();
    let token = graph.input("token", Element::I64, &[BATCH]);
    let state = OnnxState::input(&mut graph, &model.decoder);
    let table = graph.weight("target_embedding.weight", model.target_embedding.val())?;
    let mut input = graph.gather(&table, &token);
    if model.output.is_none() {
        // Tied embeddings are multiplied when read.
        input = graph.scaled(&input, (embedding as f32).sqrt());
    }
    if model.has_input_feeding() {
        let fed = graph.input("fed", Element::F32, &[BATCH, Axis::Size(embedding)]);
        input = graph.concat(&[&input, &fed], 1);
    }
    let input = graph.unsqueeze(&input, &[0]);
    let (hidden, after) = recurrent(&mut graph, "decoder", &model.decoder, &input, Some(&state), None)?;
    let hidden = graph.squeeze(&hidden, &[0]);
    let seen = match &model.attention {
        Some(attention) => {
            let shape = [BATCH, SOURCE, Axis::Size(width)];
            let outputs = graph.input("memory", Element::F32, &shape);
            let keys = attention.units.is_some().then(|| graph.input("keys", Element::F32, &shape));
            let lengths = graph.input("lengths", Element::I64, &[BATCH]);
            let source = graph.size(&outputs, 1);
            let valid = graph.before_end(&source, &lengths);
            let memory = Memory { outputs: &outputs, keys: keys.as_ref(), valid: Some(&valid), width };
            let (context, weights) = attend(&mut graph, attention, &hidden, &memory)?;
            graph.output("attention", &weights, Element::F32, &[BATCH, SOURCE]);
            graph.concat(&[&context, &hidden], 1)
        }
        None => hidden,
    };
    let combined = graph.linear("combine", &seen, &model.combine)?;
    let combined = graph.tanh(&combined);
    let weight: Tensor<2> = model.output.as_ref().map_or_else(|| model.target_embedding.val(), Param::val);
    let logits = graph.product("output", &combined, weight.transpose(), Some(model.output_bias.val()))?;
    graph.output("logits", &logits, Element::F32, &[BATCH, Axis::Size(tokens)]);
    after.output(&mut graph, &model.decoder);
    if model.has_input_feeding() {
        graph.output("next_fed", &combined, Element::F32, &[BATCH, Axis::Size(embedding)]);
    }
    Ok(graph)
}
