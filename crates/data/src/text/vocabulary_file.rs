//! A vocabulary as a JSON file that a person can read.
//!
//! ```json
//! { "format": "rekindle-vocabulary", "version": 1, "unit": "byte", "symbols": [null, "a", "\\n"] }
//! ```
//!
//! A symbol's place in the list, from 0, is its number; `null` is the unknown symbol.
//!
//! Other programs write a list of symbols, or an object of symbols and their numbers: [`Vocabulary::import`] reads these too.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::symbol::{Symbol, UNKNOWN};
use super::{Unit, Vocabulary};
use crate::{Error, document};

const FORMAT: &str = "rekindle-vocabulary";
const VERSION: u64 = 1;

/// The fields that every version has.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u64,
}

/// What the vocabularies of other programs look like; all else is taken for one of this program.
#[derive(Deserialize)]
#[serde(untagged)]
enum Other {
    List(Vec<String>),
    Numbers(BTreeMap<String, u64>),
    Own(IgnoredAny),
}

#[derive(Serialize, Deserialize)]
struct Document<'a> {
    format: Cow<'a, str>,
    version: u64,
    unit: Unit,
    symbols: Vec<Option<Cow<'a, str>>>,
}

impl Vocabulary {
    /// The vocabulary as JSON, a symbol a line.
    pub fn to_json(&self) -> String {
        let symbols = self.symbols().iter().map(|symbol| match symbol {
            Symbol::Unknown => None,
            known => Some(known.print()),
        });
        let document =
            Document { format: FORMAT.into(), version: VERSION, unit: self.unit(), symbols: symbols.collect() };
        serde_json::to_string_pretty(&document).expect("strings and numbers always fit into JSON")
    }

    /// Reads what [`Vocabulary::to_json`] writes; `name` stands for the text in messages.
    ///
    /// # Errors
    /// [`Error::VocabularySyntax`], [`Error::VocabularyVersion`] or [`Error::BadVocabulary`].
    pub fn from_json(name: &str, json: &str) -> Result<Self, Error> {
        let syntax = |source| Error::VocabularySyntax { name: name.into(), source };
        let bad = |reason: String| Error::BadVocabulary { name: name.into(), reason };

        let header: Header = serde_json::from_str(json).map_err(syntax)?;
        if header.format != FORMAT {
            return Err(bad(format!("its format is `{}`, want `{FORMAT}`", header.format)));
        }
        if header.version > VERSION {
            let (name, seen) = (name.into(), header.version);
            return Err(Error::VocabularyVersion { name, seen, newest: VERSION });
        }
        let document: Document = serde_json::from_str(json).map_err(syntax)?;
        let symbols: Vec<Symbol> = (document.symbols.iter().enumerate())
            .map(|(id, text)| match text {
                None => Ok(Symbol::Unknown),
                Some(text) => Symbol::parse(document.unit, text)
                    .ok_or_else(|| bad(format!("symbol {id}, {text:?}, is not one {}", document.unit))),
            })
            .collect::<Result<_, _>>()?;
        Self::checked(name, document.unit, symbols)
    }

    /// The vocabulary with these symbols, in the order of their numbers and as [`Vocabulary::symbol`] prints them; `<unk>` is
    /// the unknown symbol too. `name` stands for the list in messages.
    ///
    /// # Errors
    /// [`Error::BadVocabulary`] for less than two symbols, one that is there twice, and one that is none of the unit.
    pub fn from_list(name: &str, unit: Unit, symbols: &[impl AsRef<str>]) -> Result<Self, Error> {
        let symbol = |(number, text): (usize, &str)| match text {
            UNKNOWN | "<unk>" => Ok(Symbol::Unknown),
            _ => Symbol::parse(unit, text).ok_or_else(|| {
                let reason = format!("symbol {number}, {text:?}, is not one {unit}");
                Error::BadVocabulary { name: name.into(), reason }
            }),
        };
        let symbols = symbols.iter().map(AsRef::as_ref).enumerate().map(symbol).collect::<Result<_, _>>()?;
        Self::checked(name, unit, symbols)
    }

    fn checked(name: &str, unit: Unit, symbols: Vec<Symbol>) -> Result<Self, Error> {
        let bad = |reason: String| Err(Error::BadVocabulary { name: name.into(), reason });
        if symbols.len() < 2 {
            return bad(format!("it has {} symbol(s), want 2 or more", symbols.len()));
        }
        if !Vocabulary::are_distinct(&symbols) {
            return bad("a symbol is in it twice".into());
        }
        Ok(Self::from_symbols(unit, symbols))
    }

    /// Reads a vocabulary of this or of another program: what [`Vocabulary::save`] writes, a list `["a", "b"]`, or an object
    /// `{"a": 0, "b": 1}`. The symbols of the latter two are of the unit `unit`.
    ///
    /// # Errors
    /// As [`Vocabulary::load`] and [`Vocabulary::from_list`]; [`Error::BadVocabulary`] for an object whose numbers do not go
    /// from 0 without a gap.
    pub fn import(path: impl AsRef<Path>, unit: Unit) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let json = fs::read_to_string(path).map_err(|source| Error::read(path.into(), source))?;
        let other: Other =
            serde_json::from_str(&json).map_err(|source| Error::VocabularySyntax { name: name.clone(), source })?;
        match other {
            Other::List(symbols) => Self::from_list(&name, unit, &symbols),
            Other::Numbers(numbers) => {
                let mut symbols: Vec<_> = numbers.into_iter().collect();
                symbols.sort_by_key(|(_, number)| *number);
                let gap = (0..).zip(&symbols).find(|(wanted, (_, number))| wanted != number);
                if let Some((wanted, (symbol, number))) = gap {
                    let reason = format!("{symbol:?} has the number {number}, where {wanted} is wanted");
                    return Err(Error::BadVocabulary { name, reason });
                }
                let symbols: Vec<_> = symbols.into_iter().map(|(symbol, _)| symbol).collect();
                Self::from_list(&name, unit, &symbols)
            }
            Other::Own(_) => Self::from_json(&name, &json),
        }
    }

    /// Writes the vocabulary to a file: to a temporary name first, so that the file is never seen half
    /// written.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        document::write(path.as_ref(), &self.to_json())
    }

    /// Reads a vocabulary from a file.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::Read`] and those of [`Vocabulary::from_json`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let json = fs::read_to_string(path).map_err(|source| Error::read(path.into(), source))?;
        Self::from_json(&path.display().to_string(), &json)
    }
}
