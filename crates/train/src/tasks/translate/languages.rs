//! The two languages of a run: their vocabularies, and translations between them.

use rekindle_data::parallel::{Languages, WordVocabulary};
use rekindle_models::decode::{DecodeError, Hypothesis, Search};
use rekindle_models::translator::PreparedTranslator;

use crate::error::TaskError;
use crate::run::assets::{AssetReader, AssetWriter, Assets};

/// Tokens that are never generated.
const NEVER: [u32; 2] = [WordVocabulary::PAD, WordVocabulary::UNKNOWN];

const VOCABULARY: &str = "vocab.json";

impl Assets for Languages {
    fn save(&self, to: &mut AssetWriter<'_>) -> Result<(), TaskError> {
        Ok(to.write(VOCABULARY, &serde_json::to_vec(self)?)?)
    }

    fn load(from: &AssetReader) -> Result<Self, TaskError> {
        Ok(from.json(VOCABULARY)?)
    }
}

/// Translations of sentences, best first, each with its hypothesis.
///
/// # Errors
///
/// When a setting of `search` is invalid, or the device fails.
pub fn translate(
    languages: &Languages,
    model: &PreparedTranslator,
    sentences: &[&str],
    search: &Search,
) -> Result<Vec<Vec<(String, Hypothesis)>>, DecodeError> {
    let numbers: Vec<Vec<u32>> = sentences.iter().map(|sentence| languages.source.encode(sentence)).collect();
    let numbers: Vec<&[u32]> = numbers.iter().map(Vec::as_slice).collect();
    let found = model.translate(&numbers, &NEVER, search)?;
    let texts = |hypotheses: Vec<Hypothesis>| {
        hypotheses.into_iter().map(|hypothesis| (languages.target.decode(&hypothesis.symbols), hypothesis)).collect()
    };
    Ok(found.into_iter().map(texts).collect())
}
