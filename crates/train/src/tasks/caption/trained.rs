//! A captioner that has been trained, with all that it needs to write and to be judged.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::captions::{Pictures, read_picture};
use rekindle_data::parallel::WordVocabulary;
use rekindle_models::captioner::Captioner;
use rekindle_models::decode::{Hypothesis, Sampling, Search};
use rekindle_weights::{StateDict, Strictness, WeightFile};

use super::features::{Album, Features, FrozenEncoder, pictures};
use super::judge::{Judge, Written};
use super::{CaptionSettings, NEVER};
use crate::error::TrainError;
use crate::run::RunFolder;
use crate::run::checkpoint::{self, Progress, Which};
use crate::task::{Evaluation, Preparation};

/// The model of a run of `caption`.
#[derive(Debug)]
pub struct TrainedCaptioner {
    /// The weights of a checkpoint.
    pub model: Captioner,
    /// The words.
    pub vocabulary: WordVocabulary,
    /// What the run was told.
    pub settings: CaptionSettings,
    /// Where the run stood.
    pub progress: Progress,
    /// Checkpoints that were passed over, each with what is wrong with it.
    pub rejected: Vec<String>,
    /// What sees, where it is not part of the model.
    frozen: Option<FrozenEncoder>,
    device: Device,
}

impl TrainedCaptioner {
    /// Reads the model of `run` onto `device`.
    ///
    /// # Errors
    ///
    /// When the run is of another task, or a file of it is missing or damaged.
    pub fn open(run: &RunFolder, which: Which, device: &Device) -> Result<Self, TrainError> {
        let settings: CaptionSettings = run.settings()?;
        let vocabulary = super::load_vocabulary(&run.vocabulary())?;
        let checkpoint = checkpoint::load(run, which)?;
        // Every weight is read from a file; those drawn here are thrown away.
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let blank = settings.model.config(&vocabulary).init_with(&mut rng, device);
        let frozen = if settings.model.trains_encoder() {
            None
        } else {
            let file = WeightFile::open(run.encoder())?;
            let config = settings.model.encoder();
            let blank = config.init_with(&mut rng, device);
            let (encoder, _) = blank.load_state_dict(file.tensors(), Strictness::Strict)?;
            Some(FrozenEncoder::new(encoder, config, settings.model.view(), device.clone()))
        };
        let (progress, rejected) = (checkpoint.progress.clone(), checkpoint.rejected.clone());
        let (model, device) = (checkpoint.model(blank)?, device.clone());
        Ok(Self { model, vocabulary, settings, progress, rejected, frozen, device })
    }

    /// What is seen of the pictures in some files, `[B, P, F]`.
    ///
    /// # Errors
    ///
    /// When a file is no image that can be decoded.
    pub fn see(&self, files: &[&Path]) -> Result<Tensor<3>, TrainError> {
        let side = self.settings.model.encoder().side;
        let mut pixels = Vec::with_capacity(files.len() * 3 * side * side);
        for file in files {
            pixels.extend(read_picture(file, side)?);
        }
        Ok(self.see_pixels(&pixels))
    }

    fn see_pixels(&self, pixels: &[u8]) -> Tensor<3> {
        match (&self.frozen, &self.model.encoder) {
            (Some(frozen), _) => frozen.see(pixels),
            (None, Some(encoder)) => {
                let side = self.settings.model.encoder().side;
                encoder.forward(pictures(pixels, side, &self.device), self.model.view())
            }
            (None, None) => unreachable!("an encoder that is not frozen is part of the model"),
        }
    }

    /// Captions of the pictures that were seen, best first, each with how it was found.
    ///
    /// # Errors
    ///
    /// When a setting of `search` has no meaning.
    pub fn captions(&self, seen: Tensor<3>, search: &Search) -> Result<Vec<Vec<(String, Hypothesis)>>, TrainError> {
        let found = self.model.write(seen, &NEVER, search)?;
        Ok(found.into_iter().map(|hypotheses| hypotheses.into_iter().map(|h| self.with_text(h)).collect()).collect())
    }

    /// A caption for each picture that was seen, drawn word by word; the same `seed` draws the same.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` has no meaning.
    pub fn draw(
        &self,
        seen: Tensor<3>,
        longest: usize,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Vec<(String, Hypothesis)>, TrainError> {
        let found = self.model.draw(seen, &NEVER, longest, sampling, seed)?;
        Ok(found.into_iter().map(|hypothesis| self.with_text(hypothesis)).collect())
    }

    fn with_text(&self, hypothesis: Hypothesis) -> (String, Hypothesis) {
        (self.vocabulary.decode(&hypothesis.symbols).join(" "), hypothesis)
    }

    /// What is seen of one of some pictures, `[1, P, F]`.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn see_image(&self, pictures: &Pictures, name: &str) -> Result<Tensor<3>, TrainError> {
        let pixels = pictures.pixels(name, self.settings.model.encoder().side, None)?;
        Ok(self.see_pixels(&pixels))
    }

    /// The words of a caption, `<END>` behind them, and the attention that each pays to each place of the picture that was
    /// seen; nothing without attention.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn looks(&self, seen: Tensor<3>, caption: &str) -> Result<(Vec<String>, Vec<Vec<f32>>), TrainError> {
        let mut words: Vec<String> = caption.split_whitespace().map(str::to_owned).collect();
        let looks = self.model.looks(seen, &self.vocabulary.encode(&words))?.unwrap_or_default();
        words.push(self.vocabulary.word(WordVocabulary::END).to_owned());
        Ok((words, looks))
    }

    /// Judges the model on captioned pictures, which it writes about by `search`, and gives what it wrote. What a frozen
    /// network sees is kept in the run's cache.
    ///
    /// # Errors
    ///
    /// When a picture cannot be read, or a setting of `search` has no meaning.
    pub fn judge(
        &self,
        album: Album<'_>,
        search: Search,
        batch_size: usize,
        report: &mut dyn FnMut(Preparation<'_>),
    ) -> Result<(Evaluation, Vec<Written>), TrainError> {
        let side = self.settings.model.encoder().side;
        let Album { pictures, images, .. } = album;
        let longest = self.settings.data.max_length;
        let (model, vocabulary) = (&self.model, &self.vocabulary);
        let judge = Judge { model, vocabulary, pictures, images, search, batch_size, longest };
        if let Some(frozen) = &self.frozen {
            let features = Features::open(&self.settings.data.cache, frozen, album, report)?;
            return judge.judge(|range| features.rows(&range.collect::<Vec<_>>(), &self.device));
        }
        judge.judge(|range| {
            let mut pixels = Vec::with_capacity(range.len() * 3 * side * side);
            for image in &images[range] {
                pixels.extend(pictures.pixels(&image.name, side, None)?);
            }
            Ok(self.see_pixels(&pixels))
        })
    }
}
