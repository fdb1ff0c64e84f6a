//! The activations of every cell against the layer's own results.

use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rekindle_rnn::{Cell, RecurrentConfig, Trace};
use rekindle_testing::{Numbers, assert_close, values};
use rstest::rstest;

#[cfg(feature = "flex")]
use crate::devices::flex;
#[cfg(feature = "ndarray")]
use crate::devices::ndarray;

const TIME: usize = 7;
/// Single precision, a few operations.
const TOLERANCE: f64 = 1e-5;

/// The hidden states that follow from the gates by the last line of the cell's equations; none for a cell that applies
/// something else to its cell state.
fn hidden_from_gates(cell: Cell, trace: &Trace, before: Tensor<3>) -> Option<Tensor<3>> {
    let gate = |name: &str| trace.gates.iter().find(|gate| gate.name == name).unwrap().values.clone();
    match cell {
        Cell::Rnn | Cell::RnnRelu => None,
        Cell::LayerNormLstm => None,
        Cell::Gru => {
            let z = gate("z");
            Some((z.clone() * -1.0 + 1.0) * gate("n") + z * before)
        }
        Cell::MinGru => {
            let z = gate("z");
            Some((z.clone() * -1.0 + 1.0) * before + z * gate("h̃"))
        }
        Cell::MinLstm => Some(gate("f") * before + gate("i") * gate("h̃")),
        _ => Some(gate("o") * trace.cell.clone().unwrap().tanh()),
    }
}

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn hidden_states_follow_from_the_gates_of_every_cell(#[case] device: Device) {
    for cell in Cell::ALL {
        let config = RecurrentConfig::new(4, 6, cell).with_num_layers(2).with_bidirectional(true);
        let network = config.init_with(&mut StdRng::seed_from_u64(1), &device);
        let mut numbers = Numbers::new(2);
        let input: Tensor<3> = numbers.normal([TIME, 3, 4], 0.0, 1.0, &device);
        let zero = network.zero_state(3, &device);
        let start = zero.map(|tensor| numbers.normal(tensor.dims(), 0.0, 0.5, &device));
        let (output, state) = network.forward_time_major(input.clone(), Some(start.clone()), None);
        let (traces, last) = network.trace(input, Some(start.clone()));
        assert_eq!(traces.len(), 4);
        let top = Tensor::cat(vec![traces[2].trace.hidden.clone(), traces[3].trace.hidden.clone()], 2);
        assert_eq!(values(top), values(output), "{cell}");
        for (index, layer) in traces.iter().enumerate() {
            let (trace, reverse) = (&layer.trace, layer.reverse);
            assert_eq!((layer.layer, reverse), (index / 2, index % 2 == 1));
            let first = start.layers[index].hidden.clone().unsqueeze_dim(0);
            let before = match reverse {
                false => Tensor::cat(vec![first, trace.hidden.clone().narrow(0, 0, TIME - 1)], 0),
                true => Tensor::cat(vec![trace.hidden.clone().narrow(0, 1, TIME - 1), first], 0),
            };
            if let Some(hidden) = hidden_from_gates(cell, trace, before) {
                let what = format!("{cell}, layer {index}");
                assert_close(&what, &values(hidden), &values(trace.hidden.clone()), TOLERANCE);
            }
            assert_eq!(trace.cell.is_some(), cell.has_cell_state(), "{cell}");
            let end = if reverse { 0 } else { TIME - 1 };
            for (trace, last) in [
                (Some(&trace.hidden), Some(&last.layers[index].hidden)),
                (trace.cell.as_ref(), last.layers[index].cell.as_ref()),
            ] {
                if let (Some(trace), Some(last)) = (trace, last) {
                    let seen = values(trace.clone().narrow(0, end, 1));
                    assert_close(&format!("{cell}, layer {index}"), &seen, &values(last.clone()), TOLERANCE);
                }
            }
            for gate in trace.gates.iter().filter(|gate| gate.is_gate) {
                let (least, most) =
                    (gate.values.clone().min().into_scalar::<f32>(), gate.values.clone().max().into_scalar::<f32>());
                assert!(least > 0.0 && most < 1.0, "{cell} {}: {least} to {most}", gate.name);
            }
        }
        let same = state.to_data().iter().zip(last.to_data()).all(|(a, b)| *a == b);
        assert!(same, "{cell}");
    }
}
