//! Products of half precision on GPUs.

use burn::prelude::*;
use burn::tensor::DType;
use rekindle_kernels::device::is_cpu;
use rekindle_kernels::linear::linear;
use rekindle_kernels::precision::{Precision, within};
use rekindle_testing::{Numbers, assert_close, devices, values};

#[test]
fn a_linear_layer_has_the_values_and_gradients_of_single_precision_to_rounding() {
    for device in devices() {
        for (precision, bound) in [(Precision::F16, 2e-3), (Precision::Bf16, 2e-2)] {
            if !is_cpu(&device) && !precision.runs_on(&device) {
                eprintln!("{device:?} has no {precision:?}: nothing is tested with it there");
                continue;
            }
            let device = device.clone().autodiff();
            let mut numbers = Numbers::new(1);
            let bias = numbers.uniform::<1>([3], -1.0..1.0, &device);
            let mut random = |shape: [usize; 2]| numbers.uniform::<2>(shape, -1.0..1.0, &device);
            let (rows, weight) = (random([5, 7]).require_grad(), random([3, 7]).require_grad());
            let run = |precision| {
                let output = within(precision, || linear(rows.clone(), weight.clone(), Some(bias.clone())));
                assert_eq!(output.dtype(), DType::F32);
                let gradients = output.clone().square().sum().backward();
                [output.inner(), rows.grad(&gradients).unwrap(), weight.grad(&gradients).unwrap()].map(values)
            };
            let (single, half) = (run(Precision::F32), run(precision));
            // On a CPU nothing changes.
            assert_eq!(single == half, is_cpu(&device), "{device:?}, {precision:?}");
            // Of 800 other draws, the worst was off by 1.6e-3 in f16 and by 1.4e-2 in bf16 when every sum is rounded
            // too.
            for (single, half) in single.iter().zip(&half) {
                assert_close(&format!("{precision:?}, {device:?}"), half, single, bound);
            }
        }
    }
}

#[test]
fn the_precision_ends_with_the_action_even_if_it_panics() {
    for device in devices().into_iter().filter(|device| Precision::F16.runs_on(device)) {
        let ones = Tensor::<2>::ones([1, 1], &device) * 1.0001;
        let product = || linear(ones.clone(), ones.clone(), None).into_scalar::<f32>();
        let before = product();
        let panicked = std::panic::catch_unwind(|| within(Precision::F16, || panic!("a loss that fails")));
        assert!(panicked.is_err());
        assert_eq!(product(), before);
        assert_eq!(within(Precision::F16, product), 1.0);
    }
}
