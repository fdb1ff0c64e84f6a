//! Vocabularies and labels of imported models.

use std::path::Path;

use rekindle_data::tokens_of;
use rekindle_weights::WeightTensor;
use serde_json::Value;

use super::error::ImportError;
use super::opened::Opened;
use crate::error::TaskError;
use crate::files;

/// Files beside the weights that may hold a vocabulary.
const VOCABULARIES: [&str; 2] = ["vocab.json", "tokenizer.json"];
/// Words in the names of tables that hold labels.
const LABELS: [&str; 4] = ["label", "class", "tag", "target_names"];

/// The `size` tokens of a model, in the order of its tables: those of the file `given` with `option`, of the file of
/// weights, or of a vocabulary beside it. `what` is what the tokens are, in the plural.
///
/// # Errors
///
/// When there is none with as many tokens, or the file of weights has several.
pub fn tokens(
    file: &Opened,
    [option, what]: [&'static str; 2],
    given: Option<&Path>,
    size: usize,
) -> Result<Vec<String>, TaskError> {
    if let Some(path) = given {
        return sized(tokens_of(path)?, [option, what], size);
    }
    let mut fitting = file.tables.iter().filter(|(_, texts)| texts.len() == size);
    if let Some((name, texts)) = fitting.next() {
        if let Some((other, _)) = fitting.find(|(_, others)| *others != texts) {
            let (one, other) = (name.clone(), other.clone());
            return Err(ImportError::SeveralVocabularies { one, other, option, what }.into());
        }
        return Ok(texts.clone());
    }
    for name in VOCABULARIES {
        if let Some(path) = file.source.beside(name)? {
            return sized(tokens_of(path)?, [option, what], size);
        }
    }
    let tables = file.tables.iter().map(|(name, texts)| (name.clone(), texts.len())).collect();
    Err(ImportError::NoVocabulary { wanted: size, tables, option, what }.into())
}

/// These `tokens`, if there are as many as the model has.
///
/// # Errors
///
/// [`ImportError::VocabularySize`].
pub(crate) fn sized(
    tokens: Vec<String>,
    [_, what]: [&'static str; 2],
    wanted: usize,
) -> Result<Vec<String>, TaskError> {
    let found = tokens.len();
    if found != wanted {
        return Err(ImportError::VocabularySize { wanted, found, what }.into());
    }
    Ok(tokens)
}

/// The labels of `classes` classes: those `given`, those of a table in the file of weights, those of a `config.json` of
/// Hugging Face beside it, or numbers from 0. With a note if they are numbers.
///
/// # Errors
///
/// When there are not as many labels as classes, or two are the same.
pub fn labels(file: &Opened, given: &[String], classes: usize) -> Result<(Vec<String>, Option<String>), TaskError> {
    let labels = match given {
        [] => stored(file, classes)?,
        [path] if Path::new(path).is_file() => Some(tokens_of(path)?),
        given => Some(given.iter().map(|label| label.trim().to_owned()).collect()),
    };
    let Some(labels) = labels else {
        let numbers = (0..classes).map(|class| class.to_string()).collect();
        let note = "the file names no labels: they are 0, 1, ... in the order of the classes; --labels names them";
        return Ok((numbers, Some(note.to_owned())));
    };
    if labels.len() != classes {
        return Err(ImportError::Labels { wanted: classes, found: labels.len() }.into());
    }
    if let Some((_, label)) = labels.iter().enumerate().find(|(place, label)| labels[..*place].contains(label)) {
        return Err(ImportError::LabelTwice { label: label.clone() }.into());
    }
    Ok((labels, None))
}

/// The labels of a table of the file, or of a `config.json` beside it, if they are as many as the classes.
fn stored(file: &Opened, classes: usize) -> Result<Option<Vec<String>>, TaskError> {
    let is_labels = |name: &str| LABELS.iter().any(|word| name.to_lowercase().contains(word));
    let mut tables = file.tables.iter().filter(|(name, texts)| is_labels(name) && texts.len() == classes);
    if let Some((_, labels)) = tables.next() {
        return Ok(Some(labels.clone()));
    }
    let Some(path) = file.source.beside("config.json")? else { return Ok(None) };
    let Ok(config) = serde_json::from_slice::<Value>(&files::read(&path)?) else { return Ok(None) };
    let label = |class: usize| config["id2label"][class.to_string()].as_str().map(str::to_owned);
    Ok((0..classes).map(label).collect())
}

/// `table` with the rows of another order: row `rows[i]` at `i`, and `missing` where there is none.
///
/// # Panics
///
/// When a row is not in the table.
pub fn rows_of(table: &WeightTensor, rows: &[Option<usize>], missing: f32) -> WeightTensor {
    let width: usize = table.shape()[1..].iter().product();
    let row = |row: &Option<usize>| match row {
        Some(row) => table.values()[row * width..][..width].to_vec(),
        None => vec![missing; width],
    };
    let mut shape = table.shape().to_vec();
    shape[0] = rows.len();
    WeightTensor::new(shape, rows.iter().flat_map(row).collect()).expect("each row has the table's width")
}
