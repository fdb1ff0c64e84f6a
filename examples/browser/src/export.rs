//! A run of `chars` that `rekindle export` wrote: `config.json`, the weights and the vocabulary.

use std::collections::BTreeMap;

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::Vocabulary;
use rekindle_models::char_lm::{CharLm, CharLmSettings};
use rekindle_settings::{Settings, Table};
use rekindle_weights::{LanguageModel, StateDict, Strictness, WeightFile};
use serde::Deserialize;

use crate::error::PageError;

/// The file that describes the others.
const CONFIG: &str = "config.json";
/// The file of the vocabulary.
const VOCABULARY: &str = "vocab.json";
/// The format of exports, and the newest version that this page reads.
const FORMAT: (&str, u64) = ("rekindle-export", 1);
/// The task of language models.
const TASK: &str = "chars";

/// A language model with its vocabulary.
pub struct Export {
    /// The model.
    pub model: CharLm,
    /// Its tokens.
    pub vocabulary: Vocabulary,
    /// What it is, for the page.
    pub summary: String,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    format: String,
    #[serde(default)]
    version: u64,
    #[serde(default)]
    task: String,
    #[serde(default)]
    weights: String,
    #[serde(default)]
    checkpoint_step: u64,
    #[serde(default)]
    model: serde_json::Value,
}

impl Export {
    /// Opens the files of an export, by name.
    ///
    /// # Errors
    ///
    /// When a file is missing, damaged or of another export, or the run is of another task.
    pub fn open(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, PageError> {
        let file =
            |name: &str| files.get(name).map(Vec::as_slice).ok_or_else(|| PageError::Missing { name: name.to_owned() });
        let json = |source| PageError::Json { name: CONFIG.to_owned(), source };
        let config: Config = serde_json::from_slice(file(CONFIG)?).map_err(json)?;
        if config.format != FORMAT.0 {
            return Err(PageError::NotAnExport { found: config.format, wanted: FORMAT.0 });
        }
        if config.version > FORMAT.1 {
            return Err(PageError::Newer { found: config.version, known: FORMAT.1 });
        }
        if config.task != TASK {
            return Err(PageError::Task { task: config.task, wanted: TASK });
        }
        let table: Table = serde_json::from_value(config.model).map_err(json)?;
        let settings = CharLmSettings::from_table(table).map_err(PageError::Model)?;
        let vocabulary = String::from_utf8_lossy(file(VOCABULARY)?);
        let vocabulary = Vocabulary::from_json(VOCABULARY, &vocabulary)?;
        let weights = WeightFile::from_bytes(&config.weights, file(&config.weights)?)?;
        check(&config.weights, &weights, &settings, &vocabulary)?;

        let model = settings.init_with(vocabulary.len(), &mut ChaCha8Rng::seed_from_u64(0), &Device::flex());
        let (model, _) = model.load_state_dict(weights.tensors(), Strictness::Strict)?;
        let recurrent = &settings.recurrent;
        let summary = format!(
            "{}, hidden {}, layers {}, {} {}, step {}",
            recurrent.cell,
            recurrent.hidden,
            recurrent.layers,
            vocabulary.len(),
            vocabulary.unit().plural(),
            config.checkpoint_step
        );
        Ok(Self { model, vocabulary, summary })
    }
}

/// Compares the sizes of the weights with those of the settings and the vocabulary, before a model of these is made.
fn check(
    name: &str,
    weights: &WeightFile,
    settings: &CharLmSettings,
    vocabulary: &Vocabulary,
) -> Result<(), PageError> {
    let recurrent = &settings.recurrent;
    let shape = |source| PageError::Shape { name: name.to_owned(), source };
    let found = LanguageModel::of(weights.tensors(), Some(recurrent.cell)).map_err(shape)?;
    for (what, found, said, file) in [
        ("the width of the hidden state", found.hidden, recurrent.hidden, CONFIG),
        ("the number of layers", found.layers, recurrent.layers, CONFIG),
        ("the width of the embedding", found.embedding.unwrap_or(0), settings.embedding, CONFIG),
        ("the size of the vocabulary", found.vocabulary, vocabulary.len(), VOCABULARY),
    ] {
        if found != said {
            return Err(PageError::Size { name: name.to_owned(), what, found, said, file });
        }
    }
    Ok(())
}
