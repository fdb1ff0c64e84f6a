//! Finding a captioner in a file of weights, for `rekindle import`.
//!
//! The model must compute what [`captioner`](rekindle_models::captioner) says. Without attention:
//!
//! ```python
//! class Captioner(nn.Module):
//!     def __init__(self):
//!         self.embedding = nn.Embedding(words, width)
//!         self.image = nn.Linear(features, pillar)          # of VGG's or EfficientNet's vector, say
//!         self.rnn = nn.LSTM(width + pillar, hidden)        # reads the image at the first step, or at each
//!         self.output = nn.Linear(hidden, words)
//! ```

use std::path::PathBuf;

use rekindle_data::parallel::WordVocabulary;
use rekindle_models::attention::AttentionKind;
use rekindle_models::captioner::encoder::{EncoderKind, EncoderSettings, View};
use rekindle_models::captioner::{CaptionerSettings, ImageTerm};
use rekindle_models::settings::RecurrentSettings;
use rekindle_rnn::blank;
use rekindle_weights::{Matrix, Network, Parts, Wanted};

use super::assets::CaptionAssets;
use super::features::FrozenEncoder;
use super::settings::CaptionSettings;
use super::task::{CaptionTask, pretrained};
use crate::import::attention::attention;
use crate::import::{
    CellOptions, DataOptions, Fact, Found, IMPOSSIBLE, ImportError, Importable, Opened, PictureOptions,
    VocabularyOptions, WeightOptions, as_parameters, rows_of, stack, tokens,
};
use crate::prelude::*;

settings! {
    /// Options of `import`.
    pub struct ImportOptions {
        /// Which tensors, and their names.
        @flatten weights: WeightOptions;
        /// The words.
        @flatten vocabulary: VocabularyOptions;
        /// Image encoder; the weights of small are in the file, those of the others in --encoder-weights
        encoder: EncoderKind => value("NAME").choices(EncoderKind::NAMES.iter().copied());
        /// Pretrained weights of the image encoder, of efficientnet-lite-pytorch or torchvision
        encoder_weights: Option<PathBuf> => value("FILE").unset("none");
        /// The size of the images, with --encoder small.
        @flatten images: PictureOptions;
        /// When the image enters a model without attention: with the first token or with every one
        image_term: ImageTerm => value("WHEN").choices(ImageTerm::NAMES.iter().copied());
        /// The cell.
        @flatten network: CellOptions;
        /// The captions that the model was trained on.
        @flatten captions: DataOptions;
    }
}

impl Importable for CaptionTask {
    type ImportOptions = ImportOptions;

    fn weight_options(options: &ImportOptions) -> &WeightOptions {
        &options.weights
    }

    fn find(file: Opened, options: &ImportOptions, device: &Device) -> Result<Found<Self>, TaskError> {
        let mut parts = Parts::of(&file.tensors).map_err(ImportError::from)?;
        let mut settings = CaptionSettings::default();
        let encoder = encoder(&parts, options)?;
        let forward = |network: &Network| !network.bidirectional;
        let network = parts
            .network("rnn", &["rnn", "lstm", "gru", "dec"], options.network.cell, forward)
            .map_err(ImportError::from)?;
        let (hidden, input) = (network.hidden, network.input);
        let wanted = format!("[words, fewer than {input}] without a bias");
        let wanted = Wanted::new("embedding", &wanted, &["emb"]);
        let fits = |matrix: &Matrix<'_>| matrix.columns < input && !is_of_encoder(matrix.name);
        let [words, width] = parts.embedding(wanted, fits).map_err(ImportError::from)?;
        let depth = input - width;
        let seen = width + hidden + depth;
        let combines = |matrix: &Matrix<'_>| matrix.bias && [matrix.rows, matrix.columns] == [width, seen];
        let shape = format!("[{width}, {seen}]");
        let combine = parts.find(Wanted::new("combine", &shape, &["combine"]), combines).map_err(ImportError::from)?;
        let attends = combine.is_some();
        if let Some(name) = combine {
            parts.take_linear(&name, "combine");
        }
        let view = if attends { View::Map } else { View::Vector };
        let features = encoder.config().shape(view)[1];
        let shape = format!("[{depth}, {features}], from the features of --encoder {}", encoder.encoder);
        let fits =
            |matrix: &Matrix<'_>| [matrix.rows, matrix.columns] == [depth, features] && !is_of_encoder(matrix.name);
        parts
            .linear(Wanted::new("image", &shape, &["image", "img", "feat", "visual"]), fits)
            .map_err(ImportError::from)?;
        let read = if attends { width } else { hidden };
        if !parts.left().contains_key("output") {
            let shape = format!("[{words}, {read}]");
            let fits = |matrix: &Matrix<'_>| [matrix.rows, matrix.columns] == [words, read];
            parts.linear(Wanted::new("output", &shape, &["out", "fc"]), fits).map_err(ImportError::from)?;
        }
        let mut no_gate = false;
        let mut kind = AttentionKind::None;
        if attends {
            states(&mut parts, &network, depth)?;
            kind = attention(&mut parts, hidden, depth).map_err(ImportError::from)?;
            let shape = format!("[1, {hidden}]");
            let fits = |matrix: &Matrix<'_>| [matrix.rows, matrix.columns] == [1, hidden];
            let gate = parts.find(Wanted::new("gate", &shape, &["gate", "beta"]), fits).map_err(ImportError::from)?;
            no_gate = gate.is_none();
            if let Some(name) = gate {
                parts.take_linear(&name, "gate");
            }
        }
        let tokens = tokens(&file, ["vocab", "words"], options.vocabulary.vocab.as_deref(), words)?;
        let (vocabulary, rows) = WordVocabulary::of_sentence_tokens(&tokens)?;
        let mut found = parts.finish();
        as_parameters(&mut found.tensors, &[("output.weight", "output"), ("output.bias", "output_bias")]);
        for (name, missing) in [("embedding.weight", 0.0), ("output", 0.0), ("output_bias", IMPOSSIBLE)] {
            if let Some(table) = found.tensors.get_mut(name) {
                *table = rows_of(table, &rows, missing);
            }
        }
        let (cell, layers) = (network.cell, network.layers);
        settings.model.captioner = CaptionerSettings {
            recurrent: RecurrentSettings { cell, layers, hidden, ..settings.model.captioner.recurrent },
            embedding: width,
            pillar: depth,
            attention: kind,
            image_term: options.image_term,
            no_gate,
            ..CaptionerSettings::default()
        };
        settings.model.encoder = encoder;
        let frozen = settings.model.encoder.encoder_weights.as_ref().map(|file| -> Result<_, TaskError> {
            let encoder = blank(|| settings.model.encoder.config().init_with(&mut seeded(0), device));
            Ok(FrozenEncoder::new(pretrained(encoder, file)?, &settings.model, device).into())
        });
        let assets = CaptionAssets { vocabulary, encoder: frozen.transpose()? };
        let notes = match kind {
            AttentionKind::None => vec![format!(
                "the image enters with the {} token; the shapes do not decide it, --image-term does",
                options.image_term
            )],
            _ => Vec::new(),
        };
        Ok(Found { settings, assets, parts: found, notes })
    }

    fn set_data(settings: &mut CaptionSettings, _: &CaptionAssets, options: &ImportOptions) -> Result<(), TaskError> {
        settings.data.data = options.captions.data.clone().unwrap_or_default();
        Ok(())
    }

    fn facts(settings: &CaptionSettings, assets: &CaptionAssets) -> Vec<Fact> {
        let (model, encoder) = (&settings.model.captioner, settings.model.encoder.encoder);
        let network = stack(model.recurrent.cell, model.recurrent.layers, model.recurrent.hidden);
        let words = assets.vocabulary.len();
        vec![
            Fact::new(
                "model",
                format!("{encoder}, {network}, embedding {}, attention {}", model.embedding, model.attention),
                Value::Null,
            ),
            Fact::new("words", words.to_string(), words),
        ]
    }
}

/// Whether a tensor is one of the image encoder.
fn is_of_encoder(name: &str) -> bool {
    name.starts_with("encoder.")
}

/// The settings of the image encoder.
fn encoder(parts: &Parts, options: &ImportOptions) -> Result<EncoderSettings, TaskError> {
    let is_there = parts.left().keys().any(|name| is_of_encoder(name));
    if options.encoder == EncoderKind::Small && !is_there {
        let reason = "the file has no image encoder: give --encoder vgg16, say, and its weights with --encoder-weights";
        return Err(ImportError::Unlike(reason.to_owned()).into());
    }
    let usual = EncoderSettings::default();
    Ok(EncoderSettings {
        encoder: options.encoder,
        encoder_weights: options.encoder_weights.clone(),
        image_size: options.images.image_size.unwrap_or(usual.image_size),
        ..usual
    })
}

/// Takes the layers to the first states: the hidden states of all layers, then their cell states.
fn states(parts: &mut Parts, network: &Network, depth: usize) -> Result<(), TaskError> {
    let fits = |matrix: &&Matrix<'_>| {
        matrix.bias && [matrix.rows, matrix.columns] == [network.hidden, depth] && !is_of_encoder(matrix.name)
    };
    let names: Vec<String> = parts.matrices().iter().filter(fits).map(|matrix| matrix.name.to_owned()).collect();
    let wanted = network.layers * if network.cell.has_cell_state() { 2 } else { 1 };
    if names.len() != wanted {
        let shape = format!("[{}, {depth}]", network.hidden);
        let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let reason = format!(
            "{wanted} layers {shape} give the first states of a model with attention, and the file has {found}"
        );
        return Err(ImportError::Unlike(reason).into());
    }
    for (number, name) in names.iter().enumerate() {
        parts.take_linear(name, &format!("initial.{number}"));
    }
    Ok(())
}
