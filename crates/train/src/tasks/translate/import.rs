//! Finding a translator in a file of weights, for `rekindle import`.
//!
//! The model must compute what [`translator`](rekindle_models::translator) says: an encoder in both directions, a layer
//! with tanh from its last states to the decoder's first ones, and a layer with tanh before the output.
//!
//! ```python
//! class Translator(nn.Module):
//!     def __init__(self):
//!         self.source_embedding = nn.Embedding(source_tokens, width)
//!         self.target_embedding = nn.Embedding(target_tokens, width)
//!         self.encoder = nn.GRU(width, hidden // 2, layers, bidirectional=True)
//!         self.bridge = nn.ModuleList([nn.Linear(hidden, hidden) for _ in range(layers)])   # LSTM: then for c
//!         self.decoder = nn.GRU(width, hidden, layers)
//!         self.attention = nn.Linear(hidden, hidden, bias=False)
//!         self.combine = nn.Linear(2 * hidden, width)
//!         self.output = nn.Linear(width, target_tokens)
//! ```

use std::path::PathBuf;

use rekindle_data::parallel::{Language, Languages, SentenceUnit, WordVocabulary};
use rekindle_models::attention::AttentionKind;
use rekindle_models::settings::RecurrentSettings;
use rekindle_models::translator::TranslatorSettings;
use rekindle_weights::{Matrix, Network, Parts, Wanted};

use super::settings::TranslateSettings;
use super::task::TranslateTask;
use crate::import::attention::attention;
use crate::import::{
    CellOptions, DataOptions, Fact, Found, IMPOSSIBLE, ImportError, Importable, Opened, WeightOptions, as_parameters,
    rows_of, stack, tokens,
};
use crate::prelude::*;

settings! {
    /// Options of `import`.
    pub struct ImportOptions {
        /// Which tensors, and their names.
        @flatten weights: WeightOptions;
        /// Vocabulary of the source language, in the forms of --vocab
        source_vocab: Option<PathBuf> => value("FILE").unset("the one in the file, or beside it");
        /// Vocabulary of the target language, in the forms of --vocab
        target_vocab: Option<PathBuf> => value("FILE").unset("the one in the file, or beside it");
        /// Name of the source language: de
        source_lang: Option<String> => value("LANG").unset("source");
        /// Name of the target language: en
        target_lang: Option<String> => value("LANG").unset("target");
        /// What one token of the source language is
        source_units: SentenceUnit => value("UNIT").choices(["word", "char"]);
        /// What one token of the target language is
        target_units: SentenceUnit => value("UNIT").choices(["word", "char"]);
        /// Make upper case lower case
        lowercase: bool;
        /// The cell.
        @flatten network: CellOptions;
        /// The sentences that the model was trained on.
        @flatten sentences: DataOptions;
    }
}

impl Importable for TranslateTask {
    type ImportOptions = ImportOptions;

    fn weight_options(options: &ImportOptions) -> &WeightOptions {
        &options.weights
    }

    fn find(file: Opened, options: &ImportOptions, _: &Device) -> Result<Found<Self>, TaskError> {
        let mut parts = Parts::of(&file.tensors).map_err(ImportError::from)?;
        let mut notes = Vec::new();
        let (encoder, decoder) = networks(&mut parts, options)?;
        let (hidden, width) = (decoder.hidden, encoder.input);
        let wanted = format!("[tokens, {width}] without a bias");
        let fits = |matrix: &Matrix<'_>| matrix.columns == width;
        let source = Wanted::new("source_embedding", &wanted, &["source", "src", "enc"]);
        let [source_tokens, _] = parts.embedding(source, fits).map_err(ImportError::from)?;
        let target = Wanted::new("target_embedding", &wanted, &["target", "tgt", "trg", "dec"]);
        let [target_tokens, _] = parts.embedding(target, fits).map_err(ImportError::from)?;
        // Weights that are the embeddings' are so here too, times the root of their width: others do not do that.
        let tied = parts.left().contains_key("output_bias") && !parts.left().contains_key("output");
        if !tied && !parts.left().contains_key("output") {
            let shape = format!("[{target_tokens}, {width}]");
            let wanted = Wanted::new("output", &shape, &["out", "fc", "gen"]);
            let fits = |matrix: &Matrix<'_>| [matrix.rows, matrix.columns] == [target_tokens, width];
            parts.linear(wanted, fits).map_err(ImportError::from)?;
        }
        let attends = combine(&mut parts, hidden, width)?;
        bridge(&mut parts, &decoder, &mut notes)?;
        let attention = if attends {
            attention(&mut parts, hidden, hidden).map_err(ImportError::from)?
        } else {
            AttentionKind::None
        };

        let given = [&options.source_vocab, &options.target_vocab];
        let list = |side: usize, option, size| tokens(&file, [option, "tokens"], given[side].as_deref(), size);
        let source = WordVocabulary::of_sentence_tokens(&list(0, "source-vocab", source_tokens)?)?;
        let target = WordVocabulary::of_sentence_tokens(&list(1, "target-vocab", target_tokens)?)?;
        let mut found = parts.finish();
        as_parameters(&mut found.tensors, &[("output.weight", "output"), ("output.bias", "output_bias")]);
        for (name, rows, missing) in [
            ("source_embedding.weight", &source.1, 0.0),
            ("target_embedding.weight", &target.1, 0.0),
            ("output", &target.1, 0.0),
            ("output_bias", &target.1, IMPOSSIBLE),
        ] {
            if let Some(table) = found.tensors.get_mut(name) {
                *table = rows_of(table, rows, missing);
            }
        }
        let mut settings = TranslateSettings::default();
        settings.model = TranslatorSettings {
            recurrent: RecurrentSettings {
                cell: decoder.cell,
                layers: decoder.layers,
                hidden,
                ..settings.model.recurrent
            },
            embedding: width,
            attention,
            input_feeding: decoder.input == 2 * width,
            tied,
            ..TranslatorSettings::default()
        };
        let ImportOptions { source_lang, target_lang, source_units, target_units, lowercase, .. } = options.clone();
        let language = |name: Option<String>, usual: &str, unit, vocabulary| Language {
            name: name.unwrap_or_else(|| usual.to_owned()),
            unit,
            lowercase,
            subword: None,
            vocabulary,
        };
        let assets = Languages {
            source: language(source_lang, "source", source_units, source.0),
            target: language(target_lang, "target", target_units, target.0),
        };
        Ok(Found { settings, assets, parts: found, notes })
    }

    fn set_data(
        settings: &mut TranslateSettings,
        languages: &Languages,
        options: &ImportOptions,
    ) -> Result<(), TaskError> {
        let data = &mut settings.data;
        data.data = options.sentences.data.clone().unwrap_or_default();
        let Languages { source, target } = languages;
        (data.source_lang, data.target_lang) = (Some(source.name.clone()), Some(target.name.clone()));
        (data.source_units, data.target_units) = (source.unit, Some(target.unit));
        data.lowercase = source.lowercase;
        Ok(())
    }

    fn facts(settings: &TranslateSettings, languages: &Languages) -> Vec<Fact> {
        let model = &settings.model;
        let network = stack(model.recurrent.cell, model.recurrent.layers, model.recurrent.hidden);
        let tokens = [&languages.source, &languages.target].map(|language| language.vocabulary.len());
        let [source, target] = tokens;
        let names = [&languages.source.name, &languages.target.name];
        vec![
            Fact::new(
                "model",
                format!("{network}, embedding {}, attention {}", model.embedding, model.attention),
                Value::Null,
            ),
            Fact::new("tokens", format!("{source} of {}, {target} of {}", names[0], names[1]), tokens.to_vec()),
        ]
    }
}

/// The encoder's and the decoder's network.
fn networks(parts: &mut Parts, options: &ImportOptions) -> Result<(Network, Network), TaskError> {
    let cell = options.network.cell;
    let reads_back = parts.left().keys().any(|name| name.ends_with("weight_ih_l0_reverse"));
    if !reads_back && parts.left().keys().any(|name| name.ends_with("weight_ih_l0")) {
        return Err(unlike("no network of the file reads in both directions, as the encoder does"));
    }
    let both_ways = |network: &Network| network.bidirectional;
    let encoder = parts.network("encoder", &["enc"], cell, both_ways).map_err(ImportError::from)?;
    let decoder =
        parts.network("decoder", &["dec"], cell, |network| !network.bidirectional).map_err(ImportError::from)?;
    let (hidden, width) = (decoder.hidden, encoder.input);
    if hidden != 2 * encoder.hidden {
        return Err(unlike("the decoder's hidden state is not twice as wide as each direction of the encoder's"));
    }
    if (decoder.cell, decoder.layers) != (encoder.cell, encoder.layers) {
        return Err(unlike("encoder and decoder have other cells or numbers of layers"));
    }
    if ![width, 2 * width].contains(&decoder.input) {
        return Err(unlike(
            "the decoder reads neither an embedding, nor an embedding and the previous output (input feeding)",
        ));
    }
    Ok((encoder, decoder))
}

fn unlike(reason: &str) -> TaskError {
    ImportError::Unlike(format!("{reason}; docs/translate.md says which models `translate` has")).into()
}

/// Takes the layer before the output. Whether it reads the context of attention.
fn combine(parts: &mut Parts, hidden: usize, width: usize) -> Result<bool, TaskError> {
    for attends in [true, false] {
        let columns = if attends { 2 * hidden } else { hidden };
        let shape = format!("[{width}, {}] with attention, [{width}, {hidden}] without", 2 * hidden);
        let wanted = Wanted::new("combine", &shape, &["combine", "concat"]);
        let fits = |matrix: &Matrix<'_>| matrix.bias && [matrix.rows, matrix.columns] == [width, columns];
        let named = parts.matrices().iter().any(|matrix| matrix.name == "combine" && !fits(matrix));
        if named && attends {
            continue;
        }
        let found = parts.find(wanted, fits).map_err(ImportError::from)?;
        if let Some(name) = found {
            parts.take_linear(&name, "combine");
            return Ok(attends);
        }
    }
    Err(unlike(
        "the file has no layer from the hidden state, and the context of attention, to the width of the embeddings",
    ))
}

/// Takes the layers from the encoder's last states to the decoder's first ones.
fn bridge(parts: &mut Parts, decoder: &Network, notes: &mut Vec<String>) -> Result<(), TaskError> {
    let square = |matrix: &&Matrix<'_>| matrix.bias && [matrix.rows, matrix.columns] == [decoder.hidden; 2];
    let names: Vec<String> = parts.matrices().iter().filter(square).map(|matrix| matrix.name.to_owned()).collect();
    let states = decoder.layers * if decoder.cell.has_cell_state() { 2 } else { 1 };
    if names.len() != states {
        let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(unlike(&format!(
            "{states} layers [{hidden}, {hidden}] with a bias lead from the encoder's states to the decoder's, and the \
             file has {found}",
            hidden = decoder.hidden
        )));
    }
    for (number, name) in names.iter().enumerate() {
        parts.take_linear(name, &format!("bridge.{number}"));
    }
    if names.iter().enumerate().any(|(number, name)| *name != format!("bridge.{number}")) {
        let what = if states > 1 { ": the hidden states of all layers, then their cell states" } else { "" };
        notes.push(format!("from the encoder's states to the decoder's: {}{what}", names.join(", ")));
    }
    Ok(())
}
