//! DRAW: a recurrent variational auto-encoder that reads and writes an image by a sequence of glimpses.
//!
//! Gregor, Danihelka, Graves, Rezende and Wierstra, "DRAW: a recurrent neural network for image generation" (2015,
//! arXiv 1502.04623). For an image `x`, with `t` from 1 to `T` and a learned initial state and canvas:
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
//! `N(0, I)` and the encoder is not run. See [`rekindle_kernels::glimpse`] for the glimpses and [`bound`] for the
//! loss.

pub mod bound;
mod steps;
#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
mod window;

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rekindle_kernels::glimpse::{Grid, WINDOW};
use rekindle_rnn::{Cell, Initialization, Layer, LayerConfig, parameter};
use rekindle_settings::{SettingError, settings};
use serde::{Deserialize, Serialize};

pub use bound::{Bound, Likelihood};
pub use steps::Drawn;

settings! {
    /// Settings of a [`Draw`]. In the letters of the [module](self), `glimpses` is `T`, `hidden` is `H` and `latent` is
    /// `Z`; `read` and `write` are `N` of the two grids. `kl_warmup` is for the training loop, which gives
    /// [`Draw::weighted_loss`] the weight of each step.
    pub struct DrawModelSettings {
        /// Glimpses: how often the image is read and written
        glimpses: usize = 10 => value("COUNT").at_least(1);
        /// Width of the hidden state, of the encoder and of the decoder
        hidden: usize = 256 => value("WIDTH").at_least(1).alias("rnn-size");
        /// Width of the latent vector of a glimpse
        latent: usize = 100 => value("WIDTH").at_least(1);
        /// Read through a grid of N by N filters; 0 reads the whole image
        read: usize => value("N").at_least(0);
        /// Write through a grid of N by N filters; 0 writes the whole image
        write: usize => value("N").at_least(0);
        /// Standard deviation of a pixel, for grey levels and colours
        gaussian: Option<f64> => value("DEVIATION").above(0).at_most(1).unset("pixels are black or white");
        /// Let the weight of the KL rise from 0 to 1 over so many steps of training; 0 has it at 1 from the first
        kl_warmup: u64 => value("STEPS").at_least(0);
    }
}

/// The shape of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageShape {
    /// `C`: 1 for grey, 3 for colour.
    pub channels: usize,
    /// In pixels.
    pub height: usize,
    /// In pixels.
    pub width: usize,
}

impl ImageShape {
    /// `[C, H, W]`.
    pub fn dims(self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// `D`: pixels of an image, over all channels.
    pub fn pixels(self) -> usize {
        self.channels * self.height * self.width
    }
}

/// The DRAW model.
#[derive(Module, Debug)]
pub struct Draw {
    /// The encoder, which reads `[r_t, h^dec_{t-1}]`.
    pub encoder: Layer,
    /// The decoder, which reads `z_t`.
    pub decoder: Layer,
    /// `W_Q`: from `H` to `μ_t` and `log σ²_t`, `2Z`.
    pub latent: Linear,
    /// From `H` to the five parameters of the read window.
    pub read: Option<Linear>,
    /// From `H` to the five parameters of the write window.
    pub window: Option<Linear>,
    /// From `H` to the update of the canvas: `D`, or `CN²` through the window.
    pub write: Linear,
    /// `[1, D]`: the initial canvas `c_0`.
    pub canvas: Param<Tensor<2>>,
    /// `[2, H]`: the initial `h^enc_0` and its cell state.
    pub encoder_start: Param<Tensor<2>>,
    /// `[2, H]`: the initial `h^dec_0` and its cell state.
    pub decoder_start: Param<Tensor<2>>,
    #[module(skip)]
    settings: DrawModelSettings,
    #[module(skip)]
    shape: ImageShape,
}

impl DrawModelSettings {
    /// A model of images of this shape with weights drawn at random.
    ///
    /// # Panics
    ///
    /// See [`init_with`](Self::init_with).
    pub fn init(&self, shape: ImageShape, device: &Device) -> Draw {
        self.init_with(shape, &mut rand::rng(), device)
    }

    /// A model of images of this shape with weights drawn from `rng`: the same state of `rng` gives
    /// the same weights on every backend.
    ///
    /// # Panics
    ///
    /// When a size is 0, or a grid has more filters than the image has pixels on its shorter side.
    pub fn init_with(&self, shape: ImageShape, rng: &mut impl Rng, device: &Device) -> Draw {
        let ImageShape { channels, height, width } = shape;
        let Self { glimpses, hidden, latent, .. } = *self;
        for (name, size) in
            [("channels", channels), ("height", height), ("width", width), ("glimpses", glimpses), ("latent", latent)]
        {
            assert!(size > 0, "{name} must be above 0");
        }
        for size in [self.read, self.write] {
            assert!(size <= height.min(width), "a grid of {size} filters on {height} by {width} pixels");
        }
        let init = Initialization::default();
        let encoder_input = 2 * self.read_numbers(shape) + hidden;
        let mut lstm =
            |input| LayerConfig::new(input, hidden, Cell::Lstm).with_init(init.clone()).init_with(rng, device);
        let (encoder, decoder) = (lstm(encoder_input), lstm(latent));
        let mut linear = |output| crate::init::linear(hidden, output, rng, device);
        let latent = linear(2 * latent);
        let mut window = |size: usize| window::over_the_middle(linear(WINDOW), size, height.max(width), device);
        let read = self.read_grid().map(&mut window);
        let window = self.write_grid().map(&mut window);
        let write = linear(self.write_grid().map_or(shape.pixels(), |n| channels * n * n));
        let zeros = |shape: [usize; 2]| crate::init::zeros(shape, device);
        Draw {
            encoder,
            decoder,
            latent,
            read,
            window,
            write,
            canvas: zeros([1, shape.pixels()]),
            encoder_start: zeros([2, hidden]),
            decoder_start: zeros([2, hidden]),
            settings: self.clone(),
            shape,
        }
    }

    /// Checks that the grids of filters fit images of this shape.
    ///
    /// # Errors
    ///
    /// For the first grid that does not fit.
    pub fn check_for(&self, shape: ImageShape) -> Result<(), SettingError> {
        let side = shape.height.min(shape.width);
        let sizes = [("read", self.read), ("write", self.write)];
        match sizes.into_iter().find(|(_, size)| *size > side) {
            Some((name, size)) => {
                Err(SettingError::invalid(name, size, format!("at most {side}, the shorter side of the images")))
            }
            None => Ok(()),
        }
    }

    /// `N` of the read grid, `N × N` filters; none if the whole image is read.
    pub(crate) fn read_grid(&self) -> Option<usize> {
        (self.read > 0).then_some(self.read)
    }

    /// `N` of the write grid, `N × N` filters; none if the whole image is written.
    pub(crate) fn write_grid(&self) -> Option<usize> {
        (self.write > 0).then_some(self.write)
    }

    /// The distribution of a pixel, given the canvas.
    pub fn likelihood(&self) -> Likelihood {
        match self.gaussian {
            Some(deviation) => Likelihood::Gaussian { deviation },
            None => Likelihood::Bernoulli,
        }
    }

    /// Numbers read from an image: `D`, or `CN²` through a window.
    fn read_numbers(&self, shape: ImageShape) -> usize {
        self.read_grid().map_or(shape.pixels(), |n| shape.channels * n * n)
    }
}

impl Draw {
    /// The model with an initial canvas that draws an image of these pixels `[C, H, W]`, above 0 and below 1: the mean
    /// image of its data, so that training begins with what differs from it.
    ///
    /// # Panics
    ///
    /// When there are not as many as an image has, or one is not between 0 and 1.
    pub fn with_canvas(mut self, pixels: &[f64]) -> Self {
        assert_eq!(pixels.len(), self.shape.pixels(), "pixels of an image");
        assert!(pixels.iter().all(|pixel| *pixel > 0.0 && *pixel < 1.0), "pixels must be above 0 and below 1");
        // σ(c) is the pixel.
        let logits = || pixels.iter().map(|pixel| (pixel / (1.0 - pixel)).ln() as f32).collect();
        self.canvas = parameter([1, pixels.len()], &self.canvas.device(), logits);
        self
    }

    /// The model's settings.
    pub fn settings(&self) -> &DrawModelSettings {
        &self.settings
    }

    /// The grid of filters through which it writes; none if it writes the whole image.
    pub fn write_window(&self) -> Option<Grid> {
        self.settings.write_grid().map(|n| window::grid(n, self.shape))
    }

    /// The shape of the model's images.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }
}
