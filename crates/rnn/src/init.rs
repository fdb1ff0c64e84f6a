//! How weights are drawn.

use std::fmt;
use std::str::FromStr;

use burn::config::Config;
use burn::module::Param;
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::orthogonal::orthogonal;

/// How the weights of a recurrent layer start.
///
/// Weights are drawn on the host, gate by gate in the order `weight_ih`,
/// `weight_hh`, `bias_ih`, `bias_hh`, so that one random stream gives the same
/// weights on every backend.
#[derive(Config, Debug, PartialEq)]
pub struct Initialization {
    /// The distribution of the weights.
    #[config(default = "Scheme::Pytorch")]
    pub scheme: Scheme,
    /// The bias of the forget gate of an LSTM: `bias_ih` gets this value and
    /// `bias_hh` 0, so that the gate starts open and gradients flow through
    /// time (Gers, Schmidhuber and Cummins 2000; Jozefowicz, Zaremba and
    /// Sutskever 2015). A coupled LSTM, whose forget gate is `1 - i`, gets the
    /// negative on its input gate.
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
    /// Weights and biases from `U(-1/√H, 1/√H)`, as `torch.nn.LSTM` does.
    #[default]
    Pytorch,
    /// Each gate's block of `weight_ih` from `U(±√(6 / (I + H)))` and of
    /// `weight_hh` from `U(±√(6 / 2H))`; biases 0 (Glorot and Bengio,
    /// "Understanding the difficulty of training deep feedforward neural
    /// networks", 2010).
    Xavier,
    /// Each gate's block of `weight_hh` a random orthogonal matrix, which
    /// keeps the length of what it multiplies; `weight_ih` as
    /// [`Xavier`](Self::Xavier); biases 0 (Saxe, McClelland and Ganguli,
    /// "Exact solutions to the nonlinear dynamics of learning in deep linear
    /// neural networks", 2013).
    Orthogonal,
}

impl Scheme {
    /// All schemes, the default first.
    pub const ALL: [Self; 3] = [Self::Pytorch, Self::Xavier, Self::Orthogonal];

    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pytorch => "pytorch",
            Self::Xavier => "xavier",
            Self::Orthogonal => "orthogonal",
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

/// Which rows of the bias open the forget gate.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ForgetGate {
    /// The gate has rows of its own, at this block.
    Own(usize),
    /// The gate is one minus the gate at this block.
    OneMinus(usize),
}

/// The sizes that the weights of a layer follow from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightShape {
    /// Blocks of `H` rows.
    pub gates: usize,
    pub input_size: usize,
    pub hidden_size: usize,
    pub bias: bool,
    pub forget_gate: Option<ForgetGate>,
}

/// The weights that all cells have, in PyTorch's layout.
pub(crate) struct Weights {
    /// `[G, I]`.
    pub weight_ih: Param<Tensor<2>>,
    /// `[G, H]`.
    pub weight_hh: Param<Tensor<2>>,
    /// `[G]`.
    pub bias_ih: Option<Param<Tensor<1>>>,
    /// `[G]`.
    pub bias_hh: Option<Param<Tensor<1>>>,
}

impl Initialization {
    /// Draws the weights of one layer.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub(crate) fn draw<R: Rng + ?Sized>(&self, shape: WeightShape, rng: &mut R, device: &Device) -> Weights {
        let WeightShape { gates, input_size, hidden_size, .. } = shape;
        assert!(input_size > 0, "the input size must be at least 1");
        assert!(hidden_size > 0, "the hidden size must be at least 1");
        let mut weight_ih = Vec::with_capacity(gates * hidden_size * input_size);
        let mut weight_hh = Vec::with_capacity(gates * hidden_size * hidden_size);
        for _ in 0..gates {
            weight_ih.extend(self.input_block(input_size, hidden_size, rng));
        }
        for _ in 0..gates {
            weight_hh.extend(self.recurrent_block(hidden_size, rng));
        }
        let (bias_ih, bias_hh) = if shape.bias {
            let (ih, hh) = self.biases(shape, rng);
            (Some(parameter(ih, device)), Some(parameter(hh, device)))
        } else {
            (None, None)
        };
        let rows = gates * hidden_size;
        Weights {
            weight_ih: matrix(weight_ih, [rows, input_size], device),
            weight_hh: matrix(weight_hh, [rows, hidden_size], device),
            bias_ih,
            bias_hh,
        }
    }

    /// `[H, I]`: one gate's block of `weight_ih`.
    fn input_block<R: Rng + ?Sized>(&self, input: usize, hidden: usize, rng: &mut R) -> Vec<f32> {
        let bound = match self.scheme {
            Scheme::Pytorch => pytorch_bound(hidden),
            Scheme::Xavier | Scheme::Orthogonal => xavier_bound(input, hidden),
        };
        uniform(hidden * input, bound, rng)
    }

    /// `[H, H]`: one gate's block of `weight_hh`.
    fn recurrent_block<R: Rng + ?Sized>(&self, hidden: usize, rng: &mut R) -> Vec<f32> {
        match self.scheme {
            Scheme::Pytorch => uniform(hidden * hidden, pytorch_bound(hidden), rng),
            Scheme::Xavier => uniform(hidden * hidden, xavier_bound(hidden, hidden), rng),
            Scheme::Orthogonal => orthogonal(hidden, rng),
        }
    }

    /// `bias_ih` and `bias_hh`, each `[G]`.
    fn biases<R: Rng + ?Sized>(&self, shape: WeightShape, rng: &mut R) -> (Vec<f32>, Vec<f32>) {
        let hidden = shape.hidden_size;
        let rows = shape.gates * hidden;
        let mut draw = || match self.scheme {
            Scheme::Pytorch => uniform(rows, pytorch_bound(hidden), rng),
            Scheme::Xavier | Scheme::Orthogonal => vec![0.0; rows],
        };
        let (mut ih, mut hh) = (draw(), draw());
        if let (Some(gate), Some(value)) = (shape.forget_gate, self.forget_gate_bias) {
            let (block, value) = match gate {
                ForgetGate::Own(block) => (block, value),
                ForgetGate::OneMinus(block) => (block, -value),
            };
            let rows = block * hidden..(block + 1) * hidden;
            ih[rows.clone()].fill(value as f32);
            hh[rows].fill(0.0);
        }
        (ih, hh)
    }
}

/// A random stream that follows the device's own, so that
/// [`Device::seed`] fixes the weights drawn from it.
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

fn matrix(values: Vec<f32>, shape: [usize; 2], device: &Device) -> Param<Tensor<2>> {
    Param::from_data(TensorData::new(values, shape), device)
}

/// A vector of parameters `[N]`.
pub(crate) fn parameter(values: Vec<f32>, device: &Device) -> Param<Tensor<1>> {
    let count = values.len();
    Param::from_data(TensorData::new(values, [count]), device)
}
