//! The captioner at work: soft attention over the map of a frozen network, as `rekindle train caption` has it.
//!
//! All captions have `T` symbols with their end: batches of like lengths are nearly so.

use anyhow::Result;
use burn::tensor::{Device, Distribution, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rekindle_models::captioner::{Captioner, CaptionerConfig};

use super::contestant::{Contestant, Learner};
use super::shape::{CAPTIONS, MAP, Shape, VOCABULARY};

/// Training steps, with dropout and the doubly stochastic penalty.
pub struct Captioning {
    learner: Learner<Captioner>,
    /// What is seen of the pictures, `[B, P, F]`.
    seen: Tensor<3>,
    captions: Vec<Vec<Vec<u32>>>,
}

impl Captioning {
    pub fn new(shape: &Shape, device: &Device) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let model = CaptionerConfig::new(VOCABULARY, MAP[1], shape.hidden, shape.cell.cell())
            .with_embedding_size(shape.hidden)
            .with_image_size(shape.hidden)
            .with_num_layers(shape.layers)
            .with_dropout(0.5)
            .with_doubly_stochastic(1.0)
            .init_with(&mut rng, device);
        // The first four symbols are no words.
        let mut caption = || (1..shape.time).map(|_| rng.random_range(4..VOCABULARY as u32)).collect();
        let captions = (0..shape.batch).map(|_| (0..CAPTIONS).map(|_| caption()).collect()).collect();
        let seen = Tensor::random([shape.batch, MAP[0], MAP[1]], Distribution::Default, device);
        Self { learner: Learner::new(model, device), seen, captions }
    }
}

impl Contestant for Captioning {
    fn round(&mut self, steps: usize) -> Result<f64> {
        let captions = self.captions.iter().map(|captions| captions.iter().map(Vec::as_slice).collect());
        let captions: Vec<Vec<&[u32]>> = captions.collect();
        let seen = &self.seen;
        self.learner.timed(steps, &mut None, |model, _: Option<()>| (model.loss(seen.clone(), &captions), ()))
    }
}
