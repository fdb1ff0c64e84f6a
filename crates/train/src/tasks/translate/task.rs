//! Training a translator.

use rekindle_data::parallel::{Buckets, Languages, Pairs, WordVocabulary};
use rekindle_models::translator::{Translator, TranslatorSizes};

use super::error::TranslateError;
use super::evaluation::evaluate;
use super::languages::translate;
use super::pretraining::pretrained;
use super::settings::TranslateSettings;
use crate::origin::Origin;
use crate::prelude::*;

/// A run's sentence pairs and their batches.
#[derive(Debug)]
pub struct TranslateTask {
    pub(super) settings: TranslateSettings,
    pub(super) languages: Languages,
    /// The training pairs as token ids.
    train: Vec<(Vec<u32>, Vec<u32>)>,
    validation: Pairs,
    buckets: Buckets,
    /// The batches of the latest epoch.
    epoch: OfEpoch<Vec<Vec<usize>>>,
    data: DataInfo,
}

impl Task for TranslateTask {
    const NAME: &'static str = "translate";
    const ABOUT: &'static str = "Translation from one language to another";

    type Settings = TranslateSettings;
    type Assets = Languages;
    type Model = Translator;
    type Carry = ();

    fn open(settings: &TranslateSettings, assets: Option<Languages>, _: &Device) -> Result<Self, TaskError> {
        let data = &settings.data;
        let [mut pairs, validation] = data.source().training()?;
        let dropped = pairs.drop_empty();
        if pairs.is_empty() {
            return Err(TranslateError::NoPairs { data: data.data.clone() }.into());
        }
        let languages = match assets {
            Some(languages) => languages,
            None => Languages::of(&pairs, &data.languages())?,
        };
        let (mut train, longest) = (languages.encode(&pairs), data.max_length);
        let too_long = |(source, target): &&(Vec<u32>, Vec<u32>)| source.len().max(target.len()) > longest;
        let count = train.iter().filter(too_long).count();
        if count > 0 && data.strict {
            return Err(TranslateError::TooLong { count, longest }.into());
        }
        for (source, target) in &mut train {
            source.truncate(longest);
            target.truncate(longest);
        }
        let lengths: Vec<[usize; 2]> = train.iter().map(|(source, target)| [source.len(), target.len()]).collect();
        let Languages { source, target } = &languages;
        let summary = format!(
            "{} to train on, {} held out; {} of {}, {} of {}",
            counted(pairs.len(), "pairs"),
            validation.len(),
            counted(source.vocabulary.len(), "tokens"),
            source.name,
            target.vocabulary.len(),
            target.name,
        );
        let notes = [
            (dropped > 0).then(|| format!("skipped, with an empty side: {}", counted(dropped, "pairs"))),
            (count > 0).then(|| format!("cut to {} a side: {}", counted(longest, "tokens"), counted(count, "pairs"))),
        ];
        let notes = notes.into_iter().flatten().chain(languages.poor_coverage(&pairs));
        let data = DataInfo {
            unit: "target tokens",
            summary: [summary].into_iter().chain(notes).collect::<Vec<_>>().join("\n"),
            identity: format!("{}, {} pairs", data.data, pairs.len()),
            sha256: content(&[&pairs, &validation]),
        };
        Ok(Self {
            buckets: Buckets::sorted(&lengths, settings.data.batch(), settings.training.seed),
            settings: settings.clone(),
            languages,
            train,
            validation,
            epoch: OfEpoch::default(),
            data,
        })
    }

    fn assets(&self) -> &Languages {
        &self.languages
    }

    fn model(settings: &TranslateSettings, languages: &Languages, seed: u64, device: &Device) -> Translator {
        let sizes = TranslatorSizes {
            source_vocabulary: languages.source.vocabulary.len(),
            target_vocabulary: languages.target.vocabulary.len(),
            start: WordVocabulary::START,
            end: WordVocabulary::END,
        };
        settings.model.init_with(&sizes, &mut seeded(seed), device)
    }

    fn data(&self) -> DataInfo {
        self.data.clone()
    }

    fn batches(&self) -> u64 {
        self.buckets.len() as u64
    }

    fn loss(
        &mut self,
        model: &Translator,
        epoch: u64,
        batch: u64,
        _: Option<()>,
    ) -> Result<BatchLoss<()>, TaskError> {
        let share = Share::present();
        let pairs = &self.epoch.get(epoch, |epoch| self.buckets.epoch(epoch))[batch as usize];
        let rows = share.rows(pairs.len());
        if rows.is_empty() {
            return Ok(BatchLoss::nothing(()));
        }
        let lines = |pairs: &[usize]| pairs.iter().map(|&pair| self.train[pair].1.len() + 1).sum::<usize>();
        let rows = rows.after(lines(&pairs[..rows.first]));
        let pairs = &pairs[rows.range()];
        let sources: Vec<&[u32]> = pairs.iter().map(|&pair| &self.train[pair].0[..]).collect();
        let targets: Vec<&[u32]> = pairs.iter().map(|&pair| &self.train[pair].1[..]).collect();
        let items = targets.iter().map(|target| target.len() as u64 + 1).sum();
        Ok(BatchLoss::of_parts(rows.within(|| model.loss_parts(&sources, &targets)), (), items))
    }

    fn kept(&self) -> f64 {
        let model = &self.settings.model;
        // The decoder, and an encoder with half its width in each direction.
        let (read, written) = (model.recurrent.kept(), 2.0 * self.languages.target.vocabulary.len() as f64);
        let numbers = |batch: &Vec<usize>| {
            let longest = |side: fn(&(Vec<u32>, Vec<u32>)) -> usize| {
                batch.iter().map(|&pair| side(&self.train[pair])).max().unwrap_or(0) as f64
            };
            let [source, target] = [longest(|pair| pair.0.len()), longest(|pair| pair.1.len() + 1)];
            batch.len() as f64 * (source * read + target * (read + written))
        };
        self.buckets.epoch(0).iter().map(numbers).fold(0.0, f64::max)
    }

    fn start_from(&self, model: Translator, source: Trained<Self>) -> Result<(Translator, String), TaskError> {
        if source.assets != self.languages {
            return Err(TranslateError::OtherVocabularies.into());
        }
        let model = model.with_weights_of(&source.model).map_err(TranslateError::OtherModel)?;
        Ok((model, "all weights are those of the --init-from run".to_owned()))
    }

    fn origins() -> Vec<Origin<Self>> {
        vec![Origin::of(pretrained)]
    }

    fn evaluate(&mut self, model: &Translator) -> Result<Option<Report>, TaskError> {
        if self.validation.is_empty() {
            return Ok(None);
        }
        evaluate(&[model], &self.languages, &self.validation, &self.settings.greedy(), 128).map(Some)
    }

    fn sample(&mut self, model: &Translator, seed: u64) -> Result<Option<String>, TaskError> {
        let Pairs { sources, targets } = &self.validation;
        if sources.is_empty() {
            return Ok(None);
        }
        let first = seed as usize % sources.len();
        let chosen = first..sources.len().min(first + 3);
        let texts: Vec<&str> = sources[chosen.clone()].iter().map(String::as_str).collect();
        let found = translate(&self.languages, &model.prepared(), &texts, &self.settings.greedy())?;
        let lines = chosen
            .zip(found)
            .map(|(i, translations)| format!("{}\n  {}\n= {}\n", sources[i], translations[0].0, targets[i]));
        Ok(Some(lines.collect()))
    }
}

/// The SHA-256 of all sentences.
fn content(splits: &[&Pairs]) -> String {
    let sides = splits.iter().flat_map(|pairs| [&pairs.sources, &pairs.targets]);
    // The separators between sentences and between sides make their ends unambiguous.
    sha256(sides.flat_map(|side| side.iter().flat_map(|sentence| [sentence.as_str(), "\n"]).chain(["\0"])))
}
