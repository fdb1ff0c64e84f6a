//! Training a language model.

use rekindle_data::{Decoder, Split, Streams, Vocabulary};
use rekindle_models::char_lm::CharLm;
use rekindle_models::decode::Sampler;
use rekindle_rnn::State;

use super::evaluation::{Passages, tensors};
use super::settings::CharsSettings;
use crate::prelude::*;
use crate::run::assets::vocabulary_file;

/// A run's text and its batches.
#[derive(Debug)]
pub struct CharsTask {
    settings: CharsSettings,
    vocabulary: Vocabulary,
    data: DataInfo,
    train: Streams,
    validation: Option<Passages>,
    device: Device,
}

vocabulary_file!(Vocabulary);

impl Task for CharsTask {
    const NAME: &'static str = "chars";
    const ABOUT: &'static str = "A language model over characters, bytes, words or pieces of words";

    type Settings = CharsSettings;
    type Assets = Vocabulary;
    type Model = CharLm;
    type Carry = State;

    fn open(settings: &CharsSettings, assets: Option<Vocabulary>, device: &Device) -> Result<Self, TaskError> {
        let text = &settings.data;
        if assets.is_none() {
            text.check_used()?;
        }
        let corpus = text.corpus()?;
        let vocabulary = match assets {
            Some(vocabulary) => vocabulary,
            None => text.vocabulary_of(&corpus)?,
        };
        let corpus = corpus.cut(&vocabulary)?;
        let split = Split::by_fractions(&corpus, text.split())?;
        let (batch, time) = (text.batch_size, text.sequence_length);
        let unit = corpus.unit().plural();
        let data = DataInfo {
            unit,
            summary: format!("{}; {split}", counted(vocabulary.len(), "symbols")),
            identity: format!("{}, {} bytes, {} {unit}", corpus.name(), corpus.bytes(), corpus.tokens()),
            sha256: sha256(corpus.contents()),
        };
        Ok(Self {
            train: Streams::new(&corpus, &vocabulary, split.train, batch, time)?,
            validation: Passages::whole(&corpus, &vocabulary, split.validation)?,
            settings: settings.clone(),
            vocabulary,
            data,
            device: device.clone(),
        })
    }

    fn assets(&self) -> &Vocabulary {
        &self.vocabulary
    }

    fn model(settings: &CharsSettings, vocabulary: &Vocabulary, seed: u64, device: &Device) -> CharLm {
        settings.model.init_with(vocabulary.len(), &mut seeded(seed), device)
    }

    fn data(&self) -> DataInfo {
        self.data.clone()
    }

    fn batches(&self) -> u64 {
        self.train.steps() as u64
    }

    fn loss(
        &mut self,
        model: &CharLm,
        _: u64,
        batch: u64,
        carry: Option<State>,
    ) -> Result<BatchLoss<State>, TaskError> {
        let share = Share::present();
        self.train.check()?;
        let rows = share.rows(self.train.batch_size());
        let batch = self.train.rows(batch as usize, rows.range());
        let items = batch.inputs.len() as u64;
        let [inputs, targets] = tensors(batch, rows.count, &self.device);
        let (loss, carry) = rows.within(|| model.loss_parts(inputs, targets, carry));
        Ok(BatchLoss::of_parts(loss, carry, items))
    }

    fn kept(&self) -> f64 {
        let (data, model) = (&self.settings.data, &self.settings.model);
        let numbers = model.recurrent.kept() + (model.embedding + 2 * self.vocabulary.len()) as f64;
        (data.batch_size * data.sequence_length) as f64 * numbers
    }

    fn start_from(&self, model: CharLm, source: Trained<Self>) -> Result<(CharLm, String), TaskError> {
        let known = self.vocabulary.map_to(&source.assets);
        let found = known.iter().flatten().count();
        let words = format!("{found} of {} have weights in the --init-from run", counted(known.len(), "symbols"));
        Ok((model.with_weights_of(&source.model, &known)?, words))
    }

    fn restore_carry(&self, data: Vec<TensorData>, device: &Device) -> Option<State> {
        let state = State::from_data(data, self.settings.model.recurrent.cell, device).ok()?;
        let [streams, _] = state.layers.first()?.hidden.dims();
        (streams == Share::present().rows(self.train.batch_size()).count).then_some(state)
    }

    fn evaluate(&mut self, model: &CharLm) -> Result<Option<Report>, TaskError> {
        let (validation, data) = (self.validation.as_ref(), &self.settings.data);
        let sizes = [data.batch_size, data.sequence_length];
        validation.map(|passages| passages.evaluate(&[model], sizes, &self.device)).transpose()
    }

    fn sample(&mut self, model: &CharLm, seed: u64) -> Result<Option<String>, TaskError> {
        let sample = &self.settings.sample;
        if sample.sample_length == 0 {
            return Ok(None);
        }
        let sampler = Sampler::new(sample.sampling(), seed)?.forbid(self.vocabulary.unknown_id());
        let mut decoder = Decoder::new(&self.vocabulary);
        let mut text = String::new();
        for token in model.generate(&[], None, sampler).take(sample.sample_length) {
            // The losses say what has happened to a model without a distribution; the training goes on.
            let Ok(token) = token else { return Ok(None) };
            text += &decoder.push(token);
        }
        text += &decoder.finish();
        Ok(Some(text))
    }
}
