//! Weights follow the seed of the device: in a process of its own, since a device's generator is the whole process's.
#![cfg(any(feature = "flex", feature = "ndarray", feature = "wgpu"))]

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use rekindle_rnn::{Cell, RecurrentConfig};
use rekindle_testing::devices;

/// All weights of a module, one behind the other.
#[derive(Default)]
struct Weights(Vec<f32>);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.extend(param.val().into_data().iter::<f32>());
    }
}

#[test]
fn a_seeded_device_gives_the_same_weights_again() {
    for device in devices() {
        let draw = |seed| {
            device.seed(seed);
            let mut weights = Weights::default();
            RecurrentConfig::new(3, 4, Cell::Gru).init(&device).visit(&mut weights);
            weights.0
        };
        let first = draw(5);
        assert_eq!(draw(5), first, "{device:?}");
        assert_ne!(draw(6), first, "{device:?}");
    }
}
