//! How a trained captioner writes: the most probable caption, or the one that is most like many.
//!
//! Beam search finds a caption that is probable word for word. Consensus decoding (minimum Bayes risk: Kumar and Byrne
//! 2004, "Minimum Bayes-risk decoding for statistical machine translation") finds the one whose score is the greatest
//! that can be expected: the model's own samples `y_1 .. y_K` stand for what people may say about the image, and
//!
//! ```text
//! y* = argmax_{c ∈ C} 1/K Σ_k CIDEr-D(c, y_k)        C: the samples, and the captions of the beam search
//! ```
//!
//! The document frequencies of CIDEr-D are those of the training captions, and the end of a caption is a word of its
//! n-grams, as in [self-critical training](super::SelfCriticalSettings).

use rekindle_data::captions::CaptionSet;
use rekindle_data::parallel::WordVocabulary;
use rekindle_metrics::captions::CiderD;
use rekindle_models::captioner::Captioner;
use rekindle_models::decode::{Hypothesis, Sampling, Search};

use super::assets::NEVER;
use super::error::CaptionError;
use super::task::{CaptionTask, training_captions};
use crate::prelude::*;
use crate::seeds::mix;

/// Most captions that are drawn side by side, in all images of a batch: each has its own copy of the image's features.
const SIDE_BY_SIDE: usize = 1024;

settings! {
    /// Settings of consensus decoding.
    pub struct ConsensusSettings {
        /// Draw COUNT captions of each image and choose the one that is most like all of them, by CIDEr-D, among these
        /// and those of the search (minimum Bayes risk); reads the training captions
        consensus: Option<usize> => value("COUNT").at_least(2).at_most(10_000).unset("the best of the search");
        /// Temperature of the captions that --consensus draws
        consensus_temperature: Option<f32> => value("T").above(0).unset("0.8").used_with("consensus", []);
    }
}

/// How captions are written.
#[derive(Clone, Debug)]
pub struct Writing {
    /// The beam search.
    pub search: Search,
    /// Consensus decoding; none for the best captions of the search.
    pub consensus: Option<Consensus>,
}

/// Consensus decoding; see [`ConsensusSettings`].
#[derive(Clone, Debug)]
pub struct Consensus {
    samples: usize,
    temperature: f32,
    metric: CiderD<u32>,
}

impl From<Search> for Writing {
    fn from(search: Search) -> Self {
        Self { search, consensus: None }
    }
}

impl ConsensusSettings {
    /// Consensus decoding, if it is asked for, with the document frequencies of the captions that `trained` learnt.
    ///
    /// # Errors
    ///
    /// [`CaptionError::NoFrequencies`].
    pub fn consensus(&self, trained: &Trained<CaptionTask>) -> Result<Option<Consensus>, TaskError> {
        let Some(samples) = self.consensus else { return Ok(None) };
        let data = &trained.settings.data;
        let opened = CaptionSet::open(&data.data, &data.options());
        let mut set = opened.map_err(|source| CaptionError::NoFrequencies { data: data.data.clone(), source })?;
        let vocabulary = &trained.assets.vocabulary;
        let encode = |captions: Vec<Vec<String>>| captions.iter().map(|words| vocabulary.encode(words)).collect();
        let captions: Vec<_> = training_captions(&mut set, data.max_length).into_iter().map(encode).collect();
        let temperature = self.consensus_temperature.unwrap_or(0.8);
        Ok(Some(Consensus { samples, temperature, metric: with_ends(&captions) }))
    }
}

impl Writing {
    /// The captions of each image, best first, by `members`, each with its features of the images `[B, P, F]`. `seed`
    /// is that of the samples.
    ///
    /// # Errors
    ///
    /// When a setting of the search or a temperature is invalid, or the device fails.
    pub(super) fn write(
        &self,
        members: &[(&Captioner, Tensor<3>)],
        seed: u64,
    ) -> Result<Vec<Vec<Hypothesis>>, TaskError> {
        let found = Captioner::write_together(members, &NEVER, &self.search)?;
        match &self.consensus {
            Some(consensus) => consensus.choose(found, members, self.search.max_length, seed),
            None => Ok(found),
        }
    }
}

impl Consensus {
    /// The number of captions that are drawn of each image.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The captions `found` of each image and those that are drawn, without repetitions, by expected CIDEr-D, which is
    /// their score.
    fn choose(
        &self,
        found: Vec<Vec<Hypothesis>>,
        members: &[(&Captioner, Tensor<3>)],
        longest: usize,
        seed: u64,
    ) -> Result<Vec<Vec<Hypothesis>>, TaskError> {
        let sampling = Sampling { temperature: self.temperature, ..Sampling::default() };
        let most = (SIDE_BY_SIDE / found.len().max(1)).max(1);
        let mut drawn = vec![Vec::with_capacity(self.samples); found.len()];
        for first in (0..self.samples).step_by(most) {
            let (count, seed) = (most.min(self.samples - first), mix(seed, first as u64));
            let more = Captioner::draw_several_together(members, count, &NEVER, longest, sampling, seed)?;
            drawn.iter_mut().zip(more).for_each(|(drawn, more)| drawn.extend(more));
        }
        Ok(found.into_iter().zip(drawn).map(|(found, drawn)| self.rank(found, drawn)).collect())
    }

    fn rank(&self, found: Vec<Hypothesis>, drawn: Vec<Hypothesis>) -> Vec<Hypothesis> {
        let samples: Vec<Vec<u32>> = drawn.iter().map(ended).collect();
        let mut candidates: Vec<Hypothesis> = Vec::new();
        for hypothesis in found.into_iter().chain(drawn) {
            if candidates.iter().all(|other| other.symbols != hypothesis.symbols || other.ended != hypothesis.ended) {
                candidates.push(hypothesis);
            }
        }
        let expected = self.metric.expected(&candidates.iter().map(ended).collect::<Vec<_>>(), &samples);
        candidates.iter_mut().zip(expected).for_each(|(candidate, score)| candidate.score = score);
        // Where scores are equal, the order of the search is kept.
        candidates.sort_by(|one, other| other.score.total_cmp(&one.score));
        candidates
    }
}

/// The tokens of a caption that the model wrote, with its end unless the maximum length cut it off.
pub(super) fn ended(hypothesis: &Hypothesis) -> Vec<u32> {
    let end = hypothesis.ended.then_some(WordVocabulary::END);
    hypothesis.symbols.iter().copied().chain(end).collect()
}

/// CIDEr-D of images with these captions as references, whose ends count.
pub(super) fn with_ends(captions: &[Vec<Vec<u32>>]) -> CiderD<u32> {
    let ended = |caption: &Vec<u32>| [&caption[..], &[WordVocabulary::END]].concat();
    CiderD::new(&captions.iter().map(|captions| captions.iter().map(ended).collect()).collect::<Vec<Vec<Vec<u32>>>>())
}

#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
