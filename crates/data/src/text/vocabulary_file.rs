//! Vocabularies as readable JSON files.
//!
//! ```json
//! { "format": "rekindle-vocabulary", "version": 1, "unit": "byte", "symbols": [null, "a", "\\n"] }
//! ```
//!
//! A token's index in the list, from 0, is its id; `null` is the unknown token.
//!
//! Other programs write a list of tokens, an object from tokens to ids or from ids to tokens, or either within an
//! object: [`Vocabulary::import`] reads these too, and [`tokens_of`] the tokens alone.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::pieces::Pieces;
use super::symbol::{Symbol, UNKNOWN};
use super::{Unit, Vocabulary};
use crate::{DataError, ErrorKind, files, json};

const FORMAT: &str = "rekindle-vocabulary";
const VERSION: u64 = 1;

/// Keys of vocabularies in other programs: torch-rnn's, and common ones in Python.
const KEYS: [&str; 8] =
    ["token_to_idx", "idx_to_token", "stoi", "itos", "char_to_idx", "idx_to_char", "vocab", "chars"];

#[derive(Serialize, Deserialize)]
struct Document<'a> {
    format: Cow<'a, str>,
    version: u64,
    unit: Unit,
    symbols: Vec<Option<Cow<'a, str>>>,
}

impl Vocabulary {
    /// The vocabulary as JSON, a token per line.
    pub fn to_json(&self) -> String {
        let symbols = self.symbols().iter().map(|symbol| match symbol {
            Symbol::Unknown => None,
            known => Some(known.print()),
        });
        let document =
            Document { format: FORMAT.into(), version: VERSION, unit: self.unit(), symbols: symbols.collect() };
        serde_json::to_string_pretty(&document).expect("strings and numbers always fit into JSON")
    }

    /// Parses the output of [`Vocabulary::to_json`]; `name` is its name in messages.
    ///
    /// # Errors
    /// [`ErrorKind::Format`] or [`ErrorKind::Version`].
    pub fn from_json(name: &str, json: &str) -> Result<Self, DataError> {
        let document: Document = json::document(Path::new(name), json, Some(FORMAT), VERSION)?;
        let symbols: Vec<Symbol> = (document.symbols.iter().enumerate())
            .map(|(id, text)| match text {
                None => Ok(Symbol::Unknown),
                Some(text) => parse(name, document.unit, id, text),
            })
            .collect::<Result<_, _>>()?;
        Self::checked(name, document.unit, symbols)
    }

    /// The vocabulary of these tokens, in the order of their ids and in the form of [`Vocabulary::symbol`]; `<unk>` is
    /// the unknown token too. `name` is the list's name in messages.
    ///
    /// # Errors
    /// [`ErrorKind::Format`] for fewer than two tokens, a duplicate, and one that is not of the unit.
    pub fn from_list(name: &str, unit: Unit, symbols: &[impl AsRef<str>]) -> Result<Self, DataError> {
        let symbol = |(number, text): (usize, &str)| match text {
            UNKNOWN | "<unk>" => Ok(Symbol::Unknown),
            _ => parse(name, unit, number, text),
        };
        let symbols = symbols.iter().map(AsRef::as_ref).enumerate().map(symbol).collect::<Result<_, _>>()?;
        Self::checked(name, unit, symbols)
    }

    fn checked(name: &str, unit: Unit, symbols: Vec<Symbol>) -> Result<Self, DataError> {
        if symbols.len() < 2 {
            return Err(bad(name, format!("it has {} symbol(s), want 2 or more", symbols.len())));
        }
        if !Vocabulary::are_distinct(&symbols) {
            return Err(bad(name, "a symbol is in it twice"));
        }
        let vocabulary = Self::from_symbols(unit, symbols);
        let lacks = |pieces: &Pieces| (0..=u8::MAX).find(|byte| !pieces.contains_key(&[*byte][..]));
        if let Some(byte) = vocabulary.pieces().and_then(lacks) {
            return Err(bad(name, format!("the byte {byte} is not among its pieces")));
        }
        if unit == Unit::Bpe && vocabulary.unknown_id().is_some() {
            return Err(bad(name, "its pieces need no unknown token"));
        }
        Ok(vocabulary)
    }

    /// Reads a vocabulary of this or another program: a file of [`Vocabulary::save`], a list `["a", "b"]`, a string
    /// `"ab"` whose characters are the tokens, an object `{"a": 0, "b": 1}` or `{"0": "a", "1": "b"}`, or an object
    /// with one of these under `token_to_idx`, `idx_to_token` (torch-rnn), `stoi`, `itos`, `vocab` and the like; a file
    /// of lines, or a `tokenizer.json`, as [`tokens_of`] reads them. Ids may start at 1, as in Lua. The token unit of
    /// all but the first is `unit`.
    ///
    /// # Errors
    /// As [`Vocabulary::load`], [`tokens_of`] and [`Vocabulary::from_list`].
    pub fn import(path: impl AsRef<Path>, unit: Unit) -> Result<Self, DataError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = files::text(path)?;
        match Content::of(path, &text)? {
            Content::Json(value) if value.get("format").is_some_and(|format| format == FORMAT) => {
                Self::from_json(&name, &text)
            }
            content => Self::from_list(&name, unit, &content.tokens(&name)?),
        }
    }

    /// Writes the vocabulary to a file atomically, through a temporary file.
    ///
    /// # Errors
    /// [`ErrorKind::Write`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), DataError> {
        files::write(path.as_ref(), &self.to_json())
    }

    /// Reads a vocabulary from a file.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Read`] and those of [`Vocabulary::from_json`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        Self::from_json(&path.display().to_string(), &files::text(path)?)
    }
}

/// The tokens of a vocabulary of another program, in the order of their ids.
fn listed(name: &str, mut value: Value) -> Result<Vec<String>, DataError> {
    if let Some(inner) = KEYS.iter().find_map(|key| value.get(key).filter(|inner| !inner.is_number())) {
        value = inner.clone();
    }
    let tokens = match value {
        Value::String(symbols) => Some(symbols.chars().map(String::from).collect()),
        Value::Array(list) => list.into_iter().map(string).collect::<Option<Vec<_>>>(),
        Value::Object(object) => return numbered(name, object),
        _ => None,
    };
    let wanted = "want a list of symbols, a string of them, or an object of symbols and their numbers";
    tokens.ok_or_else(|| bad(name, wanted))
}

/// The tokens of a file in the order of their ids: of a file of lines (`.txt`), of JSON in the forms of
/// [`Vocabulary::import`], or of a `tokenizer.json` of Hugging Face whose model is a list of words.
///
/// # Errors
///
/// When the file cannot be read or has another format; of a `tokenizer.json`, when it cuts words into pieces.
pub fn tokens_of(path: impl AsRef<Path>) -> Result<Vec<String>, DataError> {
    let path = path.as_ref();
    let text = files::text(path)?;
    Content::of(path, &text)?.tokens(&path.display().to_string())
}

/// The content of a file with a vocabulary.
enum Content<'a> {
    /// A token on each line.
    Lines(&'a str),
    Json(Value),
}

impl<'a> Content<'a> {
    fn of(path: &Path, text: &'a str) -> Result<Self, DataError> {
        if path.extension().is_some_and(|ending| ending == "txt") {
            return Ok(Self::Lines(text));
        }
        Ok(Self::Json(json::parse(path, text, "a vocabulary")?))
    }

    /// The tokens in the order of their ids; `name` is the file's.
    fn tokens(self, name: &str) -> Result<Vec<String>, DataError> {
        let value = match self {
            Self::Lines(text) => return Ok(text.lines().map(str::to_owned).collect()),
            Self::Json(value) => value,
        };
        let Some(model) = value.get("model").and_then(Value::as_object) else { return listed(name, value) };
        let kind = model.get("type").and_then(Value::as_str).unwrap_or("of an unknown kind");
        let Some(Value::Object(words)) = model.get("vocab").filter(|_| kind == "WordLevel") else {
            let reason = format!("its tokens are those of a {kind} tokenizer, and whole words (WordLevel) are wanted");
            return Err(bad(name, reason));
        };
        let mut words = words.clone();
        for token in value["added_tokens"].as_array().into_iter().flatten() {
            if let (Some(text), Some(id)) = (token["content"].as_str(), token["id"].as_u64()) {
                words.insert(text.to_owned(), id.into());
            }
        }
        numbered(name, words)
    }
}

fn parse(name: &str, unit: Unit, number: usize, text: &str) -> Result<Symbol, DataError> {
    let symbol = Symbol::parse(unit, text);
    symbol.ok_or_else(|| bad(name, format!("symbol {number}, {text:?}, is not one {unit}")))
}

fn bad(name: &str, reason: impl std::fmt::Display) -> DataError {
    ErrorKind::Format.error(format!("not a vocabulary: {reason}")).within(name)
}

fn string(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// The tokens of an object in the order of their ids, its values or its keys, which start at 0 or 1.
fn numbered(name: &str, object: Map<String, Value>) -> Result<Vec<String>, DataError> {
    let pair = |(key, value): (String, Value)| match value {
        Value::Number(number) => number.as_u64().map(|number| (number, key)),
        Value::String(symbol) => key.parse().ok().map(|number| (number, symbol)),
        _ => None,
    };
    let mut symbols = Vec::with_capacity(object.len());
    for (key, value) in object {
        let shown = key.clone();
        symbols.push(pair((key, value)).ok_or_else(|| bad(name, format!("{shown:?} has no number beside it")))?);
    }
    symbols.sort();
    let first = symbols.first().map_or(0, |(number, _)| (*number).min(1));
    if let Some((wanted, (number, symbol))) = (first..).zip(&symbols).find(|(wanted, (number, _))| wanted != number) {
        return Err(bad(name, format!("{symbol:?} has the number {number}, where {wanted} is wanted")));
    }
    Ok(symbols.into_iter().map(|(_, symbol)| symbol).collect())
}
