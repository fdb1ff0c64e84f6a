//! Files of weights become runs of `chars`, or say why not.
#![cfg(feature = "flex")]

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, Int, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::Unit;
use rekindle_models::char_lm::{CharLm, CharLmSettings};
use rekindle_models::settings::RecurrentSettings;
use rekindle_rnn::Cell;
use rekindle_train::TaskError;
use rekindle_train::import::{ImportError, Source, VocabularyOptions};
use rekindle_train::run::checkpoint::Which;
use rekindle_train::task::{Task, Trained};
use rekindle_train::tasks::chars::{CharsError, CharsTask, ImportOptions, ImportedChars};
use rekindle_weights::{Rename, ShapeError, StateDict, WeightError, WeightTensor, rename, save_safetensors};
use rstest::rstest;
use tempfile::TempDir;

const SYMBOLS: usize = 7;

type Tensors = BTreeMap<String, WeightTensor>;

fn model(cell: Cell, embedding: Option<usize>, tied: bool) -> CharLm {
    let recurrent = RecurrentSettings { cell, layers: 2, hidden: 5, ..RecurrentSettings::default() };
    let settings = CharLmSettings { recurrent, embedding: embedding.unwrap_or(0), tied, ..CharLmSettings::default() };
    settings.init_with(SYMBOLS, &mut ChaCha8Rng::seed_from_u64(3), &Device::flex())
}

/// A folder with a file of weights and a vocabulary of seven symbols.
fn place(weights: &Tensors) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    save_safetensors(folder.path().join("model.safetensors"), weights, &BTreeMap::new()).unwrap();
    std::fs::write(folder.path().join("vocab.json"), r#"{"g": 6, "a": 0, "b": 1, "c": 2, "d": 3, "e": 4, "f": 5}"#)
        .unwrap();
    folder
}

fn options(folder: &Path) -> ImportOptions {
    let vocabulary = VocabularyOptions { vocab: Some(folder.join("vocab.json")) };
    ImportOptions { vocabulary, ..ImportOptions::default() }
}

fn source(folder: &Path) -> Source {
    Source::of(&folder.join("model.safetensors")).unwrap()
}

fn import(weights: &Tensors, change: impl FnOnce(&mut ImportOptions)) -> Result<ImportedChars, TaskError> {
    let folder = place(weights);
    let mut options = options(folder.path());
    change(&mut options);
    ImportedChars::open(&source(folder.path()), &options, &Device::flex())
}

fn error(weights: &Tensors) -> ImportError {
    reason(import(weights, |_| {}).unwrap_err())
}

fn reason(error: TaskError) -> ImportError {
    match *error.downcast().unwrap() {
        ImportError::In { source, .. } => *source,
        other => panic!("{other:?}"),
    }
}

fn tensor(shape: &[usize]) -> WeightTensor {
    WeightTensor::new(shape.to_vec(), vec![0.5; shape.iter().product()]).unwrap()
}

#[rstest]
#[case::one_hot(None, false)]
#[case::embedded(Some(3), false)]
#[case::as_wide_as_the_state(Some(5), false)]
#[case::tied(Some(5), true)]
#[case::tied_behind_a_projection(Some(3), true)]
fn a_model_of_this_program_is_recognised_by_its_shapes(
    #[case] embedding: Option<usize>,
    #[case] tied: bool,
    #[values(Cell::Rnn, Cell::Lstm, Cell::Gru, Cell::PeepholeLstm, Cell::LayerNormLstm, Cell::MinGru, Cell::MinLstm)]
    cell: Cell,
) {
    let state = model(cell, embedding, tied).state_dict();
    let imported = import(&state, |_| {}).unwrap();
    let shape = &imported.settings.model;
    let stack = &shape.recurrent;
    assert_eq!((stack.cell, stack.layers, stack.hidden), (cell, 2, 5));
    assert_eq!((shape.embedding, shape.tied), (embedding.unwrap_or(0), tied));
    assert_eq!(imported.model.state_dict(), state);
    let tokens = || Tensor::<2, Int>::from_data([[0, 6, 3, 3], [1, 2, 5, 4]], &Device::flex());
    let log_probs = |model: &CharLm| model.forward(tokens(), None).0.into_data();
    assert_eq!(log_probs(&imported.model), log_probs(&model(cell, embedding, tied)));
    assert_eq!(imported.assets.symbol(6).unwrap(), "g");
}

/// As the word language model of PyTorch's examples names them, within a checkpoint.
fn differently_named() -> Tensors {
    let state = model(Cell::Gru, Some(5), false).state_dict();
    let names = [("embedding", "net.encoder"), ("rnn", "net.rnn"), ("output", "net.decoder")];
    rename(state, &names.map(|(old, new)| Rename::new(old, new))).unwrap()
}

#[test]
fn layers_of_other_names_are_told_apart_by_their_bias() {
    let mut state = differently_named();
    state.insert("step".to_owned(), tensor(&[]));
    let imported = import(&state, |_| {}).unwrap();
    assert_eq!(imported.model.state_dict(), model(Cell::Gru, Some(5), false).state_dict());
    assert_eq!((imported.outside, imported.report.is_complete()), (1, true));
}

#[test]
fn output_weights_that_are_the_embedding_are_seen() {
    let tied = model(Cell::Lstm, Some(5), true).state_dict();
    let mut state = tied.clone();
    state.insert("output.weight".to_owned(), tied["embedding.weight"].clone());
    let imported = import(&state, |_| {}).unwrap();
    assert!(imported.settings.model.tied);
    assert_eq!(imported.model.state_dict(), tied);
}

#[test]
fn a_projection_stands_before_tied_output_weights_only() {
    let tied = model(Cell::Lstm, Some(3), true).state_dict();
    // Output weights that are written out, and layers of other names.
    let mut state = tied.clone();
    state.insert("output.weight".to_owned(), tied["embedding.weight"].clone());
    assert_eq!(import(&state, |_| {}).unwrap().model.state_dict(), tied);
    let names =
        [("embedding", "net.encoder"), ("rnn", "net.rnn"), ("output", "net.decoder"), ("projection", "net.down")];
    let renamed = rename(state.clone(), &names.map(|(old, new)| Rename::new(old, new))).unwrap();
    let maps = ["net.decoder=net.output", "net.down=net.projection", "net.encoder=net.embedding"];
    let imported = import(&renamed, |options| options.weights.key_map = maps.map(str::to_owned).to_vec()).unwrap();
    assert_eq!(imported.model.state_dict(), tied);
    // Without a bias, which is one of zeros.
    let mut plain = tied.clone();
    plain.remove("projection.bias");
    let imported = import(&plain, |_| {}).unwrap();
    assert_eq!(imported.zeros, ["projection.bias"]);
    assert_eq!(imported.model.state_dict()["projection.bias"].values(), [0.0; 3]);
    // Other output weights.
    state.insert("output.weight".to_owned(), tensor(&[SYMBOLS, 3]));
    let message = error(&state).to_string();
    assert!(message.contains("output.weight: output weights behind a projection must be those"), "{message}");
    let mut alone = tied;
    alone.remove("embedding.weight");
    assert!(matches!(error(&alone), ImportError::Shape(ShapeError::NoLayer { layer: "embedding", .. })));
}

#[test]
fn a_cell_that_the_shapes_do_not_tell_is_asked_for() {
    let state = model(Cell::RnnRelu, None, false).state_dict();
    assert_eq!(import(&state, |_| {}).unwrap().settings.model.recurrent.cell, Cell::Rnn);
    let imported = import(&state, |options| options.network.cell = Some(Cell::RnnRelu)).unwrap();
    assert_eq!(imported.settings.model.recurrent.cell, Cell::RnnRelu);
    let wrong = import(&state, |options| options.network.cell = Some(Cell::Gru)).unwrap_err();
    assert!(matches!(reason(wrong), ImportError::Shape(ShapeError::NoCell { .. })));
}

#[test]
fn without_a_recurrent_product_the_cell_must_follow_from_the_shapes() {
    let mut state = model(Cell::Lstm, None, false).state_dict();
    state.retain(|name, _| !name.contains("_hh_l"));
    let message = error(&state).to_string();
    assert!(
        message.contains("rnn.weight_hh_l0 is missing") && message.contains("--cell min-gru or min-lstm"),
        "{message}"
    );
    let asked = import(&state, |options| options.network.cell = Some(Cell::MinGru)).unwrap_err();
    let message = reason(asked).to_string();
    assert!(message.contains("rnn.weight_ih_l1: its shape does not match"), "{message}");
}

#[test]
fn two_layers_of_one_shape_are_told_apart_by_the_key_map() {
    let mut state = differently_named();
    state.insert("net.other.weight".to_owned(), tensor(&[SYMBOLS, 5]));
    let wanted = ShapeError::SeveralLayers { layer: "embedding", one: "encoder".into(), other: "other".into() };
    assert_eq!(error(&state), wanted.into());
    let named = import(&state, |options| {
        options.weights.key_map = ["net=", "encoder=embedding"].map(str::to_owned).to_vec();
    });
    let Ok(WeightError::DoesNotFit { report }) = named.unwrap_err().downcast().map(|error| *error) else {
        panic!("the other layer must not be passed over")
    };
    assert_eq!(report.unused, ["other.weight"]);
    let partial = import(&state, |options| {
        options.weights.key_map = ["net=", "encoder=embedding"].map(str::to_owned).to_vec();
        options.weights.allow_partial = true;
    });
    assert_eq!(partial.unwrap().report.unused, ["other.weight"]);
}

#[rstest]
#[case::another_network(&["lstm.weight_ih_l0"], &[], "several recurrent networks")]
#[case::backward(&["rnn.weight_ih_l0_reverse"], &[], "a bidirectional network")]
#[case::projections(&["rnn.weight_hr_l0"], &[], "proj_size")]
#[case::no_recurrence(&[], &["rnn.weight_ih_l0"], "ends in weight_ih_l0")]
#[case::no_recurrent_weights(&[], &["rnn.weight_hh_l0"], "rnn.weight_hh_l0 is []")]
#[case::gates_of_no_cell(&["rnn.weight_ih_l0"], &[], "which is no known cell")]
#[case::no_output(&[], &["output.weight", "output.bias"], "shape of the output, [symbols, 5] with a bias")]
#[case::no_embedding(&[], &["embedding.weight"], "shape of the embedding, [symbols, 3] without a bias")]
fn what_is_no_language_model_is_refused_with_a_reason(
    #[case] added: &[&str],
    #[case] removed: &[&str],
    #[case] reason: &str,
) {
    let mut state = model(Cell::Gru, Some(3), false).state_dict();
    for &name in added {
        state.insert(name.to_owned(), tensor(&[2, 3]));
    }
    for &name in removed {
        state.remove(name);
    }
    let message = error(&state).to_string();
    assert!(message.contains(reason), "{message}");
}

/// A file of a few bytes must not make a model of many.
#[rstest]
#[case::recurrent_weights("rnn.weight_hh_l0", &[0, 5], "rnn.weight_hh_l0: its shape")]
#[case::upper_layer("rnn.weight_ih_l1", &[0, 5], "rnn.weight_ih_l1: its shape")]
#[case::another_upper_layer("rnn.weight_ih_l2", &[0, 1 << 40], "rnn.weight_ih_l2: its shape")]
#[case::embedding_of_other_symbols("embedding.weight", &[2, 3], "embedding, [7, 3]")]
#[case::wide_embedding("embedding.weight", &[0, 1 << 40], "embedding, [symbols, 3]")]
#[case::wide_output("output.weight", &[0, 1 << 40], "output, [symbols, 5]")]
fn sizes_that_the_values_do_not_bear_out_are_refused(
    #[case] name: &str,
    #[case] shape: &[usize],
    #[case] reason: &str,
) {
    let mut state = model(Cell::Gru, Some(3), false).state_dict();
    state.insert(name.to_owned(), tensor(shape));
    let message = error(&state).to_string();
    assert!(message.contains(reason), "{message}");
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let mut state = model(Cell::Gru, Some(3), false).state_dict();
    state.insert("output.bias".to_owned(), WeightTensor::new(vec![SYMBOLS], vec![f32::NAN; SYMBOLS]).unwrap());
    assert_eq!(error(&state), ShapeError::NotFinite { name: "output.bias".to_owned() }.into());
}

#[rstest]
#[case::missing(None, "give one with --vocab")]
#[case::of_another_size(Some(r#"["a", "b"]"#), "7 symbols, the vocabulary 2")]
#[case::with_a_gap(Some(r#"{"a": 0, "b": 2}"#), "\"b\" has the number 2, where 1 is wanted")]
#[case::twice(Some(r#"["a", "a", "c", "d", "e", "f", "g"]"#), "twice")]
#[case::words(Some(r#"["a", "be", "c", "d", "e", "f", "g"]"#), "symbol 1, \"be\", is not one char")]
#[case::no_json(Some("a b c"), "vocab.json")]
#[case::another_format(Some(r#"{"format": "other", "version": 1}"#), "format")]
fn a_vocabulary_that_does_not_fit_is_refused_with_a_reason(#[case] vocabulary: Option<&str>, #[case] reason: &str) {
    let folder = place(&model(Cell::Gru, Some(3), false).state_dict());
    let mut options = options(folder.path());
    match vocabulary {
        Some(text) => std::fs::write(folder.path().join("vocab.json"), text).unwrap(),
        // Beside the weights it would be found too.
        None => {
            options.vocabulary.vocab = None;
            std::fs::remove_file(folder.path().join("vocab.json")).unwrap();
        }
    }
    let error = ImportedChars::open(&source(folder.path()), &options, &Device::flex()).unwrap_err();
    let mut message = error.to_string();
    let mut source = std::error::Error::source(&*error);
    while let Some(cause) = source {
        message += &format!(": {cause}");
        source = cause.source();
    }
    assert!(message.contains(reason), "{message}");
}

#[test]
fn a_vocabulary_of_words_and_an_unknown_one_is_read() {
    let folder = place(&model(Cell::Gru, Some(3), false).state_dict());
    let mut options = options(folder.path());
    options.units = Unit::Word;
    std::fs::write(folder.path().join("vocab.json"), r#"["<unk>", "to", " be", ",", " or", " not", "\n"]"#).unwrap();
    let imported = ImportedChars::open(&source(folder.path()), &options, &Device::flex()).unwrap();
    assert_eq!(imported.assets.encode("to be, or not\n").unwrap(), [1, 2, 3, 4, 5, 6]);
    assert_eq!((imported.assets.unknown_id(), imported.settings.data.units), (Some(0), Unit::Word));
}

#[test]
fn an_imported_run_opens_like_another_but_knows_no_text() {
    let state = model(Cell::Lstm, Some(3), false).state_dict();
    let folder = place(&state);
    let imported = ImportedChars::open(&source(folder.path()), &options(folder.path()), &Device::flex()).unwrap();
    let run = imported.save(&folder.path().join("run"), false).unwrap();
    let trained = Trained::<CharsTask>::open(&run, Which::Best, &Device::flex()).unwrap();
    assert_eq!(trained.model.state_dict(), state);
    assert_eq!(trained.assets, imported.assets);
    let error = CharsTask::open(&trained.settings, Some(trained.assets), &Device::flex()).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(CharsError::NoText)), "{error:?}");
}
