//! The weights that a fresh network has.

use burn::tensor::{Device, TensorData};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rekindle_rnn::{Cell, Initialization, RecurrentConfig, Scheme};
use rstest::rstest;

#[cfg(feature = "flex")]
use crate::devices::flex;
#[cfg(feature = "ndarray")]
use crate::devices::ndarray;
use crate::named_parameters::{self, Named};

const INPUT: usize = 20;
const HIDDEN: usize = 50;

fn weights(cell: Cell, init: Initialization, device: &Device) -> Named {
    let network =
        RecurrentConfig::new(INPUT, HIDDEN, cell).with_init(init).init_with(&mut StdRng::seed_from_u64(11), device);
    named_parameters::values(&network)
}

/// One gate's block of `H` rows.
fn block(weights: &TensorData, gate: usize) -> Vec<f32> {
    let columns = weights.shape().num_elements() / weights.shape()[0];
    let size = HIDDEN * columns;
    weights.iter().skip(gate * size).take(size).collect()
}

/// Uniform over `±bound`: all inside, near to both ends, and with the
/// variance `bound² / 3`.
fn assert_uniform(values: &[f32], bound: f32) {
    let largest = values.iter().fold(f32::MIN, |a, &b| a.max(b));
    let smallest = values.iter().fold(f32::MAX, |a, &b| a.min(b));
    assert!(smallest >= -bound && largest <= bound, "{smallest}..{largest}");
    // The chance that 1,000 numbers all miss the outermost 2 % is 2e-9.
    assert!(smallest < -0.96 * bound && largest > 0.96 * bound);
    let variance = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
    // The variance of 1,000 numbers varies by 3 %; this is three times that.
    assert!((variance / (bound * bound / 3.0) - 1.0).abs() < 0.1);
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn pytorch_scheme_is_uniform_within_one_over_root_hidden(#[case] device: Device) {
    let init = Initialization::new().with_forget_gate_bias(None);
    let weights = weights(Cell::Lstm, init, &device);
    let bound = 1.0 / (HIDDEN as f32).sqrt();
    for name in ["weight_ih_l0", "weight_hh_l0"] {
        assert_uniform(&weights[name].iter().collect::<Vec<_>>(), bound);
    }
    let biases: Vec<f32> = weights["bias_ih_l0"].iter().chain(weights["bias_hh_l0"].iter()).collect();
    assert!(biases.iter().all(|bias| bias.abs() <= bound && *bias != 0.0));
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn xavier_scheme_looks_at_each_gate_alone(#[case] device: Device) {
    let init = Initialization::new().with_scheme(Scheme::Xavier);
    let weights = weights(Cell::Gru, init, &device);
    for gate in 0..3 {
        let bound = (6.0 / (INPUT + HIDDEN) as f32).sqrt();
        assert_uniform(&block(&weights["weight_ih_l0"], gate), bound);
        let bound = (6.0 / (2 * HIDDEN) as f32).sqrt();
        assert_uniform(&block(&weights["weight_hh_l0"], gate), bound);
    }
    assert!(weights["bias_ih_l0"].iter::<f32>().all(|bias| bias == 0.0));
    assert!(weights["bias_hh_l0"].iter::<f32>().all(|bias| bias == 0.0));
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn orthogonal_scheme_has_orthogonal_recurrent_blocks(#[case] device: Device) {
    let init = Initialization::new().with_scheme(Scheme::Orthogonal);
    let weights = weights(Cell::Lstm, init, &device);
    for gate in 0..4 {
        let w = block(&weights["weight_hh_l0"], gate);
        for i in 0..HIDDEN {
            for j in 0..HIDDEN {
                let product: f32 = (0..HIDDEN).map(|k| w[k * HIDDEN + i] * w[k * HIDDEN + j]).sum();
                let wanted = if i == j { 1.0 } else { 0.0 };
                // Computed in f64 and rounded to f32: 50 products of numbers
                // below 1, each off by at most 1e-7.
                assert!((product - wanted).abs() < 1e-5, "(WᵀW)[{i}, {j}] = {product}");
            }
        }
    }
    assert_ne!(block(&weights["weight_hh_l0"], 0), block(&weights["weight_hh_l0"], 1));
}

/// Normal with this standard deviation: nothing beyond five of them, and with its variance.
#[cfg(feature = "flex")]
fn assert_normal(values: &[f32], deviation: f32) {
    assert!(values.iter().all(|value| value.abs() < 5.0 * deviation));
    // Of a normal distribution, 32 % lie beyond one standard deviation; of 1,000 numbers, within 5 % of that.
    let outside = values.iter().filter(|value| value.abs() > deviation).count() as f32 / values.len() as f32;
    assert!((outside - 0.317).abs() < 0.05, "{outside}");
    let variance = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
    assert!((variance / (deviation * deviation) - 1.0).abs() < 0.15, "{variance}");
}

/// `params:uniform(-0.08, 0.08)`, then 1 in the forget gate's bias of the input only.
#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn char_rnn_draws_all_within_0_08(#[case] device: Device) {
    let weights = weights(Cell::Lstm, Initialization::new().with_scheme(Scheme::CharRnn), &device);
    for name in ["weight_ih_l0", "weight_hh_l0"] {
        assert_uniform(&weights[name].iter().collect::<Vec<_>>(), 0.08);
    }
    assert_eq!(block(&weights["bias_ih_l0"], 1), [1.0; HIDDEN]);
    assert!(block(&weights["bias_hh_l0"], 1).iter().all(|bias| bias.abs() <= 0.08 && *bias != 0.0));
}

/// `weight:normal(0, 1 / math.sqrt(H + D))` and `np.random.randn(...) * 0.01`, both with biases of 0.
#[rstest]
#[case::torch_rnn(Scheme::TorchRnn, Cell::Lstm, 1.0 / ((INPUT + HIDDEN) as f32).sqrt())]
#[case::min_char_rnn(Scheme::MinCharRnn, Cell::Rnn, 0.01)]
#[cfg(feature = "flex")]
fn torch_rnn_and_min_char_rnn_draw_normal_weights(#[case] scheme: Scheme, #[case] cell: Cell, #[case] deviation: f32) {
    let weights = weights(cell, Initialization::new().with_scheme(scheme), &flex());
    for name in ["weight_ih_l0", "weight_hh_l0"] {
        assert_normal(&weights[name].iter().collect::<Vec<_>>(), deviation);
    }
    assert!(block(&weights["bias_ih_l0"], 0).iter().chain(&block(&weights["bias_hh_l0"], 0)).all(|bias| *bias == 0.0));
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn the_forget_gate_starts_open(
    #[case] device: Device,
    #[values(Scheme::Pytorch, Scheme::Xavier, Scheme::Orthogonal)] scheme: Scheme,
    #[values(
        (Cell::Lstm, 1, 1.0),
        (Cell::PeepholeLstm, 1, 1.0),
        (Cell::ReluLstm, 1, 1.0),
        (Cell::LayerNormLstm, 1, 1.0),
        // f = 1 - σ(a) = σ(-a)
        (Cell::CoupledLstm, 0, -1.0),
        (Cell::MinLstm, 0, 1.0)
    )]
    (cell, gate, value): (Cell, usize, f32),
) {
    let weights = weights(cell, Initialization::new().with_scheme(scheme), &device);
    assert_eq!(block(&weights["bias_ih_l0"], gate), [value; HIDDEN]);
    assert_eq!(weights.contains_key("bias_hh_l0"), cell.has_recurrent_product());
    if let Some(bias_hh) = weights.get("bias_hh_l0") {
        assert_eq!(block(bias_hh, gate), [0.0; HIDDEN]);
    }
    assert_ne!(block(&weights["bias_ih_l0"], 2), [value; HIDDEN]);
}

#[test]
#[cfg(all(feature = "flex", feature = "ndarray"))]
fn one_random_stream_gives_the_same_weights_on_every_backend() {
    for cell in Cell::ALL {
        for scheme in Scheme::ALL {
            let init = Initialization::new().with_scheme(scheme);
            assert_eq!(weights(cell, init.clone(), &flex()), weights(cell, init, &ndarray()), "{cell}");
        }
    }
}
