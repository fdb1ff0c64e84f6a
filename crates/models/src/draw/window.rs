//! The windows through which an image is read and written: see [`rekindle_kernels::glimpse`] for their equations.

use burn::nn::Linear;
use burn::tensor::Device;
use rekindle_kernels::glimpse::{Grid, WINDOW};
use rekindle_rnn::parameter;

use super::ImageShape;

/// A grid of `n × n` filters for images of this shape.
pub(super) fn grid(n: usize, ImageShape { channels, height, width }: ImageShape) -> Grid {
    Grid { filters: n, channels, height, width }
}

/// Initialises `layer` so that the windows of `n × n` filters cover the middle half of images of at most `side`
/// pixels, each filter half a stride wide: `δ̃ = 1/2`, `σ = δ/2`.
///
/// With a bias around 0, the grid would reach from edge to edge with filters of one pixel: a 2 by 2 grid would read
/// only the four corners, which are empty, and would learn nothing.
pub(super) fn over_the_middle(layer: Linear, n: usize, side: usize, device: &Device) -> Linear {
    let stride = 0.5 * (side.max(2) - 1) as f32 / n.saturating_sub(1).max(1) as f32;
    let start = [0.0, 0.0, 2.0 * (0.5 * stride).ln(), 0.5f32.ln(), 0.0];
    Linear { bias: Some(parameter([WINDOW], device, || start.to_vec())), ..layer }
}
