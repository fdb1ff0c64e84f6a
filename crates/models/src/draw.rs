//! DRAW: a recurrent variational auto-encoder that reads and writes an image by a sequence of glimpses.
//!
//! Gregor, Danihelka, Graves, Rezende and Wierstra, "DRAW: a recurrent neural network for image generation" (2015,
//! arXiv 1502.04623). For an image `x`, with `t` from 1 to `T` and all the starts learned:
//!
//! ```text
//! x̂_t      = x - σ(c_{t-1})                          what the canvas still lacks             [B, D]
//! r_t      = read(x, x̂_t, h^dec_{t-1})               all of both, or a glimpse of each       [B, R]
//! h^enc_t  = LSTM^enc([r_t, h^dec_{t-1}])                                                    [B, H]
//! μ_t, log σ²_t = W_Q h^enc_t                        Q(z_t | h^enc_t)                        [B, Z] each
//! z_t      = μ_t + σ_t ε_t,  ε_t ~ N(0, I)           fresh noise at every step               [B, Z]
//! h^dec_t  = LSTM^dec(z_t)                                                                   [B, H]
//! c_t      = c_{t-1} + write(h^dec_t)                the canvas                              [B, D]
//! ```
//!
//! `D = C × height × width` are the pixels of an image, `R` is `2D` or `2CN²`. To generate, `z_t` is drawn from
//! `N(0, I)` and the encoder is not run. See [`window`] for the glimpses and [`bound`] for the loss.

pub mod bound;
mod steps;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
pub mod window;

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rekindle_rnn::{Initialization, Lstm, LstmConfig};

pub use bound::{Bound, Likelihood};
pub use steps::Drawn;

/// Configuration of a [`Draw`].
#[derive(Config, Debug)]
pub struct DrawConfig {
    /// `C`: channels of an image.
    pub channels: usize,
    /// Height of an image in pixels.
    pub height: usize,
    /// Width of an image in pixels.
    pub width: usize,
    /// `T`: glimpses.
    #[config(default = 10)]
    pub steps: usize,
    /// `H`: width of the two LSTMs.
    #[config(default = 256)]
    pub hidden_size: usize,
    /// `Z`: numbers of a latent.
    #[config(default = 100)]
    pub latent_size: usize,
    /// `N` of the grid of `N × N` filters that reads; the whole image is read when there is none.
    pub read_size: Option<usize>,
    /// `N` of the grid of `N × N` filters that writes; the whole image is written when there is none.
    pub write_size: Option<usize>,
    /// What the canvas says of a pixel.
    #[config(default = "Likelihood::Bernoulli")]
    pub likelihood: Likelihood,
}

/// A model that draws.
#[derive(Module, Debug)]
pub struct Draw {
    /// Reads `[r_t, h^dec_{t-1}]`.
    pub encoder: Lstm,
    /// Reads `z_t`.
    pub decoder: Lstm,
    /// `W_Q`: from `H` to `μ_t` and `log σ²_t`, `2Z`.
    pub latent: Linear,
    /// From `H` to the five numbers of the window that reads.
    pub read: Option<Linear>,
    /// From `H` to the five numbers of the window that writes.
    pub window: Option<Linear>,
    /// From `H` to what is written: `D`, or `CN²` through the window.
    pub write: Linear,
    /// `[1, D]`: `c_0`.
    pub canvas: Param<Tensor<2>>,
    /// `[2, H]`: `h^enc_0` and its cell.
    pub encoder_start: Param<Tensor<2>>,
    /// `[2, H]`: `h^dec_0` and its cell.
    pub decoder_start: Param<Tensor<2>>,
    #[module(skip)]
    config: DrawConfig,
}

impl DrawConfig {
    /// A model with weights drawn at random.
    ///
    /// # Panics
    ///
    /// See [`init_with`](Self::init_with).
    pub fn init(&self, device: &Device) -> Draw {
        self.init_with(&mut rand::rng(), device)
    }

    /// A model with weights drawn from `rng`: the same state of `rng` gives the same weights on every backend.
    ///
    /// # Panics
    ///
    /// When a size is 0, or a grid has more filters than the image has pixels on its shorter side.
    pub fn init_with(&self, rng: &mut impl Rng, device: &Device) -> Draw {
        let Self { channels, height, width, steps, hidden_size: hidden, latent_size: latent, .. } = *self;
        for (name, size) in
            [("channels", channels), ("height", height), ("width", width), ("steps", steps), ("latent_size", latent)]
        {
            assert!(size > 0, "{name} must be above 0");
        }
        for size in [self.read_size, self.write_size].into_iter().flatten() {
            assert!((1..=height.min(width)).contains(&size), "a grid of {size} filters on {height} by {width} pixels");
        }
        let init = Initialization::default();
        let encoder_input = 2 * self.read_numbers() + hidden;
        let encoder = LstmConfig::new(encoder_input, hidden).with_init(init.clone()).init_with(rng, device);
        let decoder = LstmConfig::new(latent, hidden).with_init(init).init_with(rng, device);
        let mut linear = |output| crate::init::linear(hidden, output, rng, device);
        let latent = linear(2 * latent);
        let mut window = |size: usize| window::over_the_middle(linear(5), size, height.max(width));
        let read = self.read_size.map(&mut window);
        let window = self.write_size.map(&mut window);
        let write = linear(self.write_size.map_or(self.pixels(), |n| channels * n * n));
        let zeros = |shape: [usize; 2]| Param::from_data(TensorData::zeros::<f32, _>(shape), device);
        Draw {
            encoder,
            decoder,
            latent,
            read,
            window,
            write,
            canvas: zeros([1, self.pixels()]),
            encoder_start: zeros([2, hidden]),
            decoder_start: zeros([2, hidden]),
            config: self.clone(),
        }
    }

    /// `D`: numbers of an image.
    pub fn pixels(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Numbers that are read of an image: `D`, or `CN²` through a window.
    fn read_numbers(&self) -> usize {
        self.read_size.map_or(self.pixels(), |n| self.channels * n * n)
    }
}

impl Draw {
    /// What the model was made from.
    pub fn config(&self) -> &DrawConfig {
        &self.config
    }
}
