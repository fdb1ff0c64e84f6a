//! The vocabulary of a language model: its tokens and their ids.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use ahash::AHashMap;
use serde::{Deserialize, Serialize};

use super::char_table::CharTable;
use super::pieces::{self, Pieces};
use super::scan::SymbolCount;
use super::symbol::{Symbol, UNKNOWN};
use super::tokenizer::{ID, first_char, first_token, tokens};
use super::{Corpus, Decoder, Unit};
use crate::shortened::shortened;
use crate::{DataError, ErrorKind};

/// The lookup result for a missing token.
const ABSENT: u32 = u32::MAX;

/// Selects the tokens of a vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VocabularyConfig {
    /// Leave out tokens that occur less often than this. Default 1: none.
    pub min_count: u64,
    /// Keep at most this many tokens, the most frequent ones, the unknown token included. Default: all.
    pub max_size: Option<usize>,
    /// Include an unknown token even if no token of the text is left out. Default: no.
    pub unknown: bool,
}

impl Default for VocabularyConfig {
    fn default() -> Self {
        Self { min_count: 1, max_size: None, unknown: false }
    }
}

/// The tokens of a language model, with ids from 0.
///
/// The ids follow the first occurrence in the text, as in the lecture's `hello`: `h` 0, `e` 1, `l` 2, `o` 3. The
/// unknown token, if any, is 0 and the others follow it. Clones share the tables.
#[derive(Clone)]
pub struct Vocabulary {
    shared: Arc<Shared>,
}

struct Shared {
    unit: Unit,
    symbols: Vec<Symbol>,
    unknown: Option<u32>,
    ids: Ids,
}

/// Maps a token to its id.
enum Ids {
    Byte(Box<[u32; 256]>),
    Char(CharTable),
    /// Words or pieces.
    Word(Pieces),
}

/// A token that a vocabulary lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{:?} at byte {offset} is not in the vocabulary of {size} symbols", shortened(.symbol))]
pub struct UnknownSymbol {
    /// The token in printed form.
    pub symbol: String,
    /// Its position, in bytes.
    pub offset: usize,
    /// The vocabulary size.
    pub size: usize,
}

impl Vocabulary {
    /// The vocabulary of a corpus. If tokens are left out, an unknown token takes their place.
    ///
    /// # Errors
    /// [`ErrorKind::TooLittle`] for a text with one distinct token, or limits that leave fewer than two.
    pub fn from_corpus(corpus: &Corpus, config: &VocabularyConfig) -> Result<Self, DataError> {
        let all = corpus.symbols();
        let mut kept: Vec<&SymbolCount> = all.iter().filter(|symbol| symbol.count >= config.min_count).collect();
        let largest = config.max_size.unwrap_or(usize::MAX);
        let unknown = config.unknown || kept.len() < all.len() || kept.len() > largest;
        let room = largest.saturating_sub(usize::from(unknown));
        if kept.len() > room {
            kept.sort_by_key(|symbol| (Reverse(symbol.count), symbol.offset));
            kept.truncate(room);
            kept.sort_by_key(|symbol| symbol.offset);
        }
        let symbols = kept.len() + usize::from(unknown);
        if symbols < 2 || all.len() < 2 {
            let message = format!(
                "the vocabulary would have {symbols} symbol(s) of the {} in the text, and a model needs two or more; \
                 use another text, a lower minimum count or a larger vocabulary",
                all.len()
            );
            return Err(ErrorKind::TooLittle.error(message).within(corpus.name()));
        }
        if symbols >= ABSENT as usize {
            let message = format!("{symbols} distinct symbols are too many; set a largest vocabulary size");
            return Err(ErrorKind::TooLarge.error(message).within(corpus.name()));
        }
        let known = kept.iter().filter_map(|symbol| {
            // A token of a checked text is always a single entry of its unit.
            Symbol::of_token(corpus.unit(), corpus.token(symbol).1)
        });
        let unknown = unknown.then_some(Symbol::Unknown);
        Ok(Self::from_symbols(corpus.unit(), unknown.into_iter().chain(known).collect()))
    }

    /// The pieces learned from a text that is read in words: all bytes, and up to `merges` unions of two pieces, those
    /// that occur most often.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] for a text that is read in another unit, and [`ErrorKind::Format`] when no pieces can be
    /// learned.
    pub fn of_pieces(corpus: &Corpus, merges: usize) -> Result<Self, DataError> {
        if corpus.unit() != Unit::Word {
            let message = format!("pieces are learned from words, and the text is read in {}", corpus.unit().plural());
            return Err(ErrorKind::Mismatch.error(message).within(corpus.name()));
        }
        let pieces = pieces::learned(corpus, merges)?;
        Ok(Self::from_symbols(Unit::Bpe, pieces.into_iter().map(Symbol::Piece).collect()))
    }

    /// The vocabulary of a short text, with every token in it.
    ///
    /// # Errors
    /// [`ErrorKind::TooLittle`] for fewer than two tokens.
    pub fn from_text(text: &str, unit: Unit) -> Result<Self, DataError> {
        let corpus = Corpus::from_text("text", text, unit)?;
        Self::from_corpus(&corpus, &VocabularyConfig::default())
    }

    /// The vocabulary of these entries, all of one unit and distinct.
    pub(crate) fn from_symbols(unit: Unit, symbols: Vec<Symbol>) -> Self {
        let mut ids = match unit {
            Unit::Byte => Ids::Byte(Box::new([ABSENT; 256])),
            Unit::Char => Ids::Char(CharTable::new(ABSENT)),
            Unit::Word | Unit::Term | Unit::Bpe => Ids::Word(AHashMap::with_capacity(symbols.len())),
        };
        let mut unknown = None;
        for (id, symbol) in (0..).zip(&symbols) {
            match (symbol, &mut ids) {
                (Symbol::Byte(byte), Ids::Byte(ids)) => ids[*byte as usize] = id,
                (Symbol::Char(c), Ids::Char(ids)) => ids.set(*c, id),
                (Symbol::Word(word), Ids::Word(ids)) => {
                    ids.insert(Arc::<[u8]>::from(Arc::clone(word)), id);
                }
                (Symbol::Piece(piece), Ids::Word(ids)) => {
                    ids.insert(Arc::clone(piece), id);
                }
                _ => unknown = Some(id),
            }
        }
        Self { shared: Arc::new(Shared { unit, symbols, unknown, ids }) }
    }

    /// The token unit.
    pub fn unit(&self) -> Unit {
        self.shared.unit
    }

    /// `V`, the number of tokens, the unknown one included.
    #[expect(clippy::len_without_is_empty, reason = "a vocabulary has two symbols at least")]
    pub fn len(&self) -> usize {
        self.shared.symbols.len()
    }

    /// The id of the unknown token, if any.
    pub fn unknown_id(&self) -> Option<u32> {
        self.shared.unknown
    }

    /// A token in printed form: characters and words as they are, bytes as in a Rust byte string (`\xff`), pieces as in
    /// a Rust string, the unknown token as `<UNK>`. [`Vocabulary::id`] parses it.
    pub fn symbol(&self, id: u32) -> Option<Cow<'_, str>> {
        self.get(id).map(Symbol::print)
    }

    /// The id of a token in printed form.
    pub fn id(&self, symbol: &str) -> Option<u32> {
        if symbol == UNKNOWN {
            return self.unknown_id();
        }
        match Symbol::parse(self.unit(), symbol)? {
            Symbol::Byte(byte) => self.look_up(&[byte]),
            _ => self.look_up(symbol.as_bytes()),
        }
    }

    /// The id in `other` of each token of this vocabulary, for copying weights from a model of one text to a model of
    /// another.
    pub fn map_to(&self, other: &Vocabulary) -> Vec<Option<u32>> {
        self.shared.symbols.iter().map(|symbol| other.id(&symbol.print())).collect()
    }

    /// The id of a word, with or without a space before it; none if the tokens are not words.
    pub fn word(&self, word: &str) -> Option<u32> {
        matches!(self.shared.ids, Ids::Word(_)).then(|| self.token(&format!(" {word}")).or_else(|| self.token(word)))?
    }

    /// The id of the token with exactly this text; none if the text is no single token.
    pub fn token(&self, text: &str) -> Option<u32> {
        match &self.shared.ids {
            Ids::Word(ids) => ids.get(text.as_bytes()).copied(),
            _ if text.is_empty() || first_token(self.unit(), text.as_bytes()) != text.len() => None,
            _ => self.look_up(text.as_bytes()),
        }
    }

    /// The token ids of a text, `[T]`. A text that a person wrote is brought into the [form](Unit::form) of the unit
    /// first.
    ///
    /// # Errors
    /// [`UnknownSymbol`] for the first token that the vocabulary lacks.
    pub fn encode(&self, text: impl AsRef<[u8]>) -> Result<Vec<u32>, UnknownSymbol> {
        if let Some(pieces) = self.pieces() {
            return Ok(cut(pieces, text.as_ref()));
        }
        let mut offset = 0;
        tokens(self.unit(), text.as_ref())
            .map(|token| {
                let id = self.look_up(token).ok_or_else(|| self.unknown_symbol(token, offset));
                offset += token.len();
                id
            })
            .collect()
    }

    /// Like [`Vocabulary::encode`], with the unknown token in place of those that the vocabulary lacks; they are
    /// skipped if it has none.
    pub fn encode_lossy(&self, text: impl AsRef<[u8]>) -> Vec<u32> {
        if let Some(pieces) = self.pieces() {
            return cut(pieces, text.as_ref());
        }
        tokens(self.unit(), text.as_ref()).filter_map(|token| self.look_up(token).or(self.unknown_id())).collect()
    }

    /// The text of some token ids.
    ///
    /// The unknown token, invalid ids and bytes that are not UTF-8 become replacement characters (U+FFFD).
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut decoder = Decoder::new(self);
        let mut text: String = ids.iter().map(|id| decoder.push(*id)).collect();
        text.push_str(&decoder.finish());
        text
    }

    /// The characters of a token: bytes that begin one, so that those of a text's tokens add up to those of the text.
    /// None for the unknown token, which stands for any.
    pub fn characters(&self, id: u32) -> Option<usize> {
        let bytes = self.get(id)?.bytes()?;
        Some(bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count())
    }

    /// The pieces by their bytes; none if the tokens are of another unit.
    pub(crate) fn pieces(&self) -> Option<&Pieces> {
        match &self.shared.ids {
            Ids::Word(pieces) if self.unit() == Unit::Bpe => Some(pieces),
            _ => None,
        }
    }

    pub(crate) fn get(&self, id: u32) -> Option<&Symbol> {
        self.shared.symbols.get(id as usize)
    }

    pub(crate) fn symbols(&self) -> &[Symbol] {
        &self.shared.symbols
    }

    /// Checks that the token at `offset` is in the vocabulary.
    pub(crate) fn check(&self, token: &[u8], offset: usize) -> Result<(), UnknownSymbol> {
        self.look_up(token).map(drop).ok_or_else(|| self.unknown_symbol(token, offset))
    }

    /// The id for tokens that the vocabulary lacks: the unknown token, or else id 0.
    pub(crate) fn substitute(&self) -> u32 {
        self.unknown_id().unwrap_or(0)
    }

    /// Encodes the start of a text, until the text or `ids` ends. Returns the numbers of tokens and bytes read.
    pub(crate) fn fill(&self, text: &[u8], ids: &mut [u32]) -> (usize, usize) {
        let known = |id: u32| if id == ABSENT { self.substitute() } else { id };
        if let Ids::Byte(table) = &self.shared.ids {
            for (id, byte) in ids.iter_mut().zip(text) {
                *id = known(table[*byte as usize]);
            }
            let read = ids.len().min(text.len());
            return (read, read);
        }
        if self.unit() == Unit::Bpe {
            let mut read = 0;
            for (id, bytes) in ids.iter_mut().zip(text.chunks_exact(ID)) {
                *id = bytes.try_into().map_or(0, u32::from_le_bytes);
                read += 1;
            }
            // What is left is no whole id, and is passed over.
            return (read, if read < ids.len() { text.len() } else { read * ID });
        }
        let (mut read, mut offset) = (0, 0);
        while read < ids.len() && offset < text.len() {
            let rest = &text[offset..];
            let (id, length) = match &self.shared.ids {
                Ids::Char(table) => {
                    let (c, length) = first_char(rest);
                    (table.get(c), length)
                }
                _ => {
                    let length = first_token(self.unit(), rest);
                    (self.look_up(&rest[..length]).unwrap_or(ABSENT), length)
                }
            };
            ids[read] = known(id);
            read += 1;
            offset += length;
        }
        (read, offset)
    }

    fn look_up(&self, token: &[u8]) -> Option<u32> {
        let id = match &self.shared.ids {
            Ids::Byte(table) => table[*token.first()? as usize],
            Ids::Char(table) => table.get(std::str::from_utf8(token).ok()?.chars().next()?),
            Ids::Word(table) => *table.get(token)?,
        };
        (id != ABSENT).then_some(id)
    }

    fn unknown_symbol(&self, token: &[u8], offset: usize) -> UnknownSymbol {
        let symbol = match std::str::from_utf8(token) {
            Ok(text) => text.to_owned(),
            Err(_) => token.escape_ascii().to_string(),
        };
        UnknownSymbol { symbol, offset, size: self.len() }
    }

    /// Whether the entries are distinct.
    pub(crate) fn are_distinct(symbols: &[Symbol]) -> bool {
        symbols.iter().collect::<HashSet<_>>().len() == symbols.len()
    }
}

/// The pieces of a text.
fn cut(pieces: &Pieces, text: &[u8]) -> Vec<u32> {
    let mut ids = Vec::new();
    pieces::cut(pieces, text, &mut ids);
    ids
}

impl PartialEq for Vocabulary {
    fn eq(&self, other: &Self) -> bool {
        let same = Arc::ptr_eq(&self.shared, &other.shared);
        same || self.unit() == other.unit() && self.symbols() == other.symbols()
    }
}

impl Eq for Vocabulary {}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vocabulary")
            .field("unit", &self.unit())
            .field("len", &self.len())
            .field("unknown_id", &self.unknown_id())
            .finish()
    }
}
