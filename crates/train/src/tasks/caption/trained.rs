//! A trained captioner.

use std::path::Path;

use rekindle_data::captions::read_picture;
use rekindle_data::parallel::WordVocabulary;
use rekindle_models::captioner::Captioner;
use rekindle_models::captioner::encoder::Encoder;
use rekindle_models::decode::{Hypothesis, Sampling, Search};

use super::assets::NEVER;
use super::error::CaptionError;
use super::evaluation::{Evaluation, Member, Written};
use super::features::{Features, ImageSet, Source, Version, encode};
use super::task::CaptionTask;
use super::writing::Writing;
use crate::prelude::*;
use crate::sentences::Sentence;

impl Trained<CaptionTask> {
    /// The features of the images in some files, `[B, P, F]`.
    ///
    /// # Errors
    ///
    /// When a file is not an image that can be decoded, or the image encoder cannot be read.
    pub fn features(&self, files: &[&Path]) -> Result<Tensor<3>, TaskError> {
        let mut pixels = Vec::new();
        for file in files {
            pixels.extend(read_picture(file, self.image_side())?);
        }
        self.encode(&pixels)
    }

    /// The features `[B, P, F]` of images of red, green and blue bytes, `[B, 3, side, side]`.
    ///
    /// # Errors
    ///
    /// When the image encoder cannot be read.
    pub fn encode(&self, pixels: &[u8]) -> Result<Tensor<3>, TaskError> {
        let model = &self.settings.model;
        if let Some(frozen) = self.assets.frozen(model, &self.device)? {
            return Ok(frozen.features(pixels));
        }
        let encoder = self.model.encoder.as_ref().ok_or(CaptionError::NoEncoder)?;
        Ok(encode(encoder, model, pixels, &self.device))
    }

    /// The image encoder: that of the model, or the frozen one.
    ///
    /// # Errors
    ///
    /// When the frozen one cannot be read.
    pub fn encoder(&self) -> Result<&Encoder, TaskError> {
        match self.assets.frozen(&self.settings.model, &self.device)? {
            Some(frozen) => Ok(&frozen.encoder),
            None => Ok(self.model.encoder.as_ref().ok_or(CaptionError::NoEncoder)?),
        }
    }

    /// The side of the images in pixels.
    pub fn image_side(&self) -> usize {
        self.settings.model.encoder.config().side
    }

    /// Captions of images with these features, best first, each with its hypothesis.
    ///
    /// # Errors
    ///
    /// When a setting of `search` is invalid, or the device fails.
    pub fn captions(&self, features: Tensor<3>, search: &Search) -> Result<Vec<Vec<Sentence>>, TaskError> {
        let found = self.model.write(features, &NEVER, search)?;
        Ok(found.into_iter().map(|hypotheses| hypotheses.into_iter().map(|h| self.with_text(h)).collect()).collect())
    }

    /// Samples a caption for each image with these features, token by token; the same `seed` gives the same captions.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` is invalid, or the device fails.
    pub fn draw(
        &self,
        features: Tensor<3>,
        longest: usize,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Vec<Sentence>, TaskError> {
        let found = self.model.draw(features, &NEVER, longest, sampling, seed)?;
        Ok(found.into_iter().map(|hypothesis| self.with_text(hypothesis)).collect())
    }

    pub(super) fn with_text(&self, hypothesis: Hypothesis) -> Sentence {
        (self.assets.vocabulary.decode(&hypothesis.symbols).join(" "), hypothesis)
    }

    /// The words of a caption and its `<END>`, with the attention weights of each over the places of the image with
    /// these features; no weights without attention.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn attention_weights(
        &self,
        features: Tensor<3>,
        caption: &str,
    ) -> Result<(Vec<String>, Vec<Vec<f32>>), TaskError> {
        let vocabulary = &self.assets.vocabulary;
        let mut words: Vec<String> = caption.split_whitespace().map(str::to_owned).collect();
        let weights = self.model.attention_weights(features, &vocabulary.encode(&words))?.unwrap_or_default();
        words.push(vocabulary.word(WordVocabulary::END).to_owned());
        Ok((words, weights))
    }

    /// Evaluates the model on captioned images, with captions as `writing` has it, and returns them too. Features of a
    /// frozen encoder are cached in the run's cache folder.
    ///
    /// # Errors
    ///
    /// When an image cannot be read, a setting of `search` is invalid, or the device fails.
    pub fn evaluate(
        &self,
        set: ImageSet<'_>,
        writing: impl Into<Writing>,
        batch_size: usize,
        report: &mut dyn FnMut(Preparation<'_>),
    ) -> Result<(Report, Vec<Written>), TaskError> {
        let mut cached = Vec::with_capacity(1 + self.others.len());
        for Self { assets, settings, device, .. } in self.all() {
            let frozen = assets.frozen(&settings.model, device)?;
            let cache = &settings.data.cache;
            cached.push(frozen.map(|frozen| Features::open(cache, frozen, set, Version::default(), report)).transpose()?);
        }
        let mut others = Vec::with_capacity(cached.len());
        for (Self { model, settings, .. }, cached) in self.all().zip(&cached) {
            let source = match (cached, &model.encoder) {
                (Some(features), _) => Source::File(features),
                (None, encoder) => Source::Encoder(encoder.as_ref().ok_or(CaptionError::NoEncoder)?),
            };
            others.push(Member { model, settings, source });
        }
        let member = others.remove(0);
        let (vocabulary, device) = (&self.assets.vocabulary, &self.device);
        Evaluation { member, others, vocabulary, set, writing: writing.into(), batch_size, device }.run()
    }

    /// This run, and those that write together with it.
    fn all(&self) -> impl Iterator<Item = &Self> {
        [self].into_iter().chain(&self.others)
    }

    /// Each model with its features of the images in some files.
    pub(super) fn members(&self, files: &[&Path]) -> Result<Vec<(&Captioner, Tensor<3>)>, TaskError> {
        self.all().map(|run| Ok((&run.model, run.features(files)?))).collect()
    }
}
