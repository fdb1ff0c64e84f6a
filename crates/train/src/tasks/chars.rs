//! `chars`: a language model over characters, bytes or words.
//!
//! The text is cut into `B` streams that are read side by side, `T` symbols a step; the hidden state is carried from
//! step to step along each stream and is zero at the start of an epoch. The loss is the mean cross-entropy of the next
//! symbol in nats.

mod import;
mod settings;
mod trained;
mod windows;

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::Rng;
use rekindle_data::{Corpus, Decoder, Split, StreamBatch, Streams, Vocabulary};
use rekindle_metrics::language::{bits, perplexity};
use rekindle_models::char_lm::CharLm;
use rekindle_models::decode::{Sampler, Sampling};
use rekindle_models::host::numbers;
use rekindle_rnn::State;

pub use import::{ImportError, ImportOptions, ImportedChars};
pub use settings::{CharsSettings, ModelSettings, SampleSettings, TextSettings};
pub use trained::TrainedChars;
pub use windows::Windows;

use crate::error::TrainError;
use crate::run::RunFolder;
use crate::run::checkpoint::Which;
use crate::task::{BatchLoss, Evaluation, Task};

/// The text of a run and what is done with it.
#[derive(Debug)]
pub struct CharsTask {
    settings: CharsSettings,
    vocabulary: Vocabulary,
    /// Name and size of the text.
    text: String,
    split: Split,
    train: Streams,
    validation: Option<Streams>,
    device: Device,
}

impl CharsTask {
    fn from_corpus(
        settings: &CharsSettings,
        corpus: Corpus,
        vocabulary: Vocabulary,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let split = Split::by_fractions(&corpus, settings.data.split())?;
        let (batch, time) = (settings.data.batch_size, settings.data.sequence_length);
        let train = Streams::new(&corpus, &vocabulary, split.train.clone(), batch, time)?;
        let validation = evaluation_streams(&corpus, &vocabulary, split.validation.clone(), batch, time)?;
        let text =
            format!("{}, {} bytes, {} {}", corpus.name(), corpus.bytes(), corpus.tokens(), corpus.unit().plural());
        let device = device.clone();
        Ok(Self { settings: settings.clone(), vocabulary, text, split, train, validation, device })
    }

    /// The symbols of the text.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}

impl Task for CharsTask {
    type Settings = CharsSettings;
    type Model = CharLm;
    type Carry = State;

    fn open(settings: &CharsSettings, device: &Device) -> Result<Self, TrainError> {
        settings.validate()?;
        let corpus = Corpus::open(&settings.data.source()?, settings.data.units)?;
        let vocabulary = Vocabulary::from_corpus(&corpus, &settings.data.vocabulary())?;
        Self::from_corpus(settings, corpus, vocabulary, device)
    }

    fn reopen(settings: &CharsSettings, run: &RunFolder, device: &Device) -> Result<Self, TrainError> {
        settings.validate()?;
        let vocabulary = Vocabulary::load(run.vocabulary())?;
        let corpus = Corpus::open(&settings.data.source()?, settings.data.units)?;
        Self::from_corpus(settings, corpus, vocabulary, device)
    }

    fn save(&self, run: &RunFolder) -> Result<(), TrainError> {
        Ok(self.vocabulary.save(run.vocabulary())?)
    }

    fn describe(&self) -> String {
        format!("{} symbols; {}", self.vocabulary.len(), self.split)
    }

    fn start_from(&self, model: CharLm, source: &RunFolder) -> Result<(CharLm, String), TrainError> {
        let source = TrainedChars::open(source, Which::Best, &self.device)?;
        let known = self.vocabulary.map_to(&source.vocabulary);
        let found = known.iter().flatten().count();
        let words = format!("{found} of {} symbols have weights in the run to start from", known.len());
        Ok((model.with_weights_of(&source.model, &known)?, words))
    }

    fn unit(&self) -> &'static str {
        self.settings.data.units.plural()
    }

    fn data(&self) -> String {
        self.text.clone()
    }

    fn init_model(&self, rng: &mut impl Rng, device: &Device) -> CharLm {
        self.settings.model.config(self.vocabulary.len()).init_with(rng, device)
    }

    fn batches(&self) -> u64 {
        self.train.steps() as u64
    }

    fn loss(
        &mut self,
        model: &CharLm,
        _epoch: u64,
        batch: u64,
        carry: Option<State>,
    ) -> Result<BatchLoss<State>, TrainError> {
        let batch = self.train.batch(batch as usize);
        let items = batch.inputs.len() as u64;
        let [inputs, targets] = tensors(batch, self.train.batch_size(), &self.device);
        let (loss, carry) = model.loss(inputs, targets, carry);
        Ok(BatchLoss { loss, carry, items })
    }

    fn restore_carry(&self, data: Vec<TensorData>, device: &Device) -> Option<State> {
        State::from_data(data, self.settings.model.cell, device).ok()
    }

    fn evaluate(&mut self, model: &CharLm) -> Result<Option<Evaluation>, TrainError> {
        self.validation.as_mut().map(|streams| evaluate(model, streams, &self.device)).transpose()
    }

    fn sample(&mut self, model: &CharLm, seed: u64) -> Result<Option<String>, TrainError> {
        let SampleSettings { sample_length, sample_temperature, .. } = self.settings.sample;
        if sample_length == 0 {
            return Ok(None);
        }
        let sampling = Sampling { temperature: sample_temperature, ..Sampling::default() };
        let sampler = Sampler::new(sampling, seed)?.forbid(self.vocabulary.unknown_id());
        let mut decoder = Decoder::new(&self.vocabulary);
        let mut text: String =
            model.generate(&[], None, sampler).take(sample_length).map(|symbol| decoder.push(symbol)).collect();
        text += &decoder.finish();
        Ok(Some(text))
    }
}

/// The figures of `model` over all of `streams`, with the state carried along them.
///
/// # Errors
///
/// When the device fails.
pub fn evaluate(model: &CharLm, streams: &mut Streams, device: &Device) -> Result<Evaluation, TrainError> {
    let mut state = None;
    let mut total = Tensor::<1>::zeros([1], device);
    for step in 0..streams.steps() {
        let [inputs, targets] = tensors(streams.batch(step), streams.batch_size(), device);
        let (loss, after) = model.loss(inputs, targets, state);
        state = Some(after);
        total = total + loss;
    }
    let loss = f64::from(numbers(total)?[0]) / streams.steps() as f64;
    let figures = vec![("bits_per_symbol", bits(loss)), ("perplexity", perplexity(loss))];
    Ok(Evaluation { loss, figures, objective: loss, pictures: Vec::new() })
}

/// Streams over a held-out part. It may be too short for the batches of the training: then there are fewer streams, and
/// shorter steps if need be. None for a part that holds no pair of symbols.
///
/// # Errors
///
/// When the text has symbols that are not in `vocabulary`.
pub fn evaluation_streams(
    corpus: &Corpus,
    vocabulary: &Vocabulary,
    range: std::ops::Range<usize>,
    batch_size: usize,
    sequence_length: usize,
) -> Result<Option<Streams>, TrainError> {
    let predicted = range.len().saturating_sub(1);
    if predicted == 0 {
        return Ok(None);
    }
    let time = sequence_length.min(predicted);
    let batch = batch_size.min(predicted / time);
    Ok(Some(Streams::new(corpus, vocabulary, range, batch, time)?))
}

/// Inputs and targets `[B, T]`.
fn tensors(batch: StreamBatch, batch_size: usize, device: &Device) -> [Tensor<2, Int>; 2] {
    let shape = [batch_size, batch.inputs.len() / batch_size];
    [batch.inputs, batch.targets].map(|symbols| {
        let symbols: Vec<i32> = symbols.into_iter().map(|s| s as i32).collect();
        Tensor::from_data(TensorData::new(symbols, shape), device)
    })
}
