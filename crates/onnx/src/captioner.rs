//! The captioner.
//!
//! | graph | inputs | outputs |
//! |---|---|---|
//! | `cnn` | `images` `[B, 3, H, W]` | `features` `[B, P, F]` |
//! | `encoder` | `features` | `hidden` and `cell` `[L, B, H]`; `memory` `[B, P, D]`, additive also `keys`, or without attention `image` `[B, D]` |
//! | `decoder` | `token` `[B]` and the outputs of the encoder | `logits` `[B, V]`, `next_hidden`, `next_cell`; `attention` `[B, P]`, or without attention `next_image` |
//!
//! Images have red, green and blue from 0 to 1, and the side that the graph states. The `cnn` is there if the image
//! encoder is given: see [`image_encoder`].

mod encoder;

use rekindle_models::captioner::{Captioner, ImageTerm};
use rekindle_rnn::Recurrent;

pub use encoder::image_encoder;

use crate::attention::{Memory, attend, keys};
use crate::graph::{Axis, Element, Graph, Value};
use crate::model::{NamedModel, ToOnnx};
use crate::recurrent::{BATCH, OnnxState, recurrent};
use crate::{OnnxError, Opset};

/// The name of the axis of the places of an image.
const PLACES: Axis = Axis::Named("places");

impl ToOnnx for Captioner {
    /// Those of the encoder and of the decoder.
    fn to_onnx(&self, opset: Opset) -> Result<Vec<NamedModel>, OnnxError> {
        let about = "Prepares the features of images for the decoder.";
        let encoder = NamedModel::new("encoder", about, encoder(self, opset)?);
        let about = "Logits of the next token. The first token is the start token, and the other inputs are those of the \
                     encoder; each next_ output is the input of the next call.";
        let decoder = NamedModel::new("decoder", about, decoder(self, opset)?);
        Ok(vec![encoder, decoder])
    }
}

fn encoder(model: &Captioner, opset: Opset) -> Result<Graph, OnnxError> {
    let mut graph = Graph::new(opset);
    let [features, depth] = model.image.weight.dims();
    let network = &model.recurrent;
    let input = graph.input("features", Element::F32, &[BATCH, PLACES, Axis::Size(features)]);
    let input = if model.is_blind() { graph.scaled(&input, 0.0) } else { input };
    let image = graph.linear("image", &input, &model.image)?;
    let Some(attention) = &model.attention else {
        let vector = graph.mean(&image, 1, false);
        graph.output("image", &vector, Element::F32, &[BATCH, Axis::Size(depth)]);
        let rows = graph.size(&input, 0);
        let zeros = zeros(&mut graph, network, &rows);
        zeros.output_as(&mut graph, network, ["hidden", "cell"]);
        return Ok(graph);
    };
    let shape = [BATCH, PLACES, Axis::Size(depth)];
    let mean = graph.mean(&image, 1, false);
    let mut states = Vec::new();
    for part in model.initial.chunks(network.layers.len()) {
        let first = states.len() * network.layers.len();
        let mut rows = Vec::new();
        for (number, layer) in part.iter().enumerate() {
            let row = graph.linear(&format!("initial.{}", first + number), &mean, layer)?;
            let row = graph.tanh(&row);
            rows.push(graph.unsqueeze(&row, &[0]));
        }
        states.push(graph.concat(&rows.iter().collect::<Vec<_>>(), 0));
    }
    OnnxState::of(states).output_as(&mut graph, network, ["hidden", "cell"]);
    graph.output("memory", &image, Element::F32, &shape);
    if let Some(keys) = keys(&mut graph, attention, &image)? {
        graph.output("keys", &keys, Element::F32, &shape);
    }
    Ok(graph)
}

/// A state of zeros for so many rows, a vector of one number.
fn zeros(graph: &mut Graph, network: &Recurrent, rows: &Value) -> OnnxState {
    let [layers, hidden] = [network.layers.len(), network.hidden_size()].map(|size| graph.ints(&[size as i64]));
    let shape = graph.concat(&[&layers, rows, &hidden], 0);
    let zero = graph.number(0.0);
    let zeros = graph.expand(&zero, &shape);
    OnnxState { cell: network.cell().has_cell_state().then(|| zeros.clone()), hidden: zeros }
}

fn decoder(model: &Captioner, opset: Opset) -> Result<Graph, OnnxError> {
    let mut graph = Graph::new(opset);
    let network = &model.recurrent;
    let [tokens, _] = model.output.dims();
    let [_, depth] = model.image.weight.dims();
    let token = graph.input("token", Element::I64, &[BATCH]);
    let state = OnnxState::input(&mut graph, network);
    let word = match &model.embedding {
        Some(table) => {
            let table = graph.weight("embedding.weight", table.val())?;
            graph.gather(&table, &token)
        }
        None => graph.one_hot(&token, tokens),
    };
    let (outputs, after) = match &model.attention {
        Some(attention) => {
            let shape = [BATCH, PLACES, Axis::Size(depth)];
            let memory = graph.input("memory", Element::F32, &shape);
            let keys = attention.units.is_some().then(|| graph.input("keys", Element::F32, &shape));
            let layers = network.layers.len();
            let last = graph.slice(&state.hidden, 0, layers - 1, layers);
            let before = graph.squeeze(&last, &[0]);
            let attended = Memory { outputs: &memory, keys: keys.as_ref(), valid: None, width: depth };
            let (mut context, weights) = attend(&mut graph, attention, &before, &attended)?;
            graph.output("attention", &weights, Element::F32, &[BATCH, PLACES]);
            if let Some(layer) = &model.gate {
                let gate = graph.linear("gate", &before, layer)?;
                let gate = graph.sigmoid(&gate);
                context = graph.mul(&context, &gate);
            }
            let (hidden, after) = step(&mut graph, network, &[&word, &context], &state)?;
            let seen = graph.concat(&[&word, &hidden, &context], 1);
            let outputs = match &model.combine {
                Some(combine) => {
                    let combined = graph.linear("combine", &seen, combine)?;
                    graph.tanh(&combined)
                }
                None => seen,
            };
            (outputs, after)
        }
        None => {
            let shape = [BATCH, Axis::Size(depth)];
            let image = graph.input("image", Element::F32, &shape);
            // The image enters with the first token only, or with each.
            let next = match model.image_term() {
                ImageTerm::Every => image.clone(),
                ImageTerm::First => graph.scaled(&image, 0.0),
            };
            graph.output("next_image", &next, Element::F32, &shape);
            step(&mut graph, network, &[&word, &image], &state)?
        }
    };
    let weight = model.output.val().transpose();
    let logits = graph.product("output", &outputs, weight, Some(model.output_bias.val()))?;
    graph.output("logits", &logits, Element::F32, &[BATCH, Axis::Size(tokens)]);
    after.output(&mut graph, network);
    Ok(graph)
}

/// One time step on inputs side by side: the hidden state of the last layer, `[B, H]`, and the state.
fn step(
    graph: &mut Graph,
    network: &Recurrent,
    inputs: &[&Value],
    state: &OnnxState,
) -> Result<(Value, OnnxState), OnnxError> {
    let input = graph.concat(inputs, 1);
    let input = graph.unsqueeze(&input, &[0]);
    let (hidden, after) = recurrent(graph, "rnn", network, &input, Some(state), None)?;
    Ok((graph.squeeze(&hidden, &[0]), after))
}
