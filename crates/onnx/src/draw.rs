//! DRAW: the decoder, which makes images of noise.
//!
//! | graph | inputs | outputs |
//! |---|---|---|
//! | `decoder` | `noise` `[T, B, Z]` from `N(0, I)` | `images` `[T, B, C, H, W]`: `σ` of the canvas after each glimpse |

use rekindle_kernels::glimpse::{Grid, LOG_BOUND};
use rekindle_models::draw::Draw;

use crate::graph::{Attribute, Axis, Element, Graph, Value};
use crate::model::{NamedModel, ToOnnx};
use crate::recurrent::{BATCH, OnnxState, layer};
use crate::{OnnxError, Opset};

impl ToOnnx for Draw {
    fn to_onnx(&self, opset: Opset) -> Result<Vec<NamedModel>, OnnxError> {
        let mut graph = Graph::new(opset);
        let settings = self.settings();
        let [channels, height, width] = self.shape().dims();
        let steps = Axis::Size(settings.glimpses);
        let noise = graph.input("noise", Element::F32, &[steps, BATCH, Axis::Size(settings.latent)]);
        let batch = graph.size(&noise, 1);
        let start = graph.weight("decoder_start", self.decoder_start.val())?;
        let states = [0, 1].map(|part| {
            let row = graph.slice(&start, 0, part, part + 1);
            let row = graph.unsqueeze(&row, &[0]);
            let (one, hidden) = (graph.ints(&[1]), graph.ints(&[settings.hidden as i64]));
            let shape = graph.concat(&[&one, &batch, &hidden], 0);
            graph.expand(&row, &shape)
        });
        // The decoder reads noise only, so that its steps do not wait for the canvas.
        let (hidden, _) = layer(&mut graph, "decoder", &self.decoder, &noise, Some(&OnnxState::of(states)))?;
        let mut written = graph.linear("write", &hidden, &self.write)?;
        if let (Some(window), Some(grid)) = (&self.window, self.write_window()) {
            let window = graph.linear("window", &hidden, window)?;
            written = placed(&mut graph, grid, &written, &window)?;
        }
        let axis = graph.int(0);
        let sums = graph.node("CumSum", &[&written, &axis], Vec::new());
        let canvas = graph.weight("canvas", self.canvas.val())?;
        let canvases = graph.add(&sums, &canvas);
        let images = graph.sigmoid(&canvases);
        let images = graph.reshape(&images, &[0, 0, channels as i64, height as i64, width as i64]);
        let shape = [steps, BATCH, Axis::Size(channels), Axis::Size(height), Axis::Size(width)];
        graph.output("images", &images, Element::F32, &shape);
        let about = "Images of noise from N(0, I): the mean of each pixel after each glimpse, the last one finished.";
        Ok(vec![NamedModel::new("decoder", about, graph)])
    }
}

/// `1/γ F_Yᵀ w F_X` `[T, B, D]` of patches `w` `[T, B, CN²]` and windows `[T, B, 5]`: see
/// [`rekindle_kernels::glimpse`].
fn placed(graph: &mut Graph, grid: Grid, patches: &Value, window: &Value) -> Result<Value, OnnxError> {
    let Grid { filters, channels, height, width } = grid;
    let part = |graph: &mut Graph, number: usize| graph.slice(window, 2, number, number + 1);
    let exp = |graph: &mut Graph, number: usize| {
        let part = graph.slice(window, 2, number, number + 1);
        let part = graph.clip(&part, -LOG_BOUND as f32, LOG_BOUND as f32);
        graph.node("Exp", &[&part], Vec::new())
    };
    let (variance, stride, intensity) = (exp(graph, 2), exp(graph, 3), exp(graph, 4));
    let stride = graph.scaled(&stride, grid.unit_stride() as f32);
    let offsets: Vec<f32> = (0..filters).map(|filter| grid.offset(filter)).collect();
    let offsets = graph.weight_of("window.offsets", &[filters], &offsets)?;
    let steps = graph.mul(&stride, &offsets);
    let exponent = graph.scaled(&variance, -2.0);
    let exponent = graph.unsqueeze(&exponent, &[3]);
    let along = |graph: &mut Graph, number: usize, name: &str, pixels: usize| -> Result<Value, OnnxError> {
        let one = graph.number(1.0);
        let centre = part(graph, number);
        let centre = graph.add(&centre, &one);
        let centre = graph.scaled(&centre, (pixels + 1) as f32 / 2.0);
        let points = graph.add(&centre, &steps);
        let points = graph.unsqueeze(&points, &[3]);
        let places: Vec<f32> = (1..=pixels).map(|place| place as f32).collect();
        let places = graph.weight_of(name, &[pixels], &places)?;
        let distance = graph.sub(&places, &points);
        let square = graph.mul(&distance, &distance);
        let exponents = graph.div(&square, &exponent);
        // [T, B, 1, N, pixels]
        let filters = graph.softmax(&exponents, 3);
        Ok(graph.unsqueeze(&filters, &[2]))
    };
    let across = along(graph, 0, "window.columns", width)?;
    let down = along(graph, 1, "window.rows", height)?;
    let patches = graph.div(patches, &intensity);
    let patches = graph.reshape(&patches, &[0, 0, channels as i64, filters as i64, filters as i64]);
    let down = graph.node("Transpose", &[&down], vec![Attribute::Ints("perm", vec![0, 1, 2, 4, 3])]);
    let rows = graph.matmul(&down, &patches);
    let pixels = graph.matmul(&rows, &across);
    Ok(graph.reshape(&pixels, &[0, 0, (channels * height * width) as i64]))
}
