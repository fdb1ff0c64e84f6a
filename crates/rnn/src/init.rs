//! Initialisation of weights.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;

use burn::config::Config;
use burn::module::{Param, ParamId};
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::orthogonal::orthogonal;
use crate::weights::{Size, Sizes, Start, WeightShape};

/// Initialisation of the weights of a recurrent layer.
///
/// Weights are drawn on the host, gate by gate in the order `weight_ih`,
/// `weight_hh`, `bias_ih`, `bias_hh` and that of [`Cell::weight_names`](crate::Cell::weight_names),
/// so that one random stream gives the same weights on every backend.
#[derive(Config, Debug, PartialEq)]
pub struct Initialization {
    /// The distribution of the weights.
    #[config(default = "Scheme::Pytorch")]
    pub scheme: Scheme,
    /// The bias of the forget gate of an LSTM: `bias_ih` gets this value and
    /// `bias_hh` 0, so that the gate starts open and gradients flow through
    /// time (Gers, Schmidhuber and Cummins 2000; Jozefowicz, Zaremba and
    /// Sutskever 2015). A coupled LSTM, whose forget gate is `1 - i`, gets the
    /// negative on its input gate; a minLSTM has no `bias_hh`.
    ///
    /// `None` leaves the forget gate to the scheme, as PyTorch does. Without
    /// effect on cells that have no forget gate and on layers without bias.
    #[config(default = "Some(1.0)")]
    pub forget_gate_bias: Option<f64>,
}

impl Default for Initialization {
    fn default() -> Self {
        Self::new()
    }
}

/// The distribution of the weights of a recurrent layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Weights and biases from `U(-1/√H, 1/√H)`, as in `torch.nn.LSTM`.
    #[default]
    Pytorch,
    /// Each gate's block of `weight_ih` from `U(±√(6 / (I + H)))` and of
    /// `weight_hh` from `U(±√(6 / 2H))`; biases 0 (Glorot and Bengio,
    /// "Understanding the difficulty of training deep feedforward neural
    /// networks", 2010).
    Xavier,
    /// Each gate's block of `weight_hh` is a random orthogonal matrix, which preserves the length
    /// of vectors; `weight_ih` as [`Xavier`](Self::Xavier); biases 0 (Saxe, McClelland and Ganguli,
    /// "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    /// 2013).
    Orthogonal,
    /// Weights and biases from `U(±0.08)`, as in char-rnn. The forget gate's `bias_hh` stays as drawn.
    CharRnn,
    /// Weights from `N(0, 1 / (I + H))`, biases 0, as in torch-rnn.
    TorchRnn,
    /// Weights from `N(0, 0.01²)`, biases 0, as in min-char-rnn.
    MinCharRnn,
}

/// The bound of char-rnn's weights.
pub const CHAR_RNN_BOUND: f64 = 0.08;
/// The standard deviation of min-char-rnn's weights.
pub const MIN_CHAR_RNN_DEVIATION: f64 = 0.01;

impl Scheme {
    /// All schemes, the default first.
    pub const ALL: [Self; 6] =
        [Self::Pytorch, Self::Xavier, Self::Orthogonal, Self::CharRnn, Self::TorchRnn, Self::MinCharRnn];

    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pytorch => "pytorch",
            Self::Xavier => "xavier",
            Self::Orthogonal => "orthogonal",
            Self::CharRnn => "char-rnn",
            Self::TorchRnn => "torch-rnn",
            Self::MinCharRnn => "min-char-rnn",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Scheme {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let scheme = Self::ALL.into_iter().find(|scheme| scheme.name() == name);
        scheme.ok_or_else(|| Error::UnknownScheme { name: name.into() })
    }
}

impl Initialization {
    /// Draws a weight, row by row; `forget_gate` is that of [`Equations`](crate::equations::Equations).
    pub(crate) fn draw<R: Rng + ?Sized>(
        &self,
        shape: &WeightShape,
        sizes: Sizes,
        forget_gate: Option<(usize, f64)>,
        rng: &mut R,
    ) -> Vec<f32> {
        let hidden = sizes.hidden;
        let rows = sizes.of(shape.sizes[0]);
        let mut values: Vec<f32> = match (shape.start, shape.sizes) {
            (Start::Constant(value), _) => vec![value; shape.sizes.iter().map(|&size| sizes.of(size)).product()],
            (Start::Drawn, &[Size::G, columns]) => (0..sizes.gates)
                .flat_map(|_gate| match (self.scheme, columns) {
                    (Scheme::Orthogonal, Size::H) => orthogonal(hidden, rng),
                    _ => self.block([hidden, sizes.of(columns)], sizes, rng),
                })
                .collect(),
            (Start::Drawn, &[_, columns]) => self.block([rows, sizes.of(columns)], sizes, rng),
            (Start::Drawn, _) => match self.scheme {
                Scheme::Pytorch => uniform(rows, pytorch_bound(hidden), rng),
                Scheme::CharRnn => uniform(rows, CHAR_RNN_BOUND, rng),
                Scheme::Xavier | Scheme::Orthogonal | Scheme::TorchRnn | Scheme::MinCharRnn => vec![0.0; rows],
            },
        };
        if let (Some((block, sign)), Some(value)) = (forget_gate, self.forget_gate_bias) {
            let rows = block * hidden..(block + 1) * hidden;
            match shape.name {
                "bias_ih" => values[rows].fill((sign * value) as f32),
                "bias_hh" if self.scheme != Scheme::CharRnn => values[rows].fill(0.0),
                _ => {}
            }
        }
        values
    }

    /// `[R, C]`: the block of one gate.
    fn block<R: Rng + ?Sized>(&self, [rows, columns]: [usize; 2], sizes: Sizes, rng: &mut R) -> Vec<f32> {
        let count = rows * columns;
        match self.scheme {
            Scheme::Pytorch => uniform(count, pytorch_bound(sizes.hidden), rng),
            Scheme::Xavier | Scheme::Orthogonal => uniform(count, xavier_bound(columns, rows), rng),
            Scheme::CharRnn => uniform(count, CHAR_RNN_BOUND, rng),
            Scheme::TorchRnn => normal(count, 1.0 / ((sizes.input + sizes.hidden) as f64).sqrt(), rng),
            Scheme::MinCharRnn => normal(count, MIN_CHAR_RNN_DEVIATION, rng),
        }
    }
}

thread_local! {
    static BLANK: Cell<bool> = const { Cell::new(false) };
}

/// Calls `build` without drawing weights: each is zeros, allocated when it is first read, unless it is replaced
/// before. So a model whose weights come from a file has no initialisation cost, and one that is built only for its
/// [number of parameters](burn::module::Module::num_params) needs no memory.
///
/// It affects all weights from [`parameter`], including those of this crate.
pub fn blank<M>(build: impl FnOnce() -> M) -> M {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            BLANK.set(self.0);
        }
    }
    let _restore = Restore(BLANK.replace(true));
    build()
}

/// A parameter with the values of `draw`, row by row; in a [`blank`] model `draw` is not called.
///
/// # Panics
///
/// When the number of values is not that of `shape`.
pub fn parameter<const D: usize>(
    shape: [usize; D],
    device: &Device,
    draw: impl FnOnce() -> Vec<f32>,
) -> Param<Tensor<D>> {
    if !BLANK.get() {
        return Param::from_data(TensorData::new(draw(), shape), device);
    }
    let zeros = move |device: &Device, trained| {
        let zeros = Tensor::zeros(shape, device);
        if trained { zeros.require_grad() } else { zeros }
    };
    Param::uninitialized(ParamId::new(), zeros, device.clone(), true, shape.into())
}

/// A random stream seeded from the device's generator, so that [`Device::seed`] determines the
/// weights drawn from it.
pub(crate) fn device_rng(device: &Device) -> StdRng {
    let drawn = Tensor::<1>::random([32], Distribution::Uniform(0.0, 256.0), device);
    let bytes: Vec<u8> = drawn.into_data().iter::<f32>().map(|byte| byte as u8).collect();
    let mut seed = [0; 32];
    seed.copy_from_slice(&bytes);
    StdRng::from_seed(seed)
}

fn pytorch_bound(hidden: usize) -> f64 {
    1.0 / (hidden as f64).sqrt()
}

fn xavier_bound(fan_in: usize, fan_out: usize) -> f64 {
    (6.0 / (fan_in + fan_out) as f64).sqrt()
}

fn uniform<R: Rng + ?Sized>(count: usize, bound: f64, rng: &mut R) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-bound..bound) as f32).collect()
}

fn normal<R: Rng + ?Sized>(count: usize, deviation: f64, rng: &mut R) -> Vec<f32> {
    (0..count).map(|_| (rng.sample::<f64, _>(StandardNormal) * deviation) as f32).collect()
}
