//! A vocabulary as a JSON file that a person can read.
//!
//! ```json
//! { "format": "rekindle-vocabulary", "version": 1, "unit": "byte", "symbols": [null, "a", "\\n"] }
//! ```
//!
//! A symbol's place in the list, from 0, is its number; `null` is the unknown symbol.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::symbol::Symbol;
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
        if symbols.len() < 2 {
            return Err(bad(format!("it has {} symbol(s), want 2 or more", symbols.len())));
        }
        if !Vocabulary::are_distinct(&symbols) {
            return Err(bad("a symbol is in it twice".into()));
        }
        Ok(Self::from_symbols(document.unit, symbols))
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
