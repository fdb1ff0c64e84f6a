//! Finding a classifier of texts in a file of weights, for `rekindle import`.
//!
//! ```python
//! class Classifier(nn.Module):
//!     def __init__(self):
//!         self.embedding = nn.Embedding(words, width)
//!         self.lstm = nn.LSTM(width, hidden, layers, bidirectional=True)
//!         self.fc = nn.Linear(2 * hidden, classes)     # or 1, with a sigmoid
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use rekindle_data::labelled::TextVocabulary;
use rekindle_models::classifier::{ClassifierSettings, Pooling};
use rekindle_models::settings::RecurrentSettings;
use rekindle_weights::{Matrix, Parts, Wanted, WeightTensor};

use super::settings::SentimentSettings;
use super::task::SentimentTask;
use crate::import::{
    CellOptions, DataOptions, Fact, Found, ImportError, Importable, LabelOptions, Opened, VocabularyOptions,
    WeightOptions, labels, rows_of, sized, stack, tokens,
};
use crate::prelude::*;

settings! {
    /// Options of `import`.
    pub struct ImportOptions {
        /// Which tensors, and their names.
        @flatten weights: WeightOptions;
        /// The words.
        @flatten vocabulary: VocabularyOptions;
        /// The classes.
        @flatten classes: LabelOptions;
        /// How the hidden states of a text become one vector
        pooling: Option<Pooling> =>
            value("NAME").choices(Pooling::NAMES.iter().copied()).unset("last; concat if the output layer is as wide");
        /// The cell.
        @flatten network: CellOptions;
        /// The texts that the model was trained on.
        @flatten texts: DataOptions;
    }
}

/// The option that gives the vocabulary, and what its tokens are.
const LISTED: [&str; 2] = ["vocab", "words"];
/// The vocabulary of a run, beside its weights.
const VOCABULARY: &str = "vocab.json";

impl Importable for SentimentTask {
    type ImportOptions = ImportOptions;

    fn weight_options(options: &ImportOptions) -> &WeightOptions {
        &options.weights
    }

    fn find(file: Opened, options: &ImportOptions, _: &Device) -> Result<Found<Self>, TaskError> {
        let mut parts = Parts::of(&file.tensors).map_err(ImportError::from)?;
        let network = parts.network("rnn", &[], options.network.cell, |_| true).map_err(ImportError::from)?;
        let wanted = format!("[words, {}] without a bias", network.input);
        let wanted = Wanted::new("embedding", &wanted, &["emb"]);
        let [words, width] =
            parts.embedding(wanted, |matrix| matrix.columns == network.input).map_err(ImportError::from)?;
        let features = network.output();
        let wanted = format!("[classes, {features}], or [classes, {}] with --pooling concat", 3 * features);
        let wanted = Wanted::new("output", &wanted, &["out", "fc", "classif", "head"]);
        let fits = |matrix: &Matrix<'_>| [features, 3 * features].contains(&matrix.columns) && matrix.rows > 0;
        let [outputs, read] = parts.linear(wanted, fits).map_err(ImportError::from)?;
        let usual = if read == features { Pooling::Last } else { Pooling::Concat };
        let mut notes = Vec::new();
        if outputs == 1 {
            two_classes(&mut parts);
            notes.push("one output is the logit of the second class, as with a sigmoid: the first has 0".to_owned());
        }
        if options.pooling.is_none() {
            notes.push(format!("pooling: {usual}; the shapes do not decide it, --pooling does"));
        }
        let given = options.vocabulary.vocab.as_deref();
        let (tokens, classes) = match of_run(&file, given, words)? {
            Some(run) => (sized(words_of(&run), LISTED, words)?, run.classes().to_vec()),
            None => (tokens(&file, LISTED, given, words)?, Vec::new()),
        };
        let names = if options.classes.labels.is_empty() { &classes } else { &options.classes.labels };
        let (classes, note) = labels(&file, names, outputs.max(2))?;
        notes.extend(note);
        let (vocabulary, rows) = TextVocabulary::of_tokens(&tokens, classes)?;
        if rows[TextVocabulary::UNKNOWN as usize].is_none() {
            notes.push("the vocabulary has no unknown word, such as <unk>: its embedding is zeros".to_owned());
        }
        if let Some(table) = parts.unset("embedding.weight") {
            parts.set("embedding.weight", rows_of(&table, &rows, 0.0));
        }
        let mut settings = SentimentSettings::default();
        let (cell, layers, hidden) = (network.cell, network.layers, network.hidden);
        settings.model = ClassifierSettings {
            recurrent: RecurrentSettings { cell, layers, hidden, ..settings.model.recurrent },
            embedding: width,
            forward_only: !network.bidirectional,
            pooling: options.pooling.unwrap_or(usual),
            ..ClassifierSettings::default()
        };
        Ok(Found { settings, assets: vocabulary, parts: parts.finish(), notes })
    }

    fn set_data(
        settings: &mut SentimentSettings,
        _: &TextVocabulary,
        options: &ImportOptions,
    ) -> Result<(), TaskError> {
        settings.data.data = options.texts.data.clone().unwrap_or_default();
        Ok(())
    }

    fn facts(settings: &SentimentSettings, vocabulary: &TextVocabulary) -> Vec<Fact> {
        let model = &settings.model;
        let network = stack(model.recurrent.cell, model.recurrent.layers, model.recurrent.hidden);
        let ways = if model.forward_only { "forward" } else { "in both directions" };
        let (words, classes) = (vocabulary.len(), vocabulary.classes());
        vec![
            Fact::new(
                "model",
                format!("{network} {ways}, embedding {}, pooling {}", model.embedding, model.pooling),
                Value::Null,
            ),
            Fact::new("words", words.to_string(), words),
            Fact::new("classes", classes.join(", "), classes),
        ]
    }
}

/// The vocabulary of a run of this task: the file `given`, or the one beside the weights of a model of so many `words`.
/// None if that is another kind of file.
fn of_run(file: &Opened, given: Option<&Path>, words: usize) -> Result<Option<TextVocabulary>, TaskError> {
    let is_in_file = file.tables.values().any(|texts| texts.len() == words);
    let path: Option<PathBuf> = match given {
        Some(path) => Some(path.to_owned()),
        None if is_in_file => None,
        None => file.source.beside(VOCABULARY)?,
    };
    // Files that cannot be read are an error of the reader of all kinds.
    let Some(path) = path else { return Ok(None) };
    let Ok(text) = fs::read(&path) else { return Ok(None) };
    let Ok(value) = serde_json::from_slice::<Value>(&text) else { return Ok(None) };
    let is_of_run = ["classes", "words"].iter().all(|key| value[*key].is_array());
    Ok(if is_of_run { Some(TextVocabulary::load(&path)?) } else { None })
}

/// The words of a run, in the order of its embeddings.
fn words_of(run: &TextVocabulary) -> Vec<String> {
    let words = run.words().map(|(_, word)| word.to_owned());
    ["<unk>".to_owned()].into_iter().chain(words).collect()
}

/// Makes an output layer of one logit `z` one of two, 0 and `z`, whose softmax has the sigmoid of `z`.
fn two_classes(parts: &mut Parts) {
    for name in ["output.weight", "output.bias"] {
        let Some(tensor) = parts.unset(name) else { continue };
        let values = [vec![0.0; tensor.values().len()], tensor.values().to_vec()].concat();
        let mut shape = tensor.shape().to_vec();
        shape[0] = 2;
        parts.set(name, WeightTensor::new(shape, values).expect("there are two rows"));
    }
}
