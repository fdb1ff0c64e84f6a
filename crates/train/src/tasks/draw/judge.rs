//! The bound on held-out images.

use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::images::{Batches, Binarization, Images};
use rekindle_models::draw::Draw;
use rekindle_models::host::{DeviceError, numbers};

use super::noise;
use crate::error::TrainError;

/// The binarisation and the noise of every judgement: two models are judged by the same.
const SEED: u64 = 0x6a75_6467_6500_0000;

/// How a model is judged.
#[derive(Clone, Copy, Debug)]
pub struct Judge {
    /// What the model is given of a grey level.
    pub binarization: Binarization,
    /// Images computed side by side.
    pub batch_size: usize,
    /// `K` samples of the latents for the importance-weighted estimate; 0 for none.
    pub samples: usize,
}

/// Means over the images, in nats.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The bound on the negative log-likelihood: `reconstruction` and all of `kl`.
    pub bound: f64,
    /// What the last canvas says of the image.
    pub reconstruction: f64,
    /// The KL of every step.
    pub kl: Vec<f64>,
    /// The importance-weighted estimate of the negative log-likelihood.
    pub weighted: Option<f64>,
}

impl Judge {
    /// Judges `model` (without autodiff) on all of `images`, each once.
    ///
    /// # Errors
    ///
    /// When there are no images, a batch of 0 is asked for, or the device fails.
    pub fn judge(self, model: &Draw, images: &Images) -> Result<Judgement, TrainError> {
        let batches = Batches::new(images.len(), self.batch_size, SEED)?;
        let mut rng = ChaCha8Rng::seed_from_u64(SEED + 1);
        let (mut reconstruction, mut kl, mut weighted) = (0.0, vec![0.0; model.config().steps], 0.0);
        let all: Vec<usize> = (0..images.len()).collect();
        for rows in all.chunks(batches.batch_size()) {
            let values = batches.rows(images, self.binarization, rows, 0);
            let values = TensorData::new(values, [rows.len(), images.size()]);
            let values = Tensor::from_data(values, &model.canvas.device());
            let bound = model.bound(values.clone(), noise(model, rows.len(), &mut rng));
            reconstruction += host(bound.reconstruction.clone())?.iter().sum::<f64>();
            for (sum, step) in kl.iter_mut().zip(host(bound.kl.clone().sum_dim(1).squeeze_dim(1))?) {
                *sum += step;
            }
            if self.samples > 0 {
                // The first sample is the one of the bound.
                let mut weights = vec![host(bound.log_weight())?];
                for _ in 1..self.samples {
                    let bound = model.bound(values.clone(), noise(model, rows.len(), &mut rng));
                    weights.push(host(bound.log_weight())?);
                }
                weighted -= (0..rows.len()).map(|row| log_mean_exp(weights.iter().map(|w| w[row]))).sum::<f64>();
            }
        }
        let count = images.len() as f64;
        kl.iter_mut().for_each(|step| *step /= count);
        let reconstruction = reconstruction / count;
        Ok(Judgement {
            bound: reconstruction + kl.iter().sum::<f64>(),
            reconstruction,
            kl,
            weighted: (self.samples > 0).then_some(weighted / count),
        })
    }
}

fn host(tensor: Tensor<1>) -> Result<Vec<f64>, DeviceError> {
    Ok(numbers(tensor)?.into_iter().map(f64::from).collect())
}

/// `log 1/K Σ exp(x)` without overflow.
fn log_mean_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), x| (sum + (x - largest).exp(), count + 1.0));
    largest + (sum / count).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_of_exponentials_does_not_underflow() {
        let mean = log_mean_exp([-1000.0, -1000.0 + 3f64.ln()].into_iter());
        // (1 + 3) / 2 is 2; the tolerance is the spacing of f64 near 1000, ten times.
        assert!((mean - (-1000.0 + 2f64.ln())).abs() < 1e-12, "{mean}");
    }
}
