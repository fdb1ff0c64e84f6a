//! The grid of Gaussian filters through which an image is read and written (section 3.2 of the paper).
//!
//! Five outputs of the decoder, `(g̃_X, g̃_Y, log σ², log δ̃, log γ) = W h^dec`, place a grid of `N × N` filters on an
//! image of `A` columns and `B` rows, counted from 1:
//!
//! ```text
//! g_X   = (A + 1)/2 (g̃_X + 1)                  g_Y = (B + 1)/2 (g̃_Y + 1)         its centre
//! δ     = (max(A, B) - 1)/(N - 1) δ̃                                              its stride
//! μ^i_X = g_X + (i - N/2 - 1/2) δ              μ^j_Y likewise, i, j from 1 to N    its points
//! F_X[i, a] = exp(-(a - μ^i_X)²/2σ²) / Z_X                                       [N, A], rows sum to 1
//! F_Y[j, b] = exp(-(b - μ^j_Y)²/2σ²) / Z_Y                                       [N, B]
//! read(x)   = γ F_Y x F_Xᵀ                                                       [N, N]
//! write(w)  = 1/γ F_Yᵀ w F_X                                                     [B, A]
//! ```
//!
//! A row of `F` is a softmax over the pixels, so it sums to 1 wherever the grid is: a point far off the image reads its
//! edge. The three logarithms are bounded by [`LOG_BOUND`].

use burn::nn::Linear;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use rekindle_kernels::matmul::matmul;
use rekindle_rnn::parameter;

/// Logarithms are clamped to plus and minus this before exponentiation, so that no variance becomes 0 or infinite.
pub const LOG_BOUND: f64 = 10.0;

/// The windows of a batch.
#[derive(Clone, Debug)]
pub struct Window {
    /// `[B, 1, N, width]`
    across: Tensor<4>,
    /// `[B, 1, N, height]`
    down: Tensor<4>,
    /// `[B, 1]`: γ
    intensity: Tensor<2>,
    /// `[B, 4]`: left, top, right and bottom of the grid, in pixels from 0.
    bounds: Tensor<2>,
}

impl Window {
    /// The windows of `parameters` `[B, 5]`, grids of `n × n` filters on images of `height` by `width`.
    pub fn new(parameters: Tensor<2>, n: usize, height: usize, width: usize) -> Self {
        let number = |index: usize| parameters.clone().narrow(1, index, 1);
        let exp = |logarithm: Tensor<2>| logarithm.clamp(-LOG_BOUND, LOG_BOUND).exp();
        let centre_x = (number(0) + 1.0) * ((width + 1) as f64 / 2.0);
        let centre_y = (number(1) + 1.0) * ((height + 1) as f64 / 2.0);
        let variance = exp(number(2));
        // A single filter has no neighbour: its stride is multiplied by 0 below.
        let stride = exp(number(3)) * ((height.max(width) - 1) as f64 / n.saturating_sub(1).max(1) as f64);
        let half = stride.clone() * ((n - 1) as f64 / 2.0);
        let corners = [
            centre_x.clone() - half.clone(),
            centre_y.clone() - half.clone(),
            centre_x.clone() + half.clone(),
            centre_y.clone() + half,
        ];
        Self {
            across: filters(centre_x, stride.clone(), variance.clone(), n, width),
            down: filters(centre_y, stride, variance, n, height),
            intensity: exp(number(4)),
            bounds: Tensor::cat(corners.to_vec(), 1) - 1.0,
        }
    }

    /// `γ F_Y x F_Xᵀ` of each plane of `images` `[B, C, height, width]`: `[B, C * N * N]`.
    pub fn read(&self, images: Tensor<4>) -> Tensor<2> {
        let glimpse = matmul(matmul(self.down.clone(), images), self.across.clone().swap_dims(2, 3));
        glimpse.flatten(1, 3) * self.intensity.clone()
    }

    /// `1/γ F_Yᵀ w F_X` of each plane of `patches` `[B, C, N, N]`: `[B, C * height * width]`.
    pub fn write(&self, patches: Tensor<4>) -> Tensor<2> {
        // The patch is smaller than the image, so dividing it first is cheaper.
        let patches = patches / self.intensity.clone().unsqueeze_dims::<4>(&[2, 3]);
        matmul(matmul(self.down.clone().swap_dims(2, 3), patches), self.across.clone()).flatten(1, 3)
    }

    /// `[B, 4]`: left, top, right and bottom of the grid's outer points, in pixels from 0.
    pub fn bounds(&self) -> Tensor<2> {
        self.bounds.clone()
    }
}

/// Initialises `layer` so that the windows of `n × n` filters cover the middle half of images of at most `side`
/// pixels, each filter half a stride wide: `δ̃ = 1/2`, `σ = δ/2`.
///
/// With a bias around 0, the grid would reach from edge to edge with filters of one pixel: a 2 by 2 grid would read
/// only the four corners, which are empty, and would learn nothing.
pub(super) fn over_the_middle(layer: Linear, n: usize, side: usize, device: &Device) -> Linear {
    let stride = 0.5 * (side.max(2) - 1) as f32 / n.saturating_sub(1).max(1) as f32;
    let start = [0.0, 0.0, 2.0 * (0.5 * stride).ln(), 0.5f32.ln(), 0.0];
    Linear { bias: Some(parameter([5], device, || start.to_vec())), ..layer }
}

/// The filters `F` `[B, 1, N, pixels]` along one side, from centre, stride and variance `[B, 1]`.
fn filters(centre: Tensor<2>, stride: Tensor<2>, variance: Tensor<2>, n: usize, pixels: usize) -> Tensor<4> {
    let steps = row((1..=n).map(|i| i as f32 - n as f32 / 2.0 - 0.5), &centre);
    let places = row((1..=pixels).map(|a| a as f32), &centre).unsqueeze_dim::<3>(1);
    let points = (centre + stride * steps).unsqueeze_dim::<3>(2);
    let distance = places - points;
    let exponent = distance.clone() * distance / (variance * -2.0).unsqueeze_dim::<3>(2);
    softmax(exponent, 2).unsqueeze_dim(1)
}

/// A tensor `[1, L]` on the device and in the element type of `like`.
fn row(values: impl Iterator<Item = f32>, like: &Tensor<2>) -> Tensor<2> {
    let values: Vec<f32> = values.collect();
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [1, length]), (&like.device(), like.dtype()))
}
