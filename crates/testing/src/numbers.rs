//! Random numbers that are the same at every run.

use burn::tensor::{Tensor, TensorCreationOptions, TensorData};
use rand::distr::Uniform;
use rand::{RngExt, SeedableRng, distr::Distribution};
use rand_chacha::ChaCha8Rng;
use rand_distr::Normal;
use std::ops::Range;

/// Draws the inputs of a test from a seed of its own, so that they are the same at every run, on every backend and
/// machine.
///
/// `Tensor::random` draws from the generator of its device, which all threads of a process share: even after
/// `Device::seed`, a test that runs at the same time can change the numbers.
#[derive(Clone, Debug)]
pub struct Numbers(ChaCha8Rng);

impl Numbers {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A tensor of numbers of `range`, all equally likely.
    ///
    /// # Panics
    ///
    /// When `range` is empty or not finite.
    pub fn uniform<const D: usize>(
        &mut self,
        shape: [usize; D],
        range: Range<f64>,
        options: impl Into<TensorCreationOptions>,
    ) -> Tensor<D> {
        Tensor::from_data(TensorData::new(self.list(shape.iter().product(), range), shape), options)
    }

    /// A tensor of normally distributed numbers.
    ///
    /// # Panics
    ///
    /// When `deviation`, the standard deviation, is not finite.
    pub fn normal<const D: usize>(
        &mut self,
        shape: [usize; D],
        mean: f64,
        deviation: f64,
        options: impl Into<TensorCreationOptions>,
    ) -> Tensor<D> {
        let normal = Normal::new(mean, deviation).expect("the standard deviation is finite");
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| normal.sample(&mut self.0)).collect();
        Tensor::from_data(TensorData::new(values, shape), options)
    }

    /// As many numbers of `range`, all equally likely.
    ///
    /// # Panics
    ///
    /// When `range` is empty or not finite.
    pub fn list(&mut self, len: usize, range: Range<f64>) -> Vec<f64> {
        let uniform = Uniform::try_from(range).expect("the range has numbers");
        (&mut self.0).sample_iter(uniform).take(len).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{devices, values};

    #[test]
    fn a_seed_has_the_same_numbers_at_every_run() {
        // Written down when this test was: another version of the generator would change every test's inputs.
        let wanted = [0.15779609702061936, 0.1679893627721012, 0.7042761280364565];
        assert_eq!(Numbers::new(7).list(3, 0.0..1.0), wanted);
    }

    #[test]
    fn tensors_have_the_numbers_of_their_seed_whatever_is_drawn_from_the_device() {
        for device in devices() {
            let drawn = |seed| {
                let mut numbers = Numbers::new(seed);
                let uniform = values(numbers.uniform([20, 30], -1.0..2.0, &device));
                (uniform, values(numbers.normal([600], 1.0, 2.0, &device)))
            };
            let (uniform, normal) = drawn(1);
            device.seed(9);
            assert_eq!((uniform.clone(), normal.clone()), drawn(1), "{device:?}");
            assert_ne!(uniform, drawn(2).0, "{device:?}");
            assert!(uniform.iter().all(|x| (-1.0..=2.0).contains(x)), "{device:?}");
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let deviation = mean(&normal.iter().map(|x| (x - 1.0).powi(2)).collect::<Vec<_>>()).sqrt();
            // Five standard errors of 600 numbers.
            assert!((mean(&uniform) - 0.5).abs() < 0.18, "{device:?}");
            assert!((mean(&normal) - 1.0).abs() < 0.41 && (deviation - 2.0).abs() < 0.29, "{device:?}");
        }
    }
}
