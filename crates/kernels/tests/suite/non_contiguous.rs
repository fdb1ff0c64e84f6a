//! Tensors whose elements are not in row-major order are read right, and tensors that
//! somebody else holds are left alone.

use burn::prelude::*;
use burn::tensor::DType;
use rekindle_kernels::{Input, Scan};
use rekindle_testing::{assert_close, devices, values};
use rstest::rstest;

use crate::sequence::{Arguments, Body, Cell, Sizes, call, tensor};

const SIZES: Sizes = Sizes { steps: 3, batch: 4, hidden: 5, vocabulary: None };

#[rstest]
fn transposed_sliced_and_expanded_arguments_are_read_right(
    #[values(Cell::RnnTanh, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
) {
    for device in devices() {
        let Sizes { steps, batch, hidden, .. } = SIZES;
        let gates = cell.gates() * hidden;
        let arguments = Arguments::random(cell, SIZES, 1);
        let [input, weight, bias, ..] = &arguments.values;
        let tensor3 = tensor(input, [batch, steps, gates], &device, DType::F32).swap_dims(0, 1);
        let weight = tensor(weight, [hidden, gates], &device, DType::F32).transpose();
        let bias = tensor(bias, [gates], &device, DType::F32).flip([0]);
        let h0 = tensor(&arguments.values[3], [hidden, batch], &device, DType::F32).transpose();
        let c0 = tensor(&arguments.values[4], [batch * hidden], &device, DType::F32);
        let c0 = c0.narrow(0, 1, hidden).reshape([1, hidden]).expand([batch, hidden]);
        let tokens = Tensor::<2, Int>::from_data([[0, 2, 1], [3, 0, 0], [2, 2, 2], [1, 3, 0]], &device);
        let table = tensor3.clone().narrow(0, 1, 1).squeeze_dim::<2>(0);

        let own = |data: Vec<f64>, shape: [usize; 2]| tensor(&data, shape, &device, DType::F32);
        let parameters = [weight.clone(), h0.clone(), c0.clone()];
        let copies =
            [own(values(weight), [gates, hidden]), own(values(h0), [batch, hidden]), own(values(c0), [batch, hidden])];
        let bias_copy = tensor(&values(bias.clone()), [gates], &device, DType::F32);
        let inputs = [
            (
                Input::Projected(tensor3.clone()),
                Input::Projected(tensor(&values(tensor3), [steps, batch, gates], &device, DType::F32)),
            ),
            (
                Input::Tokens { table: table.clone(), tokens: tokens.clone().transpose() },
                Input::Tokens {
                    table: own(values(table), [batch, gates]),
                    tokens: Tensor::from_data(tokens.transpose().into_data(), &device),
                },
            ),
        ];
        for (strided, copied) in inputs {
            let scan = Scan::default();
            let (seen, seen_last) = call(cell, Body::Operation, strided, parameters.clone(), bias.clone(), &scan);
            let (wanted, wanted_last) = call(cell, Body::Composed, copied, copies.clone(), bias_copy.clone(), &scan);
            // Five products a step: three steps differ by a few units in the last place.
            assert_close("hidden", &values(seen), &values(wanted), 1e-6);
            for (seen, wanted) in seen_last.into_iter().zip(wanted_last) {
                assert_close("last", &values(seen), &values(wanted), 1e-6);
            }
        }
    }
}

#[rstest]
fn a_projection_that_somebody_else_holds_keeps_its_numbers(
    #[values(Cell::RnnTanh, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
    #[values(false, true)] training: bool,
) {
    for device in devices() {
        let Sizes { steps, batch, hidden, .. } = SIZES;
        let device = if training { device.autodiff() } else { device };
        let gates = cell.gates() * hidden;
        let arguments = Arguments::random(cell, SIZES, 2);
        let held = tensor(&arguments.values[0], [steps, batch, gates], &device, DType::F32);
        let weight = tensor(&arguments.values[1], [gates, hidden], &device, DType::F32);
        let weight = weight.set_require_grad(training);
        let h0 = tensor(&arguments.values[3], [batch, hidden], &device, DType::F32);
        let bias = tensor(&arguments.values[2], [gates], &device, DType::F32);
        let before = values(held.clone());
        let states_before = values(h0.clone());
        let parameters = [weight, h0.clone(), h0.clone()];
        call(cell, Body::Operation, Input::Projected(held.clone()), parameters, bias, &Scan::default());
        assert_eq!(values(held), before);
        assert_eq!(values(h0), states_before);
    }
}
