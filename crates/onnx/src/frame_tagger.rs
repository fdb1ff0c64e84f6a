//! The tagger of frames.
//!
//! | graph | inputs | outputs |
//! |---|---|---|
//! | `model` | `frames` `[B, T, F]`, `hidden` and `cell` `[L, B, H]` | `logits` `[B, T, C]`, `next_hidden`, `next_cell` |
//! | the same, bidirectional | `frames`, `lengths` `[B]` | `logits` |
//! | the same, without a cell | `frames` | `logits` |
//!
//! With feedback the classes said last are `said` and `next_said` `[B, C]`.

use burn::nn::conv::Conv2d;
use rekindle_models::frame_tagger::{FrameEncoder, FrameInput, FrameTagger, PixelEncoder};
use rekindle_rnn::Recurrent;

use crate::graph::{Attribute, Axis, Element, Graph, Loop, Value};
use crate::model::{NamedModel, ToOnnx};
use crate::recurrent::{BATCH, OnnxState, TIME, recurrent, shape};
use crate::{OnnxError, Opset};

/// What is done to features before a tagger reads them: `(x - mean) / deviation`, and a limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standardized {
    /// `[F]`.
    pub mean: Vec<f32>,
    /// `[F]`; a feature with a deviation of 0 becomes 0.
    pub deviation: Vec<f32>,
    /// Values beyond this are clipped to it.
    pub limit: Option<f32>,
}

impl Standardized {
    fn append(&self, graph: &mut Graph, frames: &Value, width: usize) -> Result<Value, OnnxError> {
        for found in [self.mean.len(), self.deviation.len()] {
            if found != width {
                return Err(OnnxError::Features { wanted: width, found });
            }
        }
        let mean = graph.weight_of("standardized.mean", &[width], &self.mean)?;
        // Divisions by these numbers, so that the results are those of the training data to the bit.
        let divisors: Vec<f32> = self.deviation.iter().map(|&d| if d > 0.0 { d } else { 1.0 }).collect();
        let varies: Vec<f32> = self.deviation.iter().map(|&d| f32::from(u8::from(d > 0.0))).collect();
        let divisors = graph.weight_of("standardized.deviation", &[width], &divisors)?;
        let centred = graph.sub(frames, &mean);
        let mut values = graph.div(&centred, &divisors);
        if varies.contains(&0.0) {
            let varies = graph.weight_of("standardized.varies", &[width], &varies)?;
            values = graph.mul(&values, &varies);
        }
        Ok(match self.limit {
            Some(limit) => graph.clip(&values, -limit, limit),
            None => values,
        })
    }
}

impl ToOnnx for FrameTagger {
    fn to_onnx(&self, opset: Opset) -> Result<Vec<NamedModel>, OnnxError> {
        frame_tagger(self, None, opset)
    }
}

/// A tagger of raw features, which the graph standardises first.
///
/// # Errors
///
/// As [`ToOnnx::to_onnx`], and when `standardized` is of another number of features.
pub fn frame_tagger(
    model: &FrameTagger,
    standardized: Option<&Standardized>,
    opset: Opset,
) -> Result<Vec<NamedModel>, OnnxError> {
    let mut graph = Graph::new(opset);
    let width = model.input().size();
    let frames = graph.input("frames", Element::F32, &[BATCH, TIME, Axis::Size(width)]);
    let frames = match standardized {
        Some(standardized) => standardized.append(&mut graph, &frames, width)?,
        None => frames,
    };
    let encoded = match &model.encoder {
        Some(encoder) => encoded(&mut graph, encoder, &frames)?,
        None => frames,
    };
    let classes = [BATCH, TIME, Axis::Size(model.classes())];
    let Some(network) = &model.recurrent else {
        let logits = head(&mut graph, model, &encoded)?;
        graph.output("logits", &logits, Element::F32, &classes);
        let about = "Logits of the classes of each frame, by itself.";
        return Ok(vec![NamedModel::new("model", about, graph)]);
    };
    let input = graph.transpose(&encoded, &[1, 0, 2]);
    if !model.is_online() {
        let lengths = graph.input("lengths", Element::I64, &[BATCH]);
        let (hidden, _) = recurrent(&mut graph, "rnn", network, &input, None, Some(&lengths))?;
        let logits = logits(&mut graph, model, &hidden)?;
        graph.output("logits", &logits, Element::F32, &classes);
        let about = "Logits of the classes of each frame of whole clips. Past its length a row is padding.";
        return Ok(vec![NamedModel::new("model", about, graph)]);
    }
    let state = OnnxState::input(&mut graph, network);
    let (found, after) = if model.has_feedback() {
        let said = graph.input("said", Element::F32, &[BATCH, Axis::Size(model.classes())]);
        let (found, after, said) = with_feedback(&mut graph, model, network, &input, &state, &said)?;
        graph.output("next_said", &said, Element::F32, &[BATCH, Axis::Size(model.classes())]);
        (found, after)
    } else {
        let (hidden, after) = recurrent(&mut graph, "rnn", network, &input, Some(&state), None)?;
        (logits(&mut graph, model, &hidden)?, after)
    };
    graph.output("logits", &found, Element::F32, &classes);
    after.output(&mut graph, network);
    let about = "Logits of the classes of each frame. The state of a new clip is zeros; each next_ output is the input of \
                 the next call.";
    Ok(vec![NamedModel::new("model", about, graph)])
}

/// Logits `[B, T, C]` from hidden states `[T, B, F]`.
fn logits(graph: &mut Graph, model: &FrameTagger, hidden: &Value) -> Result<Value, OnnxError> {
    let hidden = graph.transpose(hidden, &[1, 0, 2]);
    head(graph, model, &hidden)
}

/// Logits `[.., C]` from hidden states `[.., F]`.
fn head(graph: &mut Graph, model: &FrameTagger, hidden: &Value) -> Result<Value, OnnxError> {
    let mut last = hidden.clone();
    for (number, layer) in model.head.iter().enumerate() {
        let sums = graph.linear(&format!("head.{number}"), &last, layer)?;
        last = graph.relu(&sums);
    }
    graph.linear("output", &last, &model.output)
}

/// Logits `[B, T, C]`, the state and the class said last, where each step reads the class said before.
fn with_feedback(
    graph: &mut Graph,
    model: &FrameTagger,
    network: &Recurrent,
    input: &Value,
    state: &OnnxState,
    said: &Value,
) -> Result<(Value, OnnxState, Value), OnnxError> {
    let classes = Axis::Size(model.classes());
    let states: Vec<(Value, Vec<Axis>)> = state
        .values()
        .into_iter()
        .map(|value| (value, shape(network).to_vec()))
        .chain([(said.clone(), vec![BATCH, classes])])
        .collect();
    let width = network.input_size() - model.classes();
    let inputs = [(input.clone(), Element::F32, vec![BATCH, Axis::Size(width)])];
    let repeated = Loop { states: &states, inputs: &inputs, reverse: false };
    let (mut last, outputs) = graph.repeat(repeated, |graph, before, read| {
        let (said, before) = before.split_last().expect("the class said last is part of the state");
        let step = graph.concat(&[&read[0], said], 1);
        let step = graph.unsqueeze(&step, &[0]);
        let before = OnnxState::of(before.to_vec());
        let (hidden, after) = recurrent(graph, "rnn", network, &step, Some(&before), None)?;
        let hidden = graph.squeeze(&hidden, &[0]);
        let logits = head(graph, model, &hidden)?;
        let best = graph.node("ArgMax", &[&logits], vec![Attribute::Int("axis", 1), Attribute::Int("keepdims", 0)]);
        let said = graph.one_hot(&best, model.classes());
        let after = after.values().into_iter().chain([said]).collect();
        Ok((after, vec![(logits, vec![BATCH, classes])]))
    })?;
    let said = last.pop().expect("the class said last is part of the state");
    let found = outputs.into_iter().next().expect("the body has one output");
    Ok((graph.transpose(&found, &[1, 0, 2]), OnnxState::of(last), said))
}

/// Encoded frames `[B, T, E]`.
fn encoded(graph: &mut Graph, encoder: &FrameEncoder, frames: &Value) -> Result<Value, OnnxError> {
    match encoder {
        FrameEncoder::Features(layer) => {
            let sums = graph.linear("encoder", frames, layer)?;
            Ok(graph.relu(&sums))
        }
        FrameEncoder::Pixels(pixels) => {
            let FrameInput::Pixels { channels, height, width } = encoder.input() else {
                unreachable!("an encoder of pixels reads pixels")
            };
            pictures(graph, pixels, [channels, height, width].map(|size| size as i64), frames)
        }
    }
}

fn pictures(graph: &mut Graph, encoder: &PixelEncoder, shape: [i64; 3], frames: &Value) -> Result<Value, OnnxError> {
    let mut map = graph.reshape(frames, &[-1, shape[0], shape[1], shape[2]]);
    for (number, convolution) in encoder.convolutions.iter().enumerate() {
        map = convolved(graph, &format!("encoder.convolutions.{number}"), convolution, &map)?;
    }
    let flat = graph.node("Flatten", &[&map], vec![Attribute::Int("axis", 1)]);
    let sums = graph.linear("encoder.output", &flat, &encoder.output)?;
    let vectors = graph.relu(&sums);
    // [B T, E] to [B, T, E]
    let [batch, time] = [0, 1].map(|axis| graph.size(frames, axis));
    let rest = graph.ints(&[-1]);
    let shape = graph.concat(&[&batch, &time, &rest], 0);
    Ok(graph.node("Reshape", &[&vectors, &shape], Vec::new()))
}

/// ReLU of the convolution, of 3 by 3 with stride 2.
fn convolved(graph: &mut Graph, name: &str, layer: &Conv2d, map: &Value) -> Result<Value, OnnxError> {
    let weight = graph.weight(&format!("{name}.weight"), layer.weight.val())?;
    let bias = layer.bias.as_ref().expect("the convolutions have biases").val();
    let bias = graph.weight(&format!("{name}.bias"), bias)?;
    let attributes = vec![
        Attribute::Ints("kernel_shape", layer.weight.dims()[2..].iter().map(|&side| side as i64).collect()),
        Attribute::Ints("strides", vec![2, 2]),
        Attribute::Ints("pads", vec![1; 4]),
    ];
    let map = graph.node("Conv", &[map, &weight, &bias], attributes);
    Ok(graph.relu(&map))
}
