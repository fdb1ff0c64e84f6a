//! Past its length a row is frozen, silent and without gradient.

use burn::tensor::DType;
use rekindle_kernels::{Direction, Input, Scan};
use rekindle_testing::{assert_close, devices, values};
use rstest::rstest;

use crate::sequence::{Arguments, Body, Cell, Loss, Sizes, call, tensor};

const SIZES: Sizes = Sizes { steps: 4, batch: 3, hidden: 5, vocabulary: None };
const LENGTHS: [usize; 3] = [2, 4, 1];

#[rstest]
fn a_padded_row_has_the_numbers_of_the_shorter_sequence(
    #[values(Cell::RnnTanh, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
    #[values(Body::Operation, Body::Composed)] body: Body,
    #[values(Direction::Forward, Direction::Reverse)] direction: Direction,
) {
    for device in devices() {
        let Sizes { steps, batch, hidden, .. } = SIZES;
        let gates = cell.gates() * hidden;
        let arguments = Arguments::random(cell, SIZES, 6);
        let scan = Scan { direction, lengths: Some(LENGTHS.to_vec()), ..Scan::default() };
        let (padded, last) = arguments.outputs(body, &device, DType::F32, &scan);
        let padded = values(padded);

        let [input, weight, bias, h0, c0] = &arguments.values;
        let input = tensor(input, [steps, batch, gates], &device, DType::F32);
        let weight = tensor(weight, [gates, hidden], &device, DType::F32);
        let bias = tensor(bias, [gates], &device, DType::F32);
        for (b, length) in LENGTHS.into_iter().enumerate() {
            let state = |values: &[f64]| tensor(&values[b * hidden..][..hidden], [1, hidden], &device, DType::F32);
            let alone = Input::Projected(input.clone().slice([0..length, b..b + 1, 0..gates]));
            let parameters = [weight.clone(), state(h0), state(c0)];
            let scan = Scan { direction, lengths: None, ..Scan::default() };
            let (alone, alone_last) = call(cell, body, alone, parameters, bias.clone(), &scan);
            let mut wanted = values(alone);
            wanted.resize(steps * hidden, 0.0);
            let seen: Vec<f64> =
                (0..steps).flat_map(|t| padded[(t * batch + b) * hidden..][..hidden].to_vec()).collect();
            // Burn's matrix product may add in another order for another batch.
            assert_close("hidden states", &seen, &wanted, 1e-6);
            for (last, wanted) in last.iter().zip(alone_last) {
                let seen = last.clone().slice([b..b + 1, 0..hidden]);
                assert_close("final state", &values(seen), &values(wanted), 1e-6);
            }
        }
    }
}

#[rstest]
fn a_nan_in_the_padding_reaches_neither_outputs_nor_gradients(
    #[values(Cell::RnnTanh, Cell::RnnRelu, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
    #[values(Body::Operation, Body::Composed)] body: Body,
    #[values(Direction::Forward, Direction::Reverse)] direction: Direction,
) {
    for device in devices() {
        let gates = cell.gates() * SIZES.hidden;
        let mut arguments = Arguments::random(cell, SIZES, 6);
        let padding = |position: &usize| position / SIZES.batch >= LENGTHS[position % SIZES.batch];
        let padding: Vec<usize> = (0..SIZES.steps * SIZES.batch).filter(padding).collect();
        for position in &padding {
            arguments.values[0][position * gates..][..gates].fill(f64::NAN);
        }
        let scan = Scan { direction, lengths: Some(LENGTHS.to_vec()), ..Scan::default() };
        let results = arguments.results(body, &device, DType::F32, &scan, Loss::Both);
        assert!(results.outputs.iter().flatten().all(|x| x.is_finite()));
        assert!(results.gradients.iter().flatten().flatten().all(|x| x.is_finite()));
        let of_input = results.gradients[0].as_ref().expect("the input has a gradient");
        for position in padding {
            assert!(of_input[position * gates..][..gates].iter().all(|&x| x == 0.0));
        }
    }
}

#[rstest]
fn a_nan_in_a_valid_step_shows(
    #[values(Cell::RnnTanh, Cell::RnnRelu, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm)] cell: Cell,
) {
    for device in devices() {
        let mut arguments = Arguments::random(cell, SIZES, 6);
        arguments.values[0].fill(f64::NAN);
        let (hidden, _) = arguments.outputs(Body::Operation, &device, DType::F32, &Scan::default());
        assert!(values(hidden).iter().all(|x| x.is_nan()));
    }
}
