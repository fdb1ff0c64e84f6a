//! A convolution's native code is its composed twin, with its gradients.
#![cfg(any(feature = "flex", feature = "ndarray", feature = "wgpu"))]

use burn::prelude::*;
use rekindle_kernels::convolution::{self, Activation, Options, same_padding};
use rekindle_testing::{Numbers, assert_close, cpus, devices, on_threads, values};
use rstest::rstest;

/// `[batch, channels, outputs, groups, height, width]`: one of each; odd sizes; images of less than a panel, of which
/// some share a task; one image, whose outputs the threads share; a kernel for each channel.
const SIZES: [[usize; 6]; 7] = [
    [1, 1, 1, 1, 5, 5],
    [2, 3, 5, 1, 9, 7],
    [70, 6, 11, 1, 4, 3],
    [1, 5, 23, 1, 20, 33],
    [3, 4, 4, 4, 8, 11],
    [9, 2, 2, 2, 5, 6],
    [2, 4, 6, 2, 6, 5],
];

type Convolution = fn(Tensor<4>, Tensor<4>, Tensor<1>, Options) -> Tensor<4>;

#[rstest]
#[case::pointwise(1, 1)]
#[case::three(3, 1)]
#[case::three_by_two(3, 2)]
#[case::five_by_two(5, 2)]
#[case::two_by_three(2, 3)]
fn a_convolution_is_its_composed_twin(
    #[case] kernel: usize,
    #[case] stride: usize,
    #[values(Activation::Identity, Activation::Relu, Activation::Relu6)] activation: Activation,
) {
    for device in devices() {
        for sizes in SIZES {
            let device = device.clone().autodiff();
            let [batch, channels, outputs, groups, height, width] = sizes;
            let padding = [same_padding(height, kernel, stride), same_padding(width, kernel, stride)];
            let options = Options { stride, padding, groups, activation };
            let mut numbers = Numbers::new(1);
            let bias = numbers.uniform::<1>([outputs], -1.0..1.0, &device).require_grad();
            let mut random = |shape: [usize; 4]| numbers.uniform(shape, -1.0..1.0, &device);
            let input = random([batch, channels, height, width]).require_grad();
            let weight = random([outputs, channels / groups, kernel, kernel]).require_grad();
            let shape = [batch, outputs, height.div_ceil(stride), width.div_ceil(stride)];
            let upstream: Tensor<4> = random(shape);
            let run = |convolution: Convolution| {
                let output = convolution(input.clone(), weight.clone(), bias.clone(), options);
                assert_eq!(output.dims(), shape, "{sizes:?}");
                let gradients = (output.clone() * upstream.clone()).sum().backward();
                let [input, weight] = [&input, &weight].map(|leaf| values(leaf.grad(&gradients).unwrap()));
                [values(output), input, weight, values(bias.grad(&gradients).unwrap())]
            };
            let (native, twin) = (run(convolution::convolution), run(convolution::composed));
            for (what, (native, twin)) in ["output", "input", "weight", "bias"].iter().zip(native.iter().zip(&twin)) {
                // Sums of up to 2,300 products of order 1, in another order.
                assert_close(&format!("{what}, {device:?}, {sizes:?}"), native, twin, 1e-5);
            }
        }
    }
}

#[test]
fn numbers_do_not_depend_on_the_threads() {
    for device in cpus() {
        for (sizes, stride) in SIZES.into_iter().flat_map(|sizes| [(sizes, 1), (sizes, 2)]) {
            let device = device.clone().autodiff();
            let [batch, channels, outputs, groups, height, width] = sizes;
            let counted = |shape: [usize; 4], seed: f32| {
                let numbers = (0..shape.iter().product::<usize>()).map(|x| ((x as f32 + seed) * 0.37).sin()).collect();
                Tensor::<4>::from_data(TensorData::new(numbers, shape), &device).require_grad()
            };
            let run = || {
                let input = counted([batch, channels, height, width], 0.0);
                let weight = counted([outputs, channels / groups, 3, 3], 0.5);
                let padding = [same_padding(height, 3, stride), same_padding(width, 3, stride)];
                let options = Options { stride, padding, groups, activation: Activation::Relu };
                let bias = Tensor::zeros([outputs], &device);
                let output = convolution::convolution(input.clone(), weight.clone(), bias, options);
                let gradients = output.clone().square().sum().backward();
                [values(output), values(input.grad(&gradients).unwrap()), values(weight.grad(&gradients).unwrap())]
            };
            assert_eq!(on_threads(1, run), on_threads(3, run), "{device:?}, {sizes:?}, stride {stride}");
        }
    }
}

#[test]
fn there_may_be_no_images() {
    for device in devices() {
        let options = Options { stride: 1, padding: [[1, 1]; 2], groups: 1, activation: Activation::Relu };
        let (weight, bias) = (Tensor::ones([2, 1, 3, 3], &device), Tensor::ones([2], &device));
        let Some(device) = rekindle_kernels::device::is_cpu(&device).then_some(device) else { continue };
        let output = convolution::convolution(Tensor::zeros([0, 1, 4, 4], &device), weight, bias, options);
        assert_eq!(output.dims(), [0, 2, 4, 4]);
    }
}

#[test]
#[cfg(any(feature = "flex", feature = "ndarray"))]
#[should_panic(expected = "`weight` must be [O, I / groups, K, L] for 4 channels in 1 groups, got [2, 3, 3, 3]")]
fn weights_that_do_not_fit_are_named() {
    let device = &cpus()[0];
    let options = Options { stride: 1, padding: [[1, 1]; 2], groups: 1, activation: Activation::Identity };
    convolution::convolution(
        Tensor::zeros([1, 4, 5, 5], device),
        Tensor::zeros([2, 3, 3, 3], device),
        Tensor::zeros([2], device),
        options,
    );
}
