//! Creating a run from another program's model: `rekindle import`.

mod error;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rekindle_data::{Split, Unit, Vocabulary};
use rekindle_models::char_lm::{CharLm, CharLmSettings};
use rekindle_models::settings::RecurrentSettings;
use rekindle_rnn::Cell;
use rekindle_settings::Sections;
use rekindle_weights::{LanguageModel, LoadReport, Rename, StateDict, Strictness, WeightFile, rename};

pub use error::ImportError;

use super::settings::CharsSettings;
use super::task::CharsTask;
use crate::optimizer;
use crate::run::RunFolder;
use crate::run::checkpoint::{self, Progress};
use crate::prelude::*;

settings! {
    /// Options of `import`.
    pub struct ImportOptions {
        /// Vocabulary: a run's vocab.json, or a JSON list or object of tokens
        vocab: Option<PathBuf> => value("FILE").unset("the one in the file");
        /// What one token of the vocabulary is
        units: Unit => value("UNIT").choices(["char", "byte", "word"]);
        /// Recurrent cell, where the number of gates does not decide it: rnn-relu, say
        cell: Option<Cell> => value("NAME").choices(Cell::ALL.map(Cell::name)).unset("the plain one of those that fit");
        /// Only tensors whose names begin with PREFIX and a dot, named without it: one state dict of several
        key: Option<String> => value("PREFIX").unset("all");
        /// Another name for a tensor, or for all that begin with OLD and a dot; several are applied in turn
        key_map: Vec<String> => value("OLD=NEW");
        /// Leave out tensors that do not fit, and initialise those that are missing
        allow_partial: bool;
        /// Text that the model was trained on, for `eval`
        data: Option<String> => value("PATH").unset("none");
        /// Share of that text that was trained on, from its beginning
        train_share: f64 = 0.9 => value("SHARE");
        /// Share of that text, after that, that was held out
        validation_share: f64 = 0.1 => value("SHARE").at_least(0).below(1);
    }
}

/// An imported model.
#[derive(Debug)]
pub struct ImportedChars {
    /// Its weights.
    pub model: CharLm,
    /// Its vocabulary.
    pub vocabulary: Vocabulary,
    /// Its settings, default but for its shape. No text: see [`CharsError::NoText`](super::CharsError::NoText).
    pub settings: CharsSettings,
    /// How each tensor of the model was loaded, by its Rekindle name.
    pub report: LoadReport,
    /// Biases that the file lacks, set to zeros.
    pub zeros: Vec<String>,
    /// Tensors of the file with an unsupported type, with the reason.
    pub unread: BTreeMap<String, String>,
    /// Number of tensors in the file that do not belong to the model, for instance an optimizer's.
    pub outside: usize,
    source: PathBuf,
}

impl ImportedChars {
    /// Reads a model from a PyTorch or safetensors file. Its settings follow from the shapes of its tensors.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or its tensors do not fit, and [`ImportError`] when they do not determine the
    /// shape or the vocabulary.
    pub fn open(path: &Path, options: &ImportOptions, device: &Device) -> Result<Self, TaskError> {
        let failed = |source: ImportError| ImportError::In { path: path.to_owned(), source: Box::new(source) };
        let named = |text: &String| text.parse().map_err(|e: String| format!("--key-map {text}: {e}"));
        let renames = options.key_map.iter().map(named).collect::<Result<Vec<Rename>, _>>()?;
        let mut file = WeightFile::open(path)?;
        if let Some(key) = &options.key {
            file = file.within(key)?;
        }
        let (tables, unread) = (file.tables().clone(), file.unread().clone());
        let tensors = rename(file.into_tensors(), &renames)?;
        let found = LanguageModel::of(&tensors, options.cell).map_err(|error| failed(error.into()))?;
        let LanguageModel { tensors, outside, cell, layers, hidden, vocabulary: vocabulary_size, tied, zeros, .. } = found;
        let vocabulary = match &options.vocab {
            Some(file) => Vocabulary::import(file, options.units)?,
            None => {
                let mut fitting = tables.iter().filter(|(_, texts)| texts.len() == vocabulary_size);
                let Some((name, texts)) = fitting.next() else {
                    let tables = tables.into_iter().map(|(name, texts)| (name, texts.len())).collect();
                    return Err(failed(ImportError::NoVocabulary { wanted: vocabulary_size, tables }).into());
                };
                if let Some((other, _)) = fitting.find(|(_, others)| *others != texts) {
                    let (one, other) = (name.clone(), other.clone());
                    return Err(failed(ImportError::SeveralVocabularies { one, other }).into());
                }
                Vocabulary::from_list(&format!("{}: {name}", path.display()), options.units, texts)?
            }
        };
        if vocabulary.len() != vocabulary_size {
            let found = vocabulary.len();
            return Err(failed(ImportError::VocabularySize { wanted: vocabulary_size, found }).into());
        }
        let mut settings = CharsSettings::default();
        let usual = settings.model.recurrent.clone();
        settings.model = CharLmSettings {
            recurrent: RecurrentSettings { cell, layers, hidden, ..usual },
            embedding: found.embedding.unwrap_or(0),
            tied,
            ..CharLmSettings::default()
        };
        settings.data.set_unit(vocabulary.unit());
        settings.data.data = String::new();
        settings.validate()?;
        // Tensors that the file lacks are drawn as in a new run.
        let mut rng = seeded(settings.training.seed);
        let blank = settings.model.init_with(vocabulary_size, &mut rng, device);
        let strictness = if options.allow_partial { Strictness::AllowPartial } else { Strictness::Strict };
        let (model, report) = blank.load_state_dict(&tensors, strictness)?;
        Ok(Self { model, vocabulary, settings, report, zeros, unread, outside, source: path.to_owned() })
    }

    /// Creates a run with a checkpoint of step 0.
    ///
    /// # Errors
    ///
    /// When the folder is not free, or a file cannot be written.
    pub fn save(&self, out: &Path, replace: bool) -> Result<RunFolder, TaskError> {
        // No text has this description: the run cannot be resumed on data that its weights were not trained on.
        let progress = Progress { data: format!("weights from {}", self.source.display()), ..Progress::default() };
        let optimizer = optimizer::build(&self.settings.training);
        let fill = |run: &RunFolder| {
            checkpoint::save(run, &progress, &self.model, &optimizer, None).map(drop)
        };
        Ok(RunFolder::create(out, CharsTask::NAME, &self.settings, &self.vocabulary, replace, fill)?)
    }
}

/// `rekindle import`.
pub(super) fn import(device: Device, request: Import, given: ImportOptions, output: &mut Output<'_>) -> Result<(), TaskError> {
    let mut imported = ImportedChars::open(&request.file, &given, &device)?;
    let text = &mut imported.settings.data;
    (text.train_share, text.hold_out.validation_share) = (given.train_share, given.validation_share);
    if let Some(data) = given.data {
        text.data = data;
        // Reports now what `eval` would fail at.
        let corpus = text.corpus()?.cut(&imported.vocabulary)?;
        Split::by_fractions(&corpus, text.split())?;
    }
    imported.save(&request.out, request.replace)?;
    let (model, report, tokens) = (&imported.settings.model, &imported.report, imported.vocabulary.len());
    output.json(&json!({
        "run": request.out,
        "model": model,
        "symbols": tokens,
        "applied": report.applied,
        "missing": report.missing,
        "unused": report.unused,
        "wrong_shape": report.wrong_shape.iter().map(|wrong| &wrong.name).collect::<Vec<_>>(),
        "outside": imported.outside,
        "zeros": imported.zeros,
        "unread": imported.unread,
    }))?;
    let input = if model.embedding > 0 { format!("embedding {}", model.embedding) } else { "one-hot".to_owned() };
    let stack = &model.recurrent;
    output.line(format_args!("model        {}, {} x {}, {input}", stack.cell, stack.layers, stack.hidden))?;
    output.line(format_args!("symbols      {tokens} {}", imported.vocabulary.unit().plural()))?;
    output.line(format_args!("tensors      {report}"))?;
    if imported.outside > 0 {
        output.line(format_args!("ignored      {}, outside of the model", counted(imported.outside, "tensors")))?;
    }
    if !imported.zeros.is_empty() {
        output.line(format_args!("no biases    zeros: {}", imported.zeros.join(", ")))?;
    }
    for (name, reason) in &imported.unread {
        output.line(format_args!("not read     {name}: {reason}"))?;
    }
    Ok(output.line(format_args!("run          {}", request.out.display()))?)
}
