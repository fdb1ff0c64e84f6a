//! Dropout follows the seed: in a process of its own, since a device's generator is the whole process's.
#![cfg(any(feature = "flex", feature = "ndarray", feature = "wgpu"))]

use burn::nn::DropoutConfig;
use burn::prelude::*;
use rekindle_kernels::pointwise::dropout;
use rekindle_testing::devices;

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

#[test]
fn dropout_follows_the_seed_of_the_device() {
    for device in devices() {
        let device = device.autodiff();
        let layer = DropoutConfig::new(0.5).init();
        let run = |seed| {
            device.seed(seed);
            [0, 1].map(|_| values(dropout(&layer, Tensor::<2>::ones([9, 31], &device))))
        };
        assert_eq!(run(1), run(1), "{device:?}");
        assert_ne!(run(1), run(2), "{device:?}");
        let [first, second] = run(1);
        assert_ne!(first, second, "{device:?}");
    }
}
