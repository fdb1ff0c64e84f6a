//! Finding a language model in a file of weights, for `rekindle import`.

use std::path::PathBuf;

use rekindle_data::{Split, Unit, Vocabulary};
use rekindle_models::char_lm::CharLmSettings;
use rekindle_models::settings::RecurrentSettings;
use rekindle_weights::{FoundParts, LanguageModel};

use super::settings::CharsSettings;
use super::task::CharsTask;
use crate::import::{
    CellOptions, DataOptions, Fact, Found, ImportError, Importable, Imported, Opened, WeightOptions, stack, tokens,
};
use crate::prelude::*;

settings! {
    /// Options of `import`.
    pub struct ImportOptions {
        /// Which tensors, and their names.
        @flatten weights: WeightOptions;
        /// The vocabulary.
        @flatten vocabulary: crate::import::VocabularyOptions;
        /// What one token of the vocabulary is
        units: Unit => value("UNIT").choices(["char", "byte", "word"]);
        /// The cell.
        @flatten network: CellOptions;
        /// The text that the model was trained on.
        @flatten text: DataOptions;
        /// Share of that text that was trained on, from its beginning
        train_share: Option<f64> => value("SHARE").unset("as in the run of an export, else 0.9");
        /// Share of that text, after that, that was held out
        validation_share: Option<f64> =>
            value("SHARE").at_least(0).below(1).unset("as in the run of an export, else 0.1");
    }
}

/// An imported language model. Without a text: see [`CharsError::NoText`](super::CharsError::NoText).
pub type ImportedChars = Imported<CharsTask>;

impl Importable for CharsTask {
    type ImportOptions = ImportOptions;

    fn weight_options(options: &ImportOptions) -> &WeightOptions {
        &options.weights
    }

    fn data_options() -> Vec<&'static str> {
        vec!["data", "train_share", "validation_share"]
    }

    fn find(file: Opened, options: &ImportOptions, _: &Device) -> Result<Found<Self>, TaskError> {
        let model = LanguageModel::of(&file.tensors, options.network.cell).map_err(ImportError::from)?;
        let given: Option<&PathBuf> = options.vocabulary.vocab.as_ref();
        let vocabulary = match given {
            Some(path) => Vocabulary::import(path, options.units)?,
            None => {
                let symbols = tokens(&file, ["vocab", "symbols"], None, model.vocabulary)?;
                Vocabulary::from_list(&format!("the vocabulary of {}", file.path.display()), options.units, &symbols)?
            }
        };
        if vocabulary.len() != model.vocabulary {
            let (wanted, found) = (model.vocabulary, vocabulary.len());
            return Err(ImportError::VocabularySize { wanted, found, what: "symbols" }.into());
        }
        let mut settings = CharsSettings::default();
        let LanguageModel { tensors, outside, cell, layers, hidden, tied, zeros, .. } = model;
        settings.model = CharLmSettings {
            recurrent: RecurrentSettings { cell, layers, hidden, ..settings.model.recurrent },
            embedding: model.embedding.unwrap_or(0),
            tied,
            ..CharLmSettings::default()
        };
        let parts = FoundParts { tensors, zeros, outside };
        Ok(Found { settings, assets: vocabulary, parts, notes: Vec::new() })
    }

    fn set_data(
        settings: &mut CharsSettings,
        vocabulary: &Vocabulary,
        options: &ImportOptions,
    ) -> Result<(), TaskError> {
        let text = &mut settings.data;
        text.set_unit(vocabulary.unit());
        text.train_share = options.train_share.unwrap_or(text.train_share);
        text.hold_out.validation_share = options.validation_share.unwrap_or(text.hold_out.validation_share);
        text.data = options.text.data.clone().unwrap_or_default();
        if !text.data.is_empty() {
            // Reports now what `eval` would fail at.
            let corpus = text.corpus()?.cut(vocabulary)?;
            Split::by_fractions(&corpus, text.split())?;
        }
        Ok(())
    }

    fn facts(settings: &CharsSettings, vocabulary: &Vocabulary) -> Vec<Fact> {
        let model = &settings.model;
        let input = if model.embedding > 0 { format!("embedding {}", model.embedding) } else { "one-hot".to_owned() };
        let network = stack(model.recurrent.cell, model.recurrent.layers, model.recurrent.hidden);
        let symbols = vocabulary.len();
        vec![
            Fact::new("model", format!("{network}, {input}"), Value::Null),
            Fact::new("symbols", format!("{symbols} {}", vocabulary.unit().plural()), symbols),
        ]
    }
}
