//! `translate`: from a sentence in one language to a sentence in another.
//!
//! Batches are sentences of like lengths, in an order that depends on the seed and the epoch only. The loss is the mean
//! cross-entropy of the next target symbol in nats. Evaluations translate freely, as a user would: BLEU is never that of a
//! model that is shown the right words.

mod data;
mod settings;
mod trained;

use burn::tensor::{Device, TensorData};
use rand::Rng;
use rekindle_data::parallel::{BatchSize, Buckets, Pairs, SentenceUnit, WordVocabulary};
use rekindle_metrics::language::perplexity;
use rekindle_metrics::translation::{Bleu, BleuStatistics, ChrfStatistics};
use rekindle_models::decode::Search;
use rekindle_models::translator::Translator;

pub use data::{Language, Languages, Part};
pub use settings::{PairSettings, TranslateSettings, TranslatorSettings};
pub use trained::TrainedTranslator;

use crate::error::TrainError;
use crate::run::RunFolder;
use crate::run::checkpoint::Which;
use crate::task::{BatchLoss, Evaluation, Task, objective};

/// Pairs in numbers.
type Numbers = Vec<(Vec<u32>, Vec<u32>)>;

/// The sentences of a run and what is done with them.
#[derive(Debug)]
pub struct TranslateTask {
    settings: TranslateSettings,
    languages: Languages,
    train: Numbers,
    validation: Pairs,
    buckets: Buckets,
    /// The order of the epoch that was asked for last.
    epoch: Option<(u64, Vec<Vec<usize>>)>,
    /// What is to be said of the data.
    notes: Vec<String>,
    /// Where a run to start from is read to: with autodiff.
    device: Device,
}

impl TranslateTask {
    fn with_languages(
        settings: &TranslateSettings,
        known: Option<Languages>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        settings.validate()?;
        let (mut train, validation) = settings.data.read()?;
        let dropped = train.drop_empty();
        let mut notes = Vec::new();
        if dropped > 0 {
            notes.push(format!("{dropped} pairs with an empty side are left out"));
        }
        if train.is_empty() {
            return Err(TrainError::NoSentences { data: settings.data.data.clone() });
        }
        let languages = match known {
            Some(languages) => languages,
            None => Languages::of(&train, &settings.data)?,
        };
        let mut truncated = 0;
        let longest = settings.data.max_length;
        let mut numbers: Numbers = Vec::with_capacity(train.len());
        for (source, target) in train.sources.iter().zip(&train.targets) {
            let mut pair = (languages.source.encode(source), languages.target.encode(target));
            truncated += usize::from(pair.0.len() > longest || pair.1.len() > longest);
            pair.0.truncate(longest);
            pair.1.truncate(longest);
            numbers.push(pair);
        }
        if truncated > 0 && settings.data.strict {
            return Err(TrainError::LongSentences { count: truncated, longest });
        }
        if truncated > 0 {
            notes.push(format!("{truncated} pairs are cut to {longest} symbols a side"));
        }
        notes.extend(languages.poor_coverage(&train));
        let lengths: Vec<[usize; 2]> = numbers.iter().map(|(s, t)| [s.len(), t.len()]).collect();
        let buckets = Buckets::new(&lengths, settings.data.batch(), settings.training.seed);
        Ok(Self {
            settings: settings.clone(),
            languages,
            train: numbers,
            validation,
            buckets,
            epoch: None,
            notes,
            device: device.clone().autodiff(),
        })
    }
}

impl Task for TranslateTask {
    type Settings = TranslateSettings;
    type Model = Translator;
    type Carry = ();

    fn open(settings: &TranslateSettings, device: &Device) -> Result<Self, TrainError> {
        Self::with_languages(settings, None, device)
    }

    fn reopen(settings: &TranslateSettings, run: &RunFolder, device: &Device) -> Result<Self, TrainError> {
        Self::with_languages(settings, Some(Languages::load(&run.vocabulary())?), device)
    }

    fn save(&self, run: &RunFolder) -> Result<(), TrainError> {
        self.languages.save(&run.vocabulary())
    }

    fn describe(&self) -> String {
        let Languages { source, target } = &self.languages;
        let mut text = format!(
            "{} pairs to train on, {} held out; {} symbols of {}, {} of {}",
            self.train.len(),
            self.validation.len(),
            source.vocabulary.len(),
            source.name,
            target.vocabulary.len(),
            target.name,
        );
        for note in &self.notes {
            text += &format!("\n{note}");
        }
        text
    }

    fn start_from(&self, _model: Translator, source: &RunFolder) -> Result<(Translator, String), TrainError> {
        let source = TrainedTranslator::open(source, Which::Best, &self.device)?;
        if source.languages != self.languages || source.settings.model != self.settings.model {
            return Err(TrainError::OtherTranslator);
        }
        Ok((source.model, "all weights are those of the run to start from".to_owned()))
    }

    fn unit(&self) -> &'static str {
        "target symbols"
    }

    fn data(&self) -> String {
        format!("{}, {} pairs", self.settings.data.data, self.train.len())
    }

    fn init_model(&self, rng: &mut impl Rng, device: &Device) -> Translator {
        self.settings.config(&self.languages).init_with(rng, device)
    }

    fn batches(&self) -> u64 {
        self.buckets.len() as u64
    }

    fn loss(
        &mut self,
        model: &Translator,
        epoch: u64,
        batch: u64,
        _carry: Option<()>,
    ) -> Result<BatchLoss<()>, TrainError> {
        if self.epoch.as_ref().is_none_or(|(known, _)| *known != epoch) {
            self.epoch = Some((epoch, self.buckets.epoch(epoch)));
        }
        let order = self.epoch.as_ref().map_or(&[][..], |(_, order)| order);
        let pairs = &order[batch as usize];
        let sources: Vec<&[u32]> = pairs.iter().map(|&pair| &self.train[pair].0[..]).collect();
        let targets: Vec<&[u32]> = pairs.iter().map(|&pair| &self.train[pair].1[..]).collect();
        let items = targets.iter().map(|target| target.len() as u64 + 1).sum();
        Ok(BatchLoss { loss: model.loss(&sources, &targets), carry: (), items })
    }

    fn restore_carry(&self, data: Vec<TensorData>, _device: &Device) -> Option<()> {
        data.is_empty().then_some(())
    }

    fn evaluate(&mut self, model: &Translator) -> Result<Option<Evaluation>, TrainError> {
        if self.validation.is_empty() {
            return Ok(None);
        }
        let search = Search { max_length: self.settings.data.max_length, ..Search::default() };
        evaluate(model, &self.languages, &self.validation, &search, 128).map(Some)
    }

    fn sample(&mut self, model: &Translator, seed: u64) -> Result<Option<String>, TrainError> {
        let count = self.validation.len();
        if count == 0 {
            return Ok(None);
        }
        let first = seed as usize % count;
        let chosen: Vec<usize> = (first..count).take(3).collect();
        let sources: Vec<&str> = chosen.iter().map(|&i| self.validation.sources[i].as_str()).collect();
        let search = Search { max_length: self.settings.data.max_length, ..Search::default() };
        let found = self.languages.translate(model, &sources, &search)?;
        let lines = chosen.iter().zip(found).map(|(&i, translations)| {
            format!("{}\n  {}\n= {}\n", self.validation.sources[i], translations[0].0, self.validation.targets[i])
        });
        Ok(Some(lines.collect()))
    }
}

/// The figures of `model` on `pairs`, translated by `search` in batches of `batch_size`.
///
/// The loss, perplexity and token accuracy are those of the given targets; BLEU (13a and lower case where words are
/// lower-cased), chrF and the share of sentences exactly right are those of free translations.
///
/// # Errors
///
/// When a setting of `search` has no meaning, or the device fails.
pub fn evaluate(
    model: &Translator,
    languages: &Languages,
    pairs: &Pairs,
    search: &Search,
    batch_size: usize,
) -> Result<Evaluation, TrainError> {
    let bleu = Bleu { lowercase: languages.target.lowercase, ..Bleu::default() };
    let numbers: Numbers = pairs
        .sources
        .iter()
        .zip(&pairs.targets)
        .map(|(s, t)| (languages.source.encode(s), languages.target.encode(t)))
        .collect();
    let lengths: Vec<[usize; 2]> = numbers.iter().map(|(s, t)| [s.len(), t.len()]).collect();
    let (mut nats, mut symbols, mut correct, mut exact) = (0.0, 0, 0, 0_u64);
    let (mut words, mut characters) = (BleuStatistics::default(), ChrfStatistics::default());
    for batch in Buckets::new(&lengths, BatchSize::Sentences(batch_size.max(1)), 0).epoch(0) {
        let sources: Vec<&[u32]> = batch.iter().map(|&i| &numbers[i].0[..]).collect();
        let targets: Vec<&[u32]> = batch.iter().map(|&i| &numbers[i].1[..]).collect();
        let forced = model.score(&sources, &targets)?;
        nats -= forced.log_probs.iter().sum::<f64>();
        symbols += forced.symbols;
        correct += forced.correct;
        let texts: Vec<&str> = batch.iter().map(|&i| pairs.sources[i].as_str()).collect();
        for (&i, translations) in batch.iter().zip(languages.translate(model, &texts, search)?) {
            let (ours, theirs) = (&translations[0].0, languages.target.normal_form(&pairs.targets[i]));
            words += bleu.statistics(ours, &[&pairs.targets[i]]);
            characters += ChrfStatistics::of(ours, &[&theirs]);
            exact += u64::from(*ours == theirs);
        }
    }
    let loss = nats / symbols.max(1) as f64;
    let share = |count: u64, all: u64| count as f64 / all.max(1) as f64;
    let exact = share(exact, pairs.len() as u64);
    let by_words = languages.target.unit == SentenceUnit::Word;
    let objective = objective(100.0 - if by_words { words.score() } else { 100.0 * exact }, loss);
    let figures = vec![
        ("perplexity", perplexity(loss)),
        ("token_accuracy", share(correct, symbols)),
        ("bleu", words.score()),
        ("chrf", characters.score()),
        ("exact", exact),
    ];
    Ok(Evaluation { loss, figures, objective, pictures: Vec::new() })
}

/// What is never written.
const NEVER: [u32; 2] = [WordVocabulary::PAD, WordVocabulary::UNKNOWN];
