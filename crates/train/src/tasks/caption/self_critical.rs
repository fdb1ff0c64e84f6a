//! Self-critical training (Rennie et al. 2017, arXiv 1612.00563): the rewards of sampled captions.
//!
//! A step samples some captions of each image, scores them by CIDEr-D against all captions of the image, and weights
//! their log-probabilities by what each earns above a baseline. The document frequencies are those of the training
//! captions. As in the published code, the end of a caption is a word of its n-grams: without it, captions that break
//! off ("a dog on a") would earn as much.
//!
//! Captions are sampled without dropout, from the weights in training; the pass with gradients has dropout. With the
//! mean of the other captions as the baseline, weights have a mean of 0 whatever the captions were drawn from, so that
//! the difference between the two passes does not drive the model towards or away from its own captions.
//!
//! The loss of the given captions may be added (the mixed objective of Paulus et al. 2017, arXiv 1705.04304, equation
//! 16, with weights of 1 and λ in place of γ and 1 - γ).

use rekindle_metrics::captions::CiderD;
use rekindle_models::captioner::{Captioner, WeightedCaption};
use rekindle_models::decode::Sampling;
use rekindle_settings::names;

use super::assets::NEVER;
use super::writing::{ended, with_ends};
use crate::prelude::*;

names! {
    /// What a sampled caption's reward is compared with.
    #[derive(Default)]
    pub enum Baseline {
        /// The mean reward of the image's other sampled captions: Luo 2020 (arXiv 2003.09971).
        #[default]
        Others = "others",
        /// The reward of the greedy caption: Rennie et al. 2017 (arXiv 1612.00563).
        Greedy = "greedy",
    }
}

settings! {
    /// Settings of self-critical training.
    #[check(Self::consistent)]
    pub struct SelfCriticalSettings {
        /// Train by the CIDEr-D of captions that the model samples, from a trained run: see --init-from
        self_critical: bool;
        /// Captions sampled for each image, with --self-critical
        samples: usize = 5 => value("COUNT").at_least(1).at_most(100);
        /// Baseline of a caption's reward: the mean of the image's other captions, or the greedy caption
        baseline: Baseline => value("KIND").choices(Baseline::NAMES.iter().copied());
        /// With --self-critical: weight of the cross-entropy of the given captions beside the reward
        cross_entropy: f64 => value("WEIGHT").at_least(0);
    }
}

impl SelfCriticalSettings {
    fn consistent(&self) -> Result<(), SettingError> {
        let Self { self_critical, samples, baseline, cross_entropy } = *self;
        let default = Self::default();
        let unused = "used with --self-critical";
        match baseline {
            _ if !self_critical && samples != default.samples => Err(SettingError::invalid("samples", samples, unused)),
            _ if !self_critical && baseline != default.baseline => {
                Err(SettingError::invalid("baseline", baseline, unused))
            }
            _ if !self_critical && cross_entropy != default.cross_entropy => {
                Err(SettingError::invalid("cross-entropy", cross_entropy, unused))
            }
            Baseline::Others if samples < 2 => {
                Err(SettingError::invalid("samples", samples, "at least 2 with --baseline others"))
            }
            _ => Ok(()),
        }
    }
}

/// The rewards of a run.
#[derive(Debug)]
pub(super) struct SelfCritical {
    settings: SelfCriticalSettings,
    /// Maximum number of tokens of a sampled caption.
    longest: usize,
    /// The metric, with the captions of the training images as references.
    metric: CiderD<u32>,
}

/// The sampled captions of a batch.
#[derive(Debug)]
pub(super) struct Drawn {
    /// The captions of each image, with their weights.
    pub captions: Vec<Vec<WeightedCaption>>,
    /// The mean reward.
    pub reward: f64,
}

impl SelfCritical {
    /// The rewards for images with these captions, without their ends.
    pub fn new(settings: SelfCriticalSettings, longest: usize, captions: &[Vec<Vec<u32>>]) -> Self {
        Self { settings, longest, metric: with_ends(captions) }
    }

    /// The most tokens of an image's sampled captions, their ends included.
    pub fn longest_lines(&self) -> usize {
        self.settings.samples * (self.longest + 1)
    }

    /// Samples captions of `images` by `model`, which is without autodiff and reads `features` `[B, P, F]`.
    pub fn draw(
        &self,
        model: &Captioner,
        features: Tensor<3>,
        images: &[usize],
        seed: u64,
    ) -> Result<Drawn, TaskError> {
        let Self { settings, longest, .. } = self;
        let greedy = match settings.baseline {
            Baseline::Others => None,
            Baseline::Greedy => {
                let likeliest = Sampling { temperature: 0.0, ..Sampling::default() };
                Some(model.draw(features.clone(), &NEVER, *longest, likeliest, seed)?)
            }
        };
        let drawn =
            model.draw_several(features, settings.samples, &NEVER, *longest, Sampling::default(), seed)?;
        let mut all = Vec::with_capacity(images.len());
        let mut sum = 0.0;
        for (at, (&image, drawn)) in images.iter().zip(drawn).enumerate() {
            let captions: Vec<Vec<u32>> = drawn.iter().map(ended).collect();
            let rewards: Vec<f64> = captions.iter().map(|caption| self.metric.score(image, caption)).collect();
            let total: f64 = rewards.iter().sum();
            let of_greedy = greedy.as_ref().map(|greedy| self.metric.score(image, &ended(&greedy[at])));
            let weight = |reward: f64| match of_greedy {
                Some(baseline) => reward - baseline,
                None => reward - (total - reward) / (rewards.len() - 1) as f64,
            };
            let weighted = captions.into_iter().zip(&rewards);
            all.push(weighted.map(|(tokens, &reward)| WeightedCaption { tokens, weight: weight(reward) }).collect());
            sum += total;
        }
        let count = images.len() * settings.samples;
        Ok(Drawn { captions: all, reward: sum / count.max(1) as f64 })
    }
}

#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
