//! The translator at work: general attention, words' vectors of 256, as `rekindle train translate` has it.
//!
//! All sentences have `T` symbols with their ends, source and target: batches of like lengths are nearly so.

use std::time::Instant;

use anyhow::Result;
use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rekindle_models::decode::Search;
use rekindle_models::translator::{Translator, TranslatorConfig};

use super::contestant::{Contestant, Learner};
use super::shape::{Shape, WORDS};

/// Training steps, with dropout and label smoothing.
pub struct Translating {
    learner: Learner<Translator>,
    sources: Vec<Vec<u32>>,
    targets: Vec<Vec<u32>>,
}

/// Greedy decoding, with an end that is not written before `T` words are.
pub struct Decoding {
    model: Translator,
    sources: Vec<Vec<u32>>,
    length: usize,
}

impl Translating {
    pub fn new(shape: &Shape, device: &Device) -> Self {
        let [sources, targets] = WORDS.map(|words| sentences(shape, words));
        Self { learner: Learner::new(model(shape, device), device), sources, targets }
    }
}

impl Contestant for Translating {
    fn round(&mut self, steps: usize) -> Result<f64> {
        let [sources, targets] = [slices(&self.sources), slices(&self.targets)];
        self.learner.timed(steps, &mut None, |model, _: Option<()>| (model.loss(&sources, &targets), ()))
    }
}

impl Decoding {
    pub fn new(shape: &Shape, device: &Device) -> Self {
        Self { model: model(shape, device), sources: sentences(shape, WORDS[0]), length: shape.time }
    }
}

impl Contestant for Decoding {
    fn round(&mut self, steps: usize) -> Result<f64> {
        let search = Search { min_length: self.length, max_length: self.length, ..Search::default() };
        let sources = slices(&self.sources);
        let started = Instant::now();
        for _ in 0..steps {
            self.model.translate(&sources, &[0, 1], &search)?;
        }
        Ok(started.elapsed().as_secs_f64())
    }
}

fn model(shape: &Shape, device: &Device) -> Translator {
    TranslatorConfig::new(WORDS[0], WORDS[1], shape.hidden, shape.cell.cell())
        .with_num_layers(shape.layers)
        .with_dropout(0.3)
        .with_label_smoothing(0.1)
        .init_with(&mut ChaCha8Rng::seed_from_u64(1), device)
}

/// Sentences of `T - 1` words, drawn at random; the first four are no words.
fn sentences(shape: &Shape, words: usize) -> Vec<Vec<u32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..shape.batch).map(|_| (1..shape.time).map(|_| rng.random_range(4..words as u32)).collect()).collect()
}

fn slices(sentences: &[Vec<u32>]) -> Vec<&[u32]> {
    sentences.iter().map(Vec::as_slice).collect()
}
