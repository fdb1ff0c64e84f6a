//! The operations on every number are Burn's, with their gradients.
#![cfg(any(feature = "flex", feature = "ndarray", feature = "wgpu"))]

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig};
use burn::prelude::*;
use rekindle_kernels::pointwise::{dropout, tanh};
use rekindle_testing::{Numbers, assert_close, devices, values};

/// Odd sizes, a view that is not contiguous, and more than one thread's share.
fn inputs(device: &Device) -> Vec<Tensor<2>> {
    let mut numbers = Numbers::new(1);
    let mut random = |shape: [usize; 2]| numbers.uniform::<2>(shape, -3.0..3.0, device);
    vec![random([1, 1]), random([3, 5]), random([7, 4]).transpose(), random([257, 129])]
}

#[test]
fn tanh_is_burns() {
    for device in devices() {
        let device = device.autodiff();
        for input in inputs(&device) {
            let upstream: Tensor<2> = Numbers::new(2).uniform(input.dims(), 0.0..1.0, &device);
            let run = |native: bool| {
                let leaf = input.clone().detach().require_grad();
                let output = if native { tanh(leaf.clone()) } else { leaf.clone().tanh() };
                let gradients = (output.clone() * upstream.clone()).sum().backward();
                (values(output), values(leaf.grad(&gradients).unwrap()))
            };
            let (native, burns) = (run(true), run(false));
            assert_close(&format!("output, {device:?}"), &native.0, &burns.0, 1e-5);
            assert_close(&format!("gradient, {device:?}"), &native.1, &burns.1, 1e-5);
            assert_eq!(native.0, values(tanh(input.clone().inner())), "{device:?}: without gradients");
        }
    }
}

#[test]
fn dropout_drops_its_share_and_scales_the_rest_and_their_gradients() {
    for device in devices() {
        let device = device.autodiff();
        let layer = DropoutConfig::new(0.25).init();
        device.seed(3);
        let input = Tensor::<2>::ones([101, 47], &device).require_grad();
        let output = dropout(&layer, input.clone());
        let gradient = values(input.grad(&output.clone().sum().backward()).unwrap());
        let output = values(output);
        assert_eq!(output, gradient, "{device:?}");
        let scale = 1.0 / 0.75;
        assert!(output.iter().all(|&value| value == 0.0 || (value - scale).abs() < 1e-6), "{device:?}");
        let share = output.iter().filter(|&&value| value == 0.0).count() as f64 / output.len() as f64;
        // Five standard deviations.
        assert!((share - 0.25).abs() < 0.032, "{device:?}: {share}");
    }
}

/// A model with dropout, for its switches.
#[derive(Module, Debug)]
struct Dropping {
    dropout: Dropout,
    weight: Param<Tensor<1>>,
}

#[test]
fn nothing_is_dropped_outside_of_training() {
    for device in devices() {
        let weight = Param::from_tensor(Tensor::ones([1], &device.clone().autodiff()));
        let model = Dropping { dropout: DropoutConfig::new(0.5).init(), weight };
        let ones = Tensor::<2>::ones([9, 31], &device);
        assert_eq!(values(dropout(&model.valid().dropout, ones.clone())), vec![1.0; 9 * 31], "{device:?}");
        assert_eq!(values(dropout(&model.dropout, ones.clone())), vec![1.0; 9 * 31], "{device:?}");
        let none = DropoutConfig::new(0.0).init();
        assert_eq!(values(dropout(&none, Tensor::from_inner(ones))), vec![1.0; 9 * 31], "{device:?}");
    }
}
