//! The convolutional networks that encode images.

use rekindle_kernels::convolution::Activation;
use rekindle_models::captioner::encoder::{
    Block, Convolution, EfficientNetLite0, Encoder, EncoderConfig, SmallCnn, Vgg, View,
};

use crate::graph::{Attribute, Axis, Element, Graph, Value};
use crate::model::NamedModel;
use crate::recurrent::BATCH;
use crate::{OnnxError, Opset};

/// The graph `cnn`, from images to the features that a captioner reads. `config` is that of `encoder`.
///
/// # Errors
///
/// When the device fails, or a weight is not finite.
pub fn image_encoder(
    encoder: &Encoder,
    config: &EncoderConfig,
    view: View,
    opset: Opset,
) -> Result<NamedModel, OnnxError> {
    let (side, [_, width]) = (config.side, config.shape(view));
    let mut graph = Graph::new(opset);
    let images = graph.input("images", Element::F32, &[BATCH, Axis::Size(3), Axis::Size(side), Axis::Size(side)]);
    let [mean, deviation] = encoder.kind().standard();
    let mean = graph.weight_of("standard.mean", &[1, 3, 1, 1], &mean)?;
    let deviation = graph.weight_of("standard.deviation", &[1, 3, 1, 1], &deviation)?;
    let centred = graph.sub(&images, &mean);
    let images = graph.div(&centred, &deviation);
    let map = match encoder {
        Encoder::Small(network) => small(&mut graph, network, &images, side)?,
        Encoder::EfficientNetLite0(network) => efficient(&mut graph, network, &images)?,
        Encoder::Vgg16(network) | Encoder::Vgg19(network) => vgg(&mut graph, network, &images)?,
    };
    let features = match (view, encoder) {
        (View::Map, _) => pillars(&mut graph, &map),
        (View::Vector, Encoder::Small(network)) => {
            let flat = flat(&mut graph, &map);
            let vector = graph.linear("output", &flat, &network.output)?;
            let vector = graph.relu(&vector);
            graph.unsqueeze(&vector, &[1])
        }
        (View::Vector, Encoder::EfficientNetLite0(_)) => {
            let pillars = pillars(&mut graph, &map);
            graph.mean(&pillars, 1, true)
        }
        (View::Vector, Encoder::Vgg16(network) | Encoder::Vgg19(network)) => {
            let pooled = halved(&mut graph, &map);
            let mut vector = flat(&mut graph, &pooled);
            for (name, layer) in [("first", &network.first), ("second", &network.second)] {
                let sums = graph.linear(name, &vector, layer)?;
                vector = graph.relu(&sums);
            }
            graph.unsqueeze(&vector, &[1])
        }
    };
    graph.output("features", &features, Element::F32, &[BATCH, Axis::Named("places"), Axis::Size(width)]);
    let about = "Features of images: red, green and blue from 0 to 1.";
    Ok(NamedModel::new("cnn", about, graph))
}

fn small(graph: &mut Graph, network: &SmallCnn, images: &Value, side: usize) -> Result<Value, OnnxError> {
    let places = graph.weight_of("places", &[1, 2, side, side], &SmallCnn::places(side, side))?;
    let batch = graph.size(images, 0);
    let rest = graph.ints(&[2, side as i64, side as i64]);
    let shape = graph.concat(&[&batch, &rest], 0);
    let places = graph.expand(&places, &shape);
    let mut map = graph.concat(&[images, &places], 1);
    for (number, layer) in network.convolutions.iter().enumerate() {
        map = convolved(graph, &format!("convolutions.{number}"), layer, &map, Activation::Relu)?;
    }
    Ok(map)
}

fn efficient(graph: &mut Graph, network: &EfficientNetLite0, images: &Value) -> Result<Value, OnnxError> {
    let mut map = convolved(graph, "stem", &network.stem, images, Activation::Relu6)?;
    for (number, block) in network.blocks.iter().enumerate() {
        map = residual(graph, &format!("blocks.{number}"), block, &map)?;
    }
    convolved(graph, "head", &network.head, &map, Activation::Relu6)
}

fn residual(graph: &mut Graph, name: &str, block: &Block, input: &Value) -> Result<Value, OnnxError> {
    let wide = match &block.expand {
        Some(expand) => convolved(graph, &format!("{name}.expand"), expand, input, Activation::Relu6)?,
        None => input.clone(),
    };
    let wide = convolved(graph, &format!("{name}.depthwise"), &block.depthwise, &wide, Activation::Relu6)?;
    let narrow = convolved(graph, &format!("{name}.project"), &block.project, &wide, Activation::Identity)?;
    Ok(if block.has_skip() { graph.add(&narrow, input) } else { narrow })
}

fn vgg(graph: &mut Graph, network: &Vgg, images: &Value) -> Result<Value, OnnxError> {
    let mut map = images.clone();
    let mut convolutions = network.convolutions.iter().enumerate();
    for (level, count) in network.counts().into_iter().enumerate() {
        if level > 0 {
            map = halved(graph, &map);
        }
        for (number, layer) in convolutions.by_ref().take(count) {
            map = convolved(graph, &format!("convolutions.{number}"), layer, &map, Activation::Relu)?;
        }
    }
    Ok(map)
}

/// `activation` of a convolution whose padding keeps the size, divided by the stride and rounded up.
fn convolved(
    graph: &mut Graph,
    name: &str,
    layer: &Convolution,
    map: &Value,
    activation: Activation,
) -> Result<Value, OnnxError> {
    let [_, _, kernel, _] = layer.weight.dims();
    let weight = graph.weight(&format!("{name}.weight"), layer.weight.val())?;
    let bias = graph.weight(&format!("{name}.bias"), layer.bias.val())?;
    let attributes = vec![
        // As here, an odd padding has one more at the right and at the lower edge.
        Attribute::Text("auto_pad", "SAME_UPPER"),
        Attribute::Ints("kernel_shape", vec![kernel as i64; 2]),
        Attribute::Ints("strides", vec![layer.stride() as i64; 2]),
        Attribute::Int("group", layer.groups() as i64),
    ];
    let map = graph.node("Conv", &[map, &weight, &bias], attributes);
    Ok(match activation {
        Activation::Identity => map,
        Activation::Relu => graph.relu(&map),
        Activation::Relu6 => graph.clip(&map, 0.0, 6.0),
    })
}

fn halved(graph: &mut Graph, map: &Value) -> Value {
    let attributes = vec![Attribute::Ints("kernel_shape", vec![2; 2]), Attribute::Ints("strides", vec![2; 2])];
    graph.node("MaxPool", &[map], attributes)
}

fn flat(graph: &mut Graph, map: &Value) -> Value {
    graph.node("Flatten", &[map], vec![Attribute::Int("axis", 1)])
}

/// Rearranges `[B, F, H, W]` to `[B, H W, F]`.
fn pillars(graph: &mut Graph, map: &Value) -> Value {
    let columns = graph.reshape(map, &[0, 0, -1]);
    graph.transpose(&columns, &[0, 2, 1])
}
