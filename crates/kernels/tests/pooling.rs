//! The maximum over time is its composed twin, with its gradient.
#![cfg(any(feature = "flex", feature = "ndarray", feature = "wgpu"))]

use burn::prelude::*;
use rekindle_kernels::pooling::{composed, max_over_time};
use rekindle_testing::{Numbers, cpus, devices, on_threads};
use rstest::rstest;

type Pooling = fn(Tensor<3>, &[usize]) -> Tensor<2>;

/// The output and the gradient of the input.
fn run(pooling: Pooling, hidden: &Tensor<3>, lengths: &[usize]) -> [TensorData; 2] {
    let output = pooling(hidden.clone(), lengths);
    let gradients = output.clone().square().sum().backward();
    [output.into_data(), hidden.grad(&gradients).unwrap().into_data()]
}

#[rstest]
#[case([1, 1, 1], &[1])]
#[case([7, 3, 5], &[7, 1, 4])]
#[case([4, 2, 40], &[4, 4])]
#[case([3, 90, 33], &[2; 90])]
fn the_maximum_is_its_composed_twin(#[case] shape: [usize; 3], #[case] lengths: &[usize]) {
    for device in devices() {
        let device = device.autodiff();
        let hidden = Numbers::new(1).uniform(shape, -1.0..1.0, &device).require_grad();
        assert_eq!(run(max_over_time, &hidden, lengths), run(composed, &hidden, lengths), "{device:?}");
        if let Some(device) = rekindle_kernels::device::is_cpu(&device).then_some(device) {
            let alone = on_threads(1, || run(max_over_time, &hidden, lengths));
            assert_eq!(alone, on_threads(3, || run(max_over_time, &hidden, lengths)), "{device:?}");
        }
    }
}

#[test]
fn nan_and_values_past_the_end() {
    for device in cpus() {
        let nan = f32::NAN;
        let hidden = Tensor::<3>::from_data([[[1.0, nan, -2.0]], [[0.5, 3.0, -3.0]], [[9.0, 9.0, 9.0]]], &device);
        let found = max_over_time(hidden, &[2]).into_data().try_into_vec::<f32>().unwrap();
        assert!(found[0] == 1.0 && found[1].is_nan() && found[2] == -2.0, "{found:?}");
    }
}
