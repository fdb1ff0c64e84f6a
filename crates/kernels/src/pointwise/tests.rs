use std::ops::Range;

use burn::nn::DropoutConfig;
use burn::tensor::{Device, Tensor, TensorData};
use rekindle_testing::{cpus, values};

use super::*;
use crate::rows::Rows;

const TIME: usize = 4;
const ROWS: usize = 7;
const WIDTH: usize = 5;
const LENGTHS: [usize; ROWS] = [4, 1, 3, 0, 2, 4, 2];

/// What a dropout of 1/2 makes of the tensor of shape `dims` with ones, and of its gradient; from one state of the
/// generator.
fn dropped(device: &Device, dims: [usize; 2], lines: Lines) -> [Vec<f64>; 2] {
    let device = device.clone().autodiff();
    device.seed(7);
    let layer = DropoutConfig::new(0.5).init();
    let ones = Tensor::<2>::from_data(TensorData::new(vec![1.0_f32; dims[0] * dims[1]], dims), &device).require_grad();
    let dropped = dropout_of_rows(&layer, ones.clone(), lines);
    let gradients = dropped.clone().sum().backward();
    [values(dropped.inner()), values(ones.grad(&gradients).unwrap())]
}

#[test]
fn what_is_dropped_of_a_row_does_not_depend_on_the_process() {
    for device in cpus() {
        let [whole, of_gradient] = dropped(&device, [TIME * ROWS, WIDTH], Lines::TimeMajor { rows: ROWS });
        assert_eq!(whole, of_gradient);
        assert!(whole.contains(&0.0) && whole.contains(&2.0));
        let line = |t: usize, row: usize| &whole[(t * ROWS + row) * WIDTH..][..WIDTH];
        for parts in [2, 3, 7] {
            for rows in (0..parts).map(|part| Rows::part(ROWS, part, parts)) {
                let seen =
                    rows.within(|| dropped(&device, [TIME * rows.count, WIDTH], Lines::TimeMajor { rows: rows.count }));
                let wanted: Vec<f64> =
                    (0..TIME).flat_map(|t| rows.range().flat_map(move |row| line(t, row).to_vec())).collect();
                assert_eq!(seen, [wanted.clone(), wanted], "{rows:?} of {parts} parts, time-major");

                let lines = |rows: Range<usize>| LENGTHS[rows].iter().sum::<usize>();
                let (before, count) = (lines(0..rows.first), lines(rows.range()));
                let seen = rows.after(before).within(|| dropped(&device, [count, WIDTH], Lines::Packed));
                let wanted = whole[before * WIDTH..][..count * WIDTH].to_vec();
                assert_eq!(seen, [wanted.clone(), wanted], "{rows:?} of {parts} parts, packed");
            }
        }
        for rows in (0..3).map(|part| Rows::part(ROWS, part, 3)) {
            let seen = rows.within(|| dropped(&device, [TIME * rows.count, WIDTH], Lines::BatchMajor { time: TIME }));
            let wanted = &whole[rows.first * TIME * WIDTH..][..rows.count * TIME * WIDTH];
            assert_eq!(seen[0], wanted, "{rows:?}, batch-major");
        }
    }
}

#[test]
fn outside_of_training_nothing_is_dropped() {
    for device in cpus() {
        let ones = Tensor::<2>::ones([3, WIDTH], &device);
        let rows = Rows::part(6, 1, 2);
        let layer = DropoutConfig::new(0.5).init();
        let seen = rows.within(|| dropout_of_rows(&layer, ones.clone(), Lines::TimeMajor { rows: 3 }));
        assert_eq!(values(seen), vec![1.0; 3 * WIDTH]);
    }
}
