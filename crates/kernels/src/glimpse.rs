//! DRAW's glimpses: reading and writing an image through a grid of Gaussian filters (Gregor et al. 2015, arXiv
//! 1502.04623, section 3.2).
//!
//! Five numbers `(g̃_X, g̃_Y, log σ², log δ̃, log γ)`, here a *window*, place a grid of `N × N` filters on an image of
//! `A` columns and `B` rows, counted from 1:
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
//! edge. The three logarithms are clamped to plus and minus [`LOG_BOUND`].
//!
//! For `f32` on a CPU, reading and writing are one operation each, which keeps no filters for the backward pass and
//! works on the images of a batch in parallel. Everywhere else they are the same in tensor operations.

#[cfg(feature = "native-cpu")]
mod cpu;

use burn::tensor::activation::softmax;
use burn::tensor::{Tensor, TensorData};

#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};
use crate::{matmul::matmul, pointwise::sigmoid};

/// Logarithms are clamped to plus and minus this before exponentiation, so that no variance becomes 0 or infinite.
pub const LOG_BOUND: f64 = 10.0;

/// Numbers of a window: `g̃_X`, `g̃_Y`, `log σ²`, `log δ̃` and `log γ`.
pub const WINDOW: usize = 5;

/// A grid of `N × N` filters for images of one shape; `D = C × height × width`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// `N`
    pub filters: usize,
    /// `C`
    pub channels: usize,
    /// Rows of an image, in pixels.
    pub height: usize,
    /// Columns of an image, in pixels.
    pub width: usize,
}

impl Grid {
    /// A glimpse of each image and of what its canvas still lacks: `γ F_Y x F_Xᵀ` of every channel of `x`, then
    /// `γ F_Y x̂ F_Xᵀ` of every channel of `x̂ = x - σ(c)`.
    ///
    /// # Shapes
    /// - `images`, `canvas` `[B, D]`; `window` `[B, 5]`
    /// - output `[B, 2CN²]`
    ///
    /// # Panics
    /// If a shape does not fit.
    pub fn read(&self, images: Tensor<2>, canvas: Tensor<2>, window: Tensor<2>) -> Tensor<2> {
        self.check(window.dims(), [images.dims(), canvas.dims()], self.pixels());
        #[cfg(feature = "native-cpu")]
        if [&images, &canvas, &window].into_iter().all(is_native_on_cpu) {
            let inputs = [images, canvas, window].map(Tensor::into_dispatch);
            return Tensor::from_dispatch(run(cpu::Read(*self), inputs));
        }
        self.read_composed(images, canvas, window)
    }

    /// The canvas after a patch is written to it: `c + 1/γ F_Yᵀ w F_X` of every channel.
    ///
    /// # Shapes
    /// - `canvas` `[B, D]`; `patches` `[B, CN²]`; `window` `[B, 5]`
    /// - output `[B, D]`
    ///
    /// # Panics
    /// If a shape does not fit.
    pub fn write(&self, canvas: Tensor<2>, patches: Tensor<2>, window: Tensor<2>) -> Tensor<2> {
        self.check(window.dims(), [canvas.dims()], self.pixels());
        self.check(window.dims(), [patches.dims()], self.numbers());
        #[cfg(feature = "native-cpu")]
        if [&canvas, &patches, &window].into_iter().all(is_native_on_cpu) {
            let inputs = [canvas, patches, window].map(Tensor::into_dispatch);
            return Tensor::from_dispatch(run(cpu::Write(*self), inputs));
        }
        self.write_composed(canvas, patches, window)
    }

    /// [`read`](Self::read) in tensor operations: the specification that tests compare the native code with.
    pub fn read_composed(&self, images: Tensor<2>, canvas: Tensor<2>, window: Tensor<2>) -> Tensor<2> {
        let Placed { across, down, intensity } = self.place(window);
        let plane =
            |images: Tensor<2>| images.reshape([0, self.channels as i32, self.height as i32, self.width as i32]);
        let errors = images.clone() - sigmoid(canvas);
        let planes = Tensor::cat(vec![plane(images), plane(errors)], 1);
        matmul(matmul(down, planes), across.swap_dims(2, 3)).flatten(1, 3) * intensity
    }

    /// [`write`](Self::write) in tensor operations: the specification that tests compare the native code with.
    pub fn write_composed(&self, canvas: Tensor<2>, patches: Tensor<2>, window: Tensor<2>) -> Tensor<2> {
        let Placed { across, down, intensity } = self.place(window);
        // The patch is smaller than the image, so dividing it first is cheaper.
        let patches = patches / intensity;
        let patches = patches.reshape([0, self.channels as i32, self.filters as i32, self.filters as i32]);
        canvas + matmul(matmul(down.swap_dims(2, 3), patches), across).flatten::<2>(1, 3)
    }

    /// Left, top, right and bottom of the grid's outer points, in pixels from 0, `[B, 4]`, of windows `[B, 5]`.
    pub fn bounds(&self, window: Tensor<2>) -> Tensor<2> {
        let [x, y] = self.centre(&window);
        let half = self.stride(&window) * ((self.filters - 1) as f64 / 2.0);
        let corners = [x.clone() - half.clone(), y.clone() - half.clone(), x + half.clone(), y + half];
        Tensor::cat(corners.to_vec(), 1) - 1.0
    }

    /// `D`
    fn pixels(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// `CN²`
    fn numbers(&self) -> usize {
        self.channels * self.filters * self.filters
    }

    /// The stride where `δ̃` is 1. A single filter has no neighbour: its stride is multiplied by 0.
    pub fn unit_stride(&self) -> f64 {
        (self.height.max(self.width) - 1) as f64 / self.filters.saturating_sub(1).max(1) as f64
    }

    /// `i - N/2 - 1/2` of filter `i`, which is counted from 0 here.
    pub fn offset(&self, filter: usize) -> f32 {
        (filter + 1) as f32 - self.filters as f32 / 2.0 - 0.5
    }

    fn check<const N: usize>(&self, [rows, numbers]: [usize; 2], others: [[usize; 2]; N], width: usize) {
        assert_eq!(numbers, WINDOW, "numbers of a window");
        for other in others {
            assert_eq!(other, [rows, width], "shape beside {rows} windows on {self:?}");
        }
    }

    /// `g_X` and `g_Y`, `[B, 1]` each.
    fn centre(&self, window: &Tensor<2>) -> [Tensor<2>; 2] {
        let along =
            |axis: usize, pixels: usize| (window.clone().narrow(1, axis, 1) + 1.0) * ((pixels + 1) as f64 / 2.0);
        [along(0, self.width), along(1, self.height)]
    }

    /// `δ` `[B, 1]`.
    fn stride(&self, window: &Tensor<2>) -> Tensor<2> {
        exp(window, 3) * self.unit_stride()
    }

    fn place(&self, window: Tensor<2>) -> Placed {
        let [x, y] = self.centre(&window);
        let (stride, variance) = (self.stride(&window), exp(&window, 2));
        Placed {
            across: self.filters_along(x, stride.clone(), variance.clone(), self.width),
            down: self.filters_along(y, stride, variance, self.height),
            intensity: exp(&window, 4),
        }
    }

    /// The filters `F` `[B, 1, N, pixels]` along one side, from centre, stride and variance `[B, 1]`.
    fn filters_along(&self, centre: Tensor<2>, stride: Tensor<2>, variance: Tensor<2>, pixels: usize) -> Tensor<4> {
        let steps = row((0..self.filters).map(|filter| self.offset(filter)), &centre);
        let places = row((1..=pixels).map(|a| a as f32), &centre).unsqueeze_dim::<3>(1);
        let points = (centre + stride * steps).unsqueeze_dim::<3>(2);
        let distance = places - points;
        let exponent = distance.clone() * distance / (variance * -2.0).unsqueeze_dim::<3>(2);
        softmax(exponent, 2).unsqueeze_dim(1)
    }
}

/// The filters of a batch of windows.
struct Placed {
    /// `F_X` `[B, 1, N, width]`
    across: Tensor<4>,
    /// `F_Y` `[B, 1, N, height]`
    down: Tensor<4>,
    /// `γ` `[B, 1]`
    intensity: Tensor<2>,
}

/// `exp` of a clamped logarithm of the windows, `[B, 1]`.
fn exp(window: &Tensor<2>, index: usize) -> Tensor<2> {
    window.clone().narrow(1, index, 1).clamp(-LOG_BOUND, LOG_BOUND).exp()
}

/// A tensor `[1, L]` on the device and in the element type of `like`.
fn row(values: impl Iterator<Item = f32>, like: &Tensor<2>) -> Tensor<2> {
    let values: Vec<f32> = values.collect();
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [1, length]), (&like.device(), like.dtype()))
}
