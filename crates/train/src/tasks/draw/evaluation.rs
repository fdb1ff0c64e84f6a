//! The bound on held-out images.

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use rekindle_data::images::{Batches, Binarization, Images};
use rekindle_metrics::importance::log_mean_exp;
use rekindle_models::draw::Draw;
use rekindle_pictures::sheet::Tile;
use serde::{Deserialize, Serialize};

use crate::group::shared;
use crate::prelude::*;
use crate::report::Detail;

/// The seed of the binarisation and the noise of every evaluation. Models are compared on the same pixels, and on the
/// same noise where they have as many glimpses and latents, and the batch size is the same.
const SEED: u64 = 0x6a75_6467_6500_0000;

/// Settings of an evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Evaluation {
    /// How grey levels are binarised.
    pub binarization: Binarization,
    /// Images per batch.
    pub batch_size: usize,
    /// `K` samples of the latents for the importance-weighted estimate of the negative log-likelihood; 0 for none.
    pub importance_samples: usize,
}

impl Evaluation {
    /// The figures of `model` (without autodiff) on all of `images`, each once: means over the images.
    ///
    /// # Errors
    ///
    /// When there are no images, the batch size is 0, or the device fails.
    pub fn evaluate(self, model: &Draw, images: &Images) -> Result<Report, TaskError> {
        let batches = Batches::new(images.len(), self.batch_size, SEED)?;
        let mut rng = seeded(SEED + 1);
        let (mut reconstruction, mut kl, mut weighted) = (0.0, vec![0.0; model.settings().glimpses], 0.0);
        let all: Vec<usize> = (0..images.len()).collect();
        let chunks: Vec<&[usize]> = all.chunks(batches.batch_size()).collect();
        let mut drawn = 0;
        let sums = shared(chunks.len(), |at| {
            check_stop()?;
            let rows = chunks[at];
            // One generator for all images: a process also draws what the others use.
            for others in &chunks[std::mem::replace(&mut drawn, at + 1)..at] {
                (0..self.importance_samples.max(1)).for_each(|_| drop(noise(model, others.len(), &mut rng)));
            }
            let mut sums = Sums::default();
            let values = batches.rows(images, self.binarization, rows, 0);
            let values = TensorData::new(values, [rows.len(), images.size()]);
            let values = Tensor::from_data(values, &model.canvas.device());
            let bound = model.bound(values.clone(), noise(model, rows.len(), &mut rng));
            sums.reconstruction = host(bound.reconstruction.clone())?.iter().sum::<f64>();
            sums.kl = host(bound.kl.clone().sum_dim(1).squeeze_dim(1))?;
            if self.importance_samples > 0 {
                // The first sample is the one of the bound.
                let mut weights = vec![host(bound.log_weight())?];
                for _ in 1..self.importance_samples {
                    let bound = model.bound(values.clone(), noise(model, rows.len(), &mut rng));
                    weights.push(host(bound.log_weight())?);
                }
                sums.weighted = (0..rows.len()).map(|row| log_mean_exp(weights.iter().map(|w| w[row]))).sum::<f64>();
            }
            Ok(sums)
        })?;
        for sums in sums {
            reconstruction += sums.reconstruction;
            weighted -= sums.weighted;
            kl.iter_mut().zip(sums.kl).for_each(|(sum, step)| *sum += step);
        }
        let count = images.len() as f64;
        kl.iter_mut().for_each(|step| *step /= count);
        let (reconstruction, all_kl) = (reconstruction / count, kl.iter().sum::<f64>());
        let report = Report::named("bound", reconstruction + all_kl, "nats")
            .lower("reconstruction", reconstruction, "nats")
            .lower("kl", all_kl, "nats")
            .detail(Detail::Series { name: "kl_by_step", unit: "nats", values: kl });
        Ok(match self.importance_samples {
            0 => report,
            _ => report.lower("importance_weighted", weighted / count, "nats"),
        })
    }
}

/// The sums over the images of a batch.
#[derive(Default, Serialize, Deserialize)]
struct Sums {
    reconstruction: f64,
    /// Of each step.
    kl: Vec<f64>,
    weighted: f64,
}

/// Noise `[T, B, Z]` for a batch of `batch` images, drawn on the host: one state of `rng` gives the same noise on
/// every backend.
pub fn noise(model: &Draw, batch: usize, rng: &mut impl Rng) -> Tensor<3> {
    let settings = model.settings();
    let shape = [settings.glimpses, batch, settings.latent];
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.sample(StandardNormal)).collect();
    Tensor::from_data(TensorData::new(values, shape), &model.canvas.device())
}

/// A description of the binarisation of `images`: bounds are comparable only if it is the same.
pub(crate) fn binarization(images: &Images, asked: Binarization) -> String {
    if asked != Binarization::None && images.values.iter().all(|&pixel| pixel == 0 || pixel == u8::MAX) {
        return "fixed by the data".to_owned();
    }
    asked.to_string()
}

/// The images `[B, D]` of a model with their windows `[B, 4]`, if there are any.
///
/// # Errors
///
/// When the device fails.
pub(super) fn tiles_of(images: Tensor<2>, windows: Option<Tensor<2>>) -> Result<Vec<Tile>, DeviceError> {
    let images = rows_of(images)?;
    let windows = match windows {
        Some(windows) => rows_of(windows)?.into_iter().map(|row| row.try_into().ok()).collect(),
        None => vec![None; images.len()],
    };
    Ok(images.into_iter().zip(windows).map(|(pixels, window)| Tile { pixels, window }).collect())
}

/// The rows of a matrix on the host.
pub(super) fn rows_of(tensor: Tensor<2>) -> Result<Vec<Vec<f32>>, DeviceError> {
    let [_, columns] = tensor.dims();
    Ok(numbers(tensor)?.chunks_exact(columns.max(1)).map(<[f32]>::to_vec).collect())
}

fn host(tensor: Tensor<1>) -> Result<Vec<f64>, DeviceError> {
    Ok(numbers(tensor)?.into_iter().map(f64::from).collect())
}
