//! A model of another program as a run: `rekindle import`.

mod deduced;
mod error;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::{Unit, Vocabulary};
use rekindle_models::char_lm::CharLm;
use rekindle_rnn::{Cell, State};
use rekindle_weights::{LoadReport, Rename, StateDict, Strictness, WeightFile, rename};

pub use error::ImportError;

use super::CharsSettings;
use crate::error::TrainError;
use crate::optimizer;
use crate::run::RunFolder;
use crate::run::checkpoint::{self, Progress};
use deduced::Deduced;

/// What an import is told beside the file.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The recurrence, where its number of gates does not tell: of cells with one shape the plain one is taken.
    pub cell: Option<Cell>,
    /// A file with the vocabulary; none for the one in the file of the weights.
    pub vocabulary: Option<PathBuf>,
    /// What the symbols of the vocabulary are.
    pub unit: Unit,
    /// Other names for the tensors.
    pub renames: Vec<Rename>,
    /// What becomes of tensors that do not fit.
    pub strictness: Strictness,
}

/// A model that another program has trained.
#[derive(Debug)]
pub struct ImportedChars {
    /// Its weights.
    pub model: CharLm,
    /// The symbols that it reads and writes.
    pub vocabulary: Vocabulary,
    /// The model's shape; all else has its default, and the text is not known: see [`TrainError::NoText`].
    pub settings: CharsSettings,
    /// What became of the tensors of the model, by the names that they have here.
    pub report: LoadReport,
    /// How many tensors of the file are no part of the model: an optimizer's, say.
    pub outside: usize,
    source: PathBuf,
}

impl ImportedChars {
    /// Reads a model from a file of PyTorch or safetensors. Its shape follows from the shapes of its tensors.
    ///
    /// # Errors
    ///
    /// [`TrainError::Weights`] when the file cannot be read or its tensors do not fit, [`TrainError::Import`] when the shape or
    /// the vocabulary does not follow from it.
    pub fn open(path: &Path, options: &ImportOptions, device: &Device) -> Result<Self, TrainError> {
        let failed = |source| TrainError::Import { path: path.to_owned(), source };
        let file = WeightFile::open(path)?;
        let tables = file.tables().clone();
        let tensors = rename(file.into_tensors(), &options.renames)?;
        let Deduced { tensors, outside, vocabulary_size, shape } =
            deduced::deduce(&tensors, options.cell).map_err(failed)?;
        let vocabulary = match &options.vocabulary {
            Some(file) => Vocabulary::import(file, options.unit)?,
            None => {
                let mut fitting = tables.iter().filter(|(_, texts)| texts.len() == vocabulary_size);
                let Some((name, texts)) = fitting.next() else {
                    let tables = tables.into_iter().map(|(name, texts)| (name, texts.len())).collect();
                    return Err(failed(ImportError::NoVocabulary { wanted: vocabulary_size, tables }));
                };
                if let Some((other, _)) = fitting.find(|(_, others)| *others != texts) {
                    let (one, other) = (name.clone(), other.clone());
                    return Err(failed(ImportError::SeveralVocabularies { one, other }));
                }
                Vocabulary::from_list(&format!("{}: {name}", path.display()), options.unit, texts)?
            }
        };
        if vocabulary.len() != vocabulary_size {
            let found = vocabulary.len();
            return Err(failed(ImportError::VocabularySize { wanted: vocabulary_size, found }));
        }
        let mut settings = CharsSettings { model: shape, ..CharsSettings::default() };
        settings.data.units = vocabulary.unit();
        settings.data.data = String::new();
        settings.validate()?;
        // What the file does not have is drawn as for a new run.
        let mut rng = ChaCha8Rng::seed_from_u64(settings.training.seed);
        let blank = settings.model.config(vocabulary_size).init_with(&mut rng, device);
        let (model, report) = blank.load_state_dict(&tensors, options.strictness)?;
        Ok(Self { model, vocabulary, settings, report, outside, source: path.to_owned() })
    }

    /// Writes the vocabulary and a checkpoint of step 0 into the folder of a new run.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn save(&self, run: &RunFolder) -> Result<(), TrainError> {
        self.vocabulary.save(run.vocabulary())?;
        // No text is described in these words, so that the run cannot be resumed on data that its weights have not seen.
        let progress = Progress { data: format!("weights from {}", self.source.display()), ..Progress::default() };
        let optimizer = optimizer::build(&self.settings.training);
        checkpoint::save::<CharLm, State>(run, &progress, &self.model, &optimizer, None)?;
        Ok(())
    }
}
