//! The loop over the glimpses.
//!
//! The encoder's input depends on the canvas, so neither LSTM can process the whole sequence in one operation: each
//! time step is the whole-sequence operation on a sequence of one. Work that is the same at every step is done before
//! the loop, and each matrix that every step multiplies by is a [`Repeated`]. Without a read window,
//! `W [x, x̂_t, h^dec] = W_x x + W_rest [x̂_t, h^dec]`, and the first product is the same for all steps: nearly half of
//! the encoder's work. Layers that read the same state are one product: what is written, and where to write and to
//! read, are columns of [`heads`].

use burn::tensor::Tensor;
use rekindle_kernels::glimpse::{Grid, WINDOW};
use rekindle_kernels::latent;
use rekindle_kernels::layout::concatenate;
use rekindle_kernels::lstm::lstm;
use rekindle_kernels::parallel;
use rekindle_kernels::pointwise::sigmoid;
use rekindle_kernels::rows::Rows;
use rekindle_kernels::unrolled::{LayerWeight, Repeated};
use rekindle_kernels::{Input, Scan};
use rekindle_rnn::Layer;

use crate::repeated::RepeatedLinear;
use crate::side_by_side::sum_of_losses;

use super::Draw;
use super::bound::{self, Bound};
use super::window::grid;

/// The fewest rows of a part of a batch: with fewer, reading the weights takes longer than multiplying by them.
pub(super) const PART_ROWS: usize = 24;

/// The canvas after a step, and that step's windows.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// `[B, D]`: `σ(c_t)`, the mean of each pixel.
    pub image: Tensor<2>,
    /// `[B, 4]`: left, top, right and bottom of the read window, in pixels.
    pub read: Option<Tensor<2>>,
    /// `[B, 4]`: the same of the write window.
    pub written: Option<Tensor<2>>,
}

/// A grid and its windows `[B, 5]`.
type Placed = (Grid, Tensor<2>);

/// `h` and `c` of an LSTM, `[B, H]` each.
type Memory = [Tensor<2>; 2];

/// An LSTM with its weights laid out for single steps.
struct Cell {
    /// `[H, 4H]`: `W_hh` transposed.
    hidden: Repeated<2>,
    scan: Scan,
}

impl Cell {
    /// One step from `projection` `[B, 4H]`, the complete input projection.
    fn step(&self, projection: Tensor<2>, [hidden, cell]: Memory) -> Memory {
        let projection = self.hidden.credit(hidden.clone(), projection);
        let input = Input::Projected(projection.unsqueeze_dim(0));
        let weight_hh = self.hidden.matrix().transpose();
        let (hidden, [_, cell]) = lstm(input, weight_hh, hidden, cell, &self.scan);
        [hidden.squeeze_dim(0), cell]
    }
}

/// The part of the encoder's input that is the same at every step.
#[allow(clippy::large_enum_variant, reason = "there is one of it in a batch; the sizes are those of the backends")]
enum Reading {
    /// The whole image.
    Whole {
        /// `[B, D]`: `x`.
        images: Tensor<2>,
        /// `[B, 4H]`: `W_x x + b`.
        projected: Tensor<2>,
        /// `[D + H, 4H]`: the weights of `x̂_t` and the decoder's hidden state.
        rest: Repeated<2>,
    },
    /// A glimpse of the image.
    Glimpse {
        grid: Grid,
        /// `[B, D]`
        images: Tensor<2>,
        /// From `2CN² + H`, the glimpse and the decoder's hidden state, to `4H`.
        input: RepeatedLinear,
    },
}

/// The encoder on a batch of images.
struct Encoder {
    cell: Cell,
    reading: Reading,
    /// From `H` to the parameters of `z_t`.
    latent: RepeatedLinear,
    memory: Memory,
}

/// The decoder and its canvas.
struct Decoder {
    cell: Cell,
    /// From `Z` to `4H`.
    input: RepeatedLinear,
    writing: Writing,
    /// The layers of the windows; none without windows.
    heads: Option<RepeatedLinear>,
    memory: Memory,
    /// `[B, D]`: `c_t`.
    canvas: Tensor<2>,
    /// The latest output of `heads`.
    headed: Option<Tensor<2>>,
    /// The latest write window.
    written: Option<Placed>,
}

/// How the decoder adds to its canvas.
#[allow(clippy::large_enum_variant, reason = "there is one of it in a batch; the sizes are those of the backends")]
enum Writing {
    /// The whole canvas: from `H` to `D`.
    Whole(RepeatedLinear),
    /// A patch of so many numbers, `CN²`.
    Patch { grid: Grid, numbers: usize },
}

impl Draw {
    /// The bound on each of `images` `[B, D]`, with `noise` `[T, B, Z]` from `N(0, I)`.
    ///
    /// # Panics
    ///
    /// When a shape does not fit the model.
    pub fn bound(&self, images: Tensor<2>, noise: Tensor<3>) -> Bound {
        let (mut kls, mut log_ratio) = (Vec::new(), None);
        let canvas = self.infer(images.clone(), noise, |step, _| {
            kls.push(latent::divergence(step.statistics.clone()));
            let [_, log_variance] = latent::parts(step.statistics);
            let ratio = bound::log_ratio(step.latent, step.noise, log_variance);
            log_ratio = Some(match log_ratio.take() {
                Some(sum) => sum + ratio,
                None => ratio,
            });
        });
        Bound {
            reconstruction: self.settings.likelihood().loss(images, canvas),
            kl: Tensor::stack(kls, 0),
            log_ratio: log_ratio.expect("a model has one step or more"),
        }
    }

    /// The mean bound over the batch in nats, `[1]`. See [`bound`](Self::bound).
    ///
    /// # Panics
    ///
    /// When a shape does not fit the model.
    pub fn loss(&self, images: Tensor<2>, noise: Tensor<3>) -> Tensor<1> {
        self.weighted_loss(images, noise, 1.0)
    }

    /// The loss with `weight` times the KL, `[1]`: with less than 1 in the first steps of a training, latents are of
    /// use before they cost as much as they say (Bowman et al. 2016, arXiv 1511.06349, section 3.1). It is the bound at
    /// 1 alone.
    ///
    /// # Panics
    ///
    /// When a shape does not fit the model.
    pub fn weighted_loss(&self, images: Tensor<2>, noise: Tensor<3>, weight: f64) -> Tensor<1> {
        let [batch, _] = images.dims();
        let mut statistics = Vec::new();
        let canvas = self.infer(images.clone(), noise, |step, _| statistics.push(step.statistics));
        // One sum over all steps instead of one per step.
        let kl = latent::divergence(Tensor::cat(statistics, 0)).sum();
        let kl = if weight == 1.0 { kl } else { kl * weight };
        (self.settings.likelihood().loss(images, canvas).sum() + kl) / batch as f64
    }

    /// [`weighted_loss`](Self::weighted_loss) for training: on a CPU with several threads, each computes the loss and
    /// the gradients of some rows of the batch. With windows a step of the loop is short, and threads that share it
    /// wait for one another; without them this is `weighted_loss`.
    ///
    /// The loss has the gradients of the model's weights alone, not those of `images` or `noise`. It is that of
    /// `weighted_loss` but for the order of sums.
    ///
    /// # Panics
    ///
    /// When a shape does not fit the model.
    pub fn training_loss(&self, images: Tensor<2>, noise: Tensor<3>, weight: f64) -> Tensor<1> {
        let (device, [batch, _]) = (images.device(), images.dims());
        let parts = parallel::threads(&device).min(batch / PART_ROWS);
        let windows = self.read.is_some() || self.window.is_some();
        if parts < 2 || !windows || !device.is_autodiff() {
            return self.weighted_loss(images, noise, weight);
        }
        self.check_noise_of(&noise, batch);
        let part = |part: usize| {
            let rows = Rows::part(batch, part, parts);
            let images = images.clone().narrow(0, rows.first, rows.count);
            let noise = noise.clone().narrow(1, rows.first, rows.count);
            let share = rows.count as f64 / batch as f64;
            move |model: &Self| model.weighted_loss(images, noise, weight) * share
        };
        sum_of_losses(self, &device, (0..parts).map(part).collect())
    }

    /// Reconstructs `images` `[B, D]`, step by step, with `noise` `[T, B, Z]`.
    ///
    /// # Panics
    ///
    /// When a shape does not fit the model.
    pub fn reconstruct(&self, images: Tensor<2>, noise: Tensor<3>) -> Vec<Drawn> {
        let mut drawn = Vec::new();
        self.infer(images, noise, |step, decoder| drawn.push(decoder.drawn(step.read)));
        drawn
    }

    /// Generates images, step by step, from the latents `noise` `[T, B, Z]`.
    ///
    /// # Panics
    ///
    /// When a shape does not fit the model.
    pub fn generate(&self, noise: Tensor<3>) -> Vec<Drawn> {
        self.generating(noise).collect()
    }

    /// The same, each step as it is asked for.
    ///
    /// # Panics
    ///
    /// When a shape does not fit the model.
    pub fn generating(&self, noise: Tensor<3>) -> impl Iterator<Item = Drawn> + '_ {
        let [_, batch, _] = self.check_noise(&noise);
        let mut decoder = Decoder::new(self, batch);
        (0..self.settings.glimpses).map(move |step| {
            decoder.write(noise.clone().narrow(0, step, 1).squeeze_dim(0));
            decoder.drawn(None)
        })
    }

    fn infer(&self, images: Tensor<2>, noise: Tensor<3>, mut each: impl FnMut(Inferred, &Decoder)) -> Tensor<2> {
        let [batch, pixels] = images.dims();
        assert_eq!(pixels, self.shape.pixels(), "pixels of an image");
        self.check_noise_of(&noise, batch);
        let mut encoder = Encoder::new(self, images);
        let mut decoder = Decoder::new(self, batch);
        for step in 0..self.settings.glimpses {
            let (hidden, read) = encoder.read(&decoder);
            let statistics = encoder.latent.forward(hidden);
            let noise = noise.clone().narrow(0, step, 1).squeeze_dim::<2>(0);
            let latent = latent::sample(statistics.clone(), noise.clone());
            decoder.write(latent.clone());
            each(Inferred { statistics, latent, noise, read }, &decoder);
        }
        decoder.canvas
    }

    fn check_noise_of(&self, noise: &Tensor<3>, images: usize) {
        let [_, rows, _] = self.check_noise(noise);
        assert_eq!(rows, images, "the noise is for as many images as there are");
    }

    fn check_noise(&self, noise: &Tensor<3>) -> [usize; 3] {
        let [steps, batch, latents] = noise.dims();
        let wanted = [self.settings.glimpses, self.settings.latent];
        assert_eq!([steps, latents], wanted, "steps and latents of the noise [T, B, Z]");
        [steps, batch, latents]
    }
}

/// A step of inference.
struct Inferred {
    /// `[B, 2Z]`: `μ_t` and `log σ²_t`.
    statistics: Tensor<2>,
    /// `[B, Z]`
    latent: Tensor<2>,
    /// `[B, Z]`
    noise: Tensor<2>,
    /// The read window.
    read: Option<Placed>,
}

impl Encoder {
    fn new(model: &Draw, images: Tensor<2>) -> Self {
        let [batch, _] = images.dims();
        let weight = LayerWeight::new(model.encoder.matrix("weight_ih"));
        let bias = bias(&model.encoder);
        let reading = match model.settings.read_grid() {
            Some(n) => Reading::Glimpse {
                grid: grid(n, model.shape),
                images,
                input: RepeatedLinear::new(weight.whole(), Some(bias), batch),
            },
            None => {
                let pixels = model.shape.pixels();
                let image = RepeatedLinear::new(weight.columns(0..pixels), Some(bias), batch);
                let rest = weight.columns(pixels..2 * pixels + model.settings.hidden);
                Reading::Whole { projected: image.forward(images.clone()), images, rest }
            }
        };
        let memory = start(model.encoder_start.val(), batch);
        let latent = RepeatedLinear::of(&model.latent, batch);
        Self { cell: Cell::new(&model.encoder), reading, latent, memory }
    }

    /// Reads the images with the decoder's state: `h^enc_t`, and the read window.
    fn read(&mut self, decoder: &Decoder) -> (Tensor<2>, Option<Placed>) {
        let canvas = decoder.canvas.clone();
        let [hidden, _] = decoder.memory.clone();
        let (projection, window) = match &self.reading {
            Reading::Whole { images, projected, rest } => {
                let error = images.clone() - sigmoid(canvas);
                (rest.add_product(projected.clone(), concatenate([error, hidden], 1)), None)
            }
            Reading::Glimpse { grid, images, input } => {
                let window = decoder.read_window();
                let glimpse = grid.read(images.clone(), canvas, window.clone());
                (input.forward(Tensor::cat(vec![glimpse, hidden], 1)), Some((*grid, window)))
            }
        };
        self.memory = self.cell.step(projection, self.memory.clone());
        (self.memory[0].clone(), window)
    }
}

impl Decoder {
    fn new(model: &Draw, batch: usize) -> Self {
        let writing = match model.settings.write_grid() {
            Some(n) => Writing::Patch { grid: grid(n, model.shape), numbers: model.write.weight.dims()[1] },
            None => Writing::Whole(RepeatedLinear::of(&model.write, batch)),
        };
        let mut decoder = Self {
            cell: Cell::new(&model.decoder),
            input: RepeatedLinear::new(
                LayerWeight::new(model.decoder.matrix("weight_ih")).whole(),
                Some(bias(&model.decoder)),
                batch,
            ),
            writing,
            heads: heads(model, batch),
            memory: start(model.decoder_start.val(), batch),
            canvas: model.canvas.val().expand([batch, model.shape.pixels()]),
            headed: None,
            written: None,
        };
        if model.read.is_some() {
            decoder.head();
        }
        decoder
    }

    /// `c_t = c_{t-1} + write(h^dec_t)`.
    fn write(&mut self, latent: Tensor<2>) {
        self.memory = self.cell.step(self.input.forward(latent), self.memory.clone());
        self.head();
        let canvas = self.canvas.clone();
        self.canvas = match &self.writing {
            Writing::Whole(write) => canvas + write.forward(self.memory[0].clone()),
            Writing::Patch { grid, numbers } => {
                let patch = self.headed().narrow(1, 0, *numbers);
                let window = self.headed().narrow(1, *numbers, WINDOW);
                self.written = Some((*grid, window.clone()));
                grid.write(canvas, patch, window)
            }
        };
    }

    /// Applies the layers of the windows to the hidden state.
    fn head(&mut self) {
        self.headed = self.heads.as_ref().map(|heads| heads.forward(self.memory[0].clone()));
    }

    /// `[B, O]`: a patch and its window, if patches are written, and the next read window, if there is one.
    fn headed(&self) -> Tensor<2> {
        self.headed.clone().expect("a model with windows has layers for them")
    }

    /// `[B, 5]`: the window through which the encoder reads next.
    fn read_window(&self) -> Tensor<2> {
        let headed = self.headed();
        let [_, numbers] = headed.dims();
        headed.narrow(1, numbers - WINDOW, WINDOW)
    }

    fn drawn(&self, read: Option<Placed>) -> Drawn {
        let bounds = |(grid, window): Placed| grid.bounds(window);
        Drawn { image: sigmoid(self.canvas.clone()), read: read.map(bounds), written: self.written.clone().map(bounds) }
    }
}

impl Cell {
    fn new(layer: &Layer) -> Self {
        Self { hidden: LayerWeight::new(layer.matrix("weight_hh")).whole(), scan: Scan::of_loop() }
    }
}

/// The layers of `model` that place windows, and that which fills a patch, side by side: all read the decoder's hidden
/// state, and each alone is too small a product for several threads.
fn heads(model: &Draw, batch: usize) -> Option<RepeatedLinear> {
    let write = model.window.as_ref().map(|window| [&model.write, window]);
    let layers: Vec<_> = write.into_iter().flatten().chain(&model.read).collect();
    if layers.is_empty() {
        return None;
    }
    let weight = Tensor::cat(layers.iter().map(|layer| layer.weight.val()).collect(), 1);
    let biases = layers.iter().map(|layer| layer.bias.as_ref().expect("layers of windows have biases").val());
    Some(RepeatedLinear::new(Repeated::new(weight), Some(Tensor::cat(biases.collect(), 0)), batch))
}

/// `b_ih + b_hh` `[4H]`.
fn bias(layer: &Layer) -> Tensor<1> {
    let [ih, hh] = ["bias_ih", "bias_hh"].map(|name| layer.vector(name).expect("the LSTMs of the model have biases"));
    ih + hh
}

/// The learned initial state `[2, H]`, repeated for every row of a batch.
fn start(learned: Tensor<2>, batch: usize) -> Memory {
    let [_, hidden] = learned.dims();
    [0, 1].map(|part| learned.clone().narrow(0, part, 1).expand([batch, hidden]))
}
