use burn::tensor::activation::softmax;
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::*;
use crate::cpu::testing::numbers;
use crate::{minimal::Minimal, rnn::Activation};

fn tensor<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers(shape.iter().product(), seed), shape), &Device::flex())
}

#[test]
fn rows_have_the_bits_of_one_row_alone() {
    for width in [1, 5, 33] {
        for count in [1, 3, 14] {
            let minimal = [Minimal::Gru, Minimal::Lstm].map(Cell::Minimal);
            for cell in [Cell::Rnn(Activation::Tanh), Cell::Lstm, Cell::Gru].into_iter().chain(minimal) {
                for bias_hh in [Some(tensor([3 * width], 3)), None] {
                    let stride = cell.gates() * width;
                    let weight_hh = || Some(tensor([stride, width], 1));
                    let stepper = |rows| CellStepper::new(cell, width, weight_hh(), bias_hh.clone(), rows);
                    let (several, one) = (stepper(Rows::Several).unwrap(), stepper(Rows::One).unwrap());
                    let states = || [numbers(count * stride, 4), numbers(count * width, 5), numbers(count * width, 6)];
                    let [mut gates, mut hidden, mut memory] = states();
                    several.step(&mut gates, &mut hidden, &mut memory);
                    // Those of one row, one row at a time and one after the other.
                    let [mut gates, mut alone, mut alone_memory] = states();
                    for r in 0..count {
                        let row = r * width..(r + 1) * width;
                        let gates = &mut gates[r * stride..][..stride];
                        one.step(gates, &mut alone[row.clone()], &mut alone_memory[row]);
                    }
                    assert_eq!((&alone, &alone_memory), (&hidden, &memory));
                    let [mut gates, mut in_turn, mut memory_in_turn] = states();
                    one.step(&mut gates, &mut in_turn, &mut memory_in_turn);
                    assert_eq!((in_turn, memory_in_turn), (hidden, memory));
                }
            }
        }
        let layer = |rows| PackedLinear::new(tensor([17, width], 1), Some(tensor([17], 2)), rows).unwrap();
        let (several, one) = (layer(Rows::Several), layer(Rows::One));
        let x = numbers(7 * width, 3);
        let mut y = vec![0.0; 17];
        for (x, seen) in x.chunks_exact(width).zip(several.product(&x).chunks_exact(17)) {
            one.apply(x, &mut y);
            assert_eq!(y, seen);
        }
        // The same weights, lying by columns.
        for rows in [Rows::One, Rows::Several] {
            let plain = PackedLinear::plain(tensor([17, width], 1).transpose(), Some(tensor([17], 2)), rows).unwrap();
            assert_eq!((plain.output_size(), plain.product(&x)), (17, several.product(&x)));
        }
    }
}

#[test]
fn attention_is_that_of_tensors() {
    for [positions, width] in [[1, 3], [7, 100], [13, 64]] {
        let (query, memory) = (numbers(width, 1), numbers(positions * width, 2));
        let (mut weights, mut context) = (vec![0.0; positions], vec![f32::NAN; width]);
        attend(&query, &memory, 0.7, &mut weights, &mut context);
        let (q, m) = (tensor([width, 1], 1), tensor([positions, width], 2));
        let wanted = softmax(m.clone().matmul(q) * 0.7, 0);
        let wanted_context = wanted.clone().transpose().matmul(m);
        for (seen, wanted) in [(&weights, elements(wanted)), (&context, elements(wanted_context))] {
            for (seen, wanted) in seen.iter().zip(wanted.unwrap()) {
                // A hundred terms below 0.25, each rounded.
                assert!((seen - wanted).abs() < 5e-6, "{seen} and {wanted}");
            }
        }
    }
    let mut x = [0.5, -2.0, 9.0];
    tanh(&mut x);
    assert!(x.iter().zip([0.5_f32, -2.0, 9.0]).all(|(seen, x)| (seen - x.tanh()).abs() < 1e-6));
}

#[test]
fn the_layer_is_its_matrix_times_the_row_plus_the_bias() {
    let device = Device::flex();
    for [rows, width] in [[1, 1], [17, 5], [65, 100]] {
        let (weight, bias, x) = (numbers(rows * width, 1), numbers(rows, 2), numbers(width, 3));
        // Transposed on the device: the elements do not lie in the order of their rows.
        let turned = (0..rows * width).map(|at| weight[at % rows * width + at / rows]).collect();
        let tensor = Tensor::<2>::from_data(TensorData::new(turned, [width, rows]), &device).transpose();
        let bias_tensor = Tensor::from_data(TensorData::new(bias.clone(), [rows]), &device);
        let layer = PackedLinear::new(tensor, Some(bias_tensor), Rows::One).expect("f32 on a CPU");
        let mut y = vec![f32::NAN; layer.output_size()];
        layer.apply(&x, &mut y);
        for (row, &y) in y.iter().enumerate() {
            let terms = weight[row * width..][..width].iter().zip(&x);
            let sum: f64 = terms.map(|(&w, &x)| f64::from(w) * f64::from(x)).sum();
            // At most 100 additions of numbers below 0.25, each rounded.
            assert!((f64::from(y) - sum - f64::from(bias[row])).abs() < 5e-6);
        }
    }
}

#[test]
fn other_element_types_are_left_to_the_sequence_operations() {
    let weight = Tensor::<2>::zeros([2, 2], (&Device::flex(), DType::F64));
    assert!(PackedLinear::new(weight, None, Rows::One).is_none());
}
