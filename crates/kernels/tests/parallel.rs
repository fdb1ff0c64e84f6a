//! A number whose gradient is known.
#![cfg(any(feature = "flex", feature = "ndarray", feature = "wgpu"))]

use burn::prelude::*;
use rekindle_kernels::parallel::{zero_with_gradient, zero_with_gradient_composed};
use rekindle_testing::{Numbers, assert_close, devices, values};

#[test]
fn zero_has_the_gradient_that_it_was_given() {
    for device in devices() {
        let device = device.autodiff();
        let mut numbers = Numbers::new(3);
        let leaf: Tensor<2> = numbers.uniform([3, 5], -1.0..1.0, &device);
        // Not contiguous, as the gradient of a transposed matrix is.
        let gradient = numbers.uniform([5, 3], -1.0..1.0, &device).transpose();
        let of = |zero: fn(Tensor<2>, Tensor<2>) -> Tensor<1>| {
            let leaf = leaf.clone().require_grad();
            let number = zero(leaf.clone() * 2.0, gradient.clone()) * 0.5 + leaf.clone().square().sum();
            let gradients = number.clone().backward();
            (values(number), values(leaf.grad(&gradients).unwrap()))
        };
        let (number, seen) = of(zero_with_gradient);
        assert_eq!(number, values(leaf.clone().square().sum()));
        let wanted = values(gradient.clone() + leaf.clone() * 2.0);
        assert_close(&format!("{device:?}"), &seen, &wanted, 1e-6);
        assert_close(&format!("composed, {device:?}"), &of(zero_with_gradient_composed).1, &wanted, 1e-6);
    }
}
