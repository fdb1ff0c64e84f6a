//! Pieces of words, learnt from the text.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tokenizers::models::ModelWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::models::unigram::{Unigram, UnigramTrainer};
use tokenizers::{Model, Trainer};

use super::{ParallelError, WordVocabulary};

/// Begins the first piece of a word that stands after white space or at the beginning. In a text it is read as `_`.
const SPACE: char = '\u{2581}';
const UNKNOWN: &str = "<UNK>";

/// How pieces are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubwordKind {
    /// Byte-pair encoding: from characters up, the most frequent pair is joined (Sennrich et al. 2016, arXiv 1508.07909).
    Bpe,
    /// A unigram language model, from many pieces down (Kudo 2018, arXiv 1804.10959).
    Unigram,
}

/// Cuts sentences into pieces that were learnt, and puts them together again.
///
/// A sentence is first divided at white space and control characters, and its words into runs of letters and digits and
/// single other characters, so that no piece holds a word and its full stop. The first piece of a word begins with `▁`;
/// so pieces, put together, give the sentence back but for the kind of its white space, if all characters are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ModelWrapper", into = "ModelWrapper")]
pub struct Subword {
    model: ModelWrapper,
}

impl Subword {
    /// Learns up to `count` pieces from some sentences, all of their characters among them. The same sentences give the
    /// same pieces.
    ///
    /// # Errors
    ///
    /// When there are more characters than `count`, or no sentence has any.
    pub fn train<'a>(
        kind: SubwordKind,
        sentences: impl IntoIterator<Item = &'a str>,
        count: usize,
    ) -> Result<Self, ParallelError> {
        let mut words: BTreeMap<String, u32> = BTreeMap::new();
        for word in sentences.into_iter().flat_map(marked_words) {
            *words.entry(word).or_default() += 1;
        }
        let mut characters: Vec<char> = words.keys().flat_map(|word| word.chars()).collect();
        characters.sort_unstable();
        characters.dedup();
        if characters.is_empty() || characters.len() > count {
            return Err(ParallelError::FewPieces { count, characters: characters.len() });
        }
        // The unknown piece is one more.
        let size = count + 1;
        let model = match kind {
            SubwordKind::Bpe => bpe(&words, size)?.into(),
            SubwordKind::Unigram => unigram(words, size)?.into(),
        };
        Ok(Self { model })
    }

    /// The pieces of a sentence; a character that was never seen is a piece that no vocabulary has.
    pub fn pieces(&self, sentence: &str) -> Vec<String> {
        let mut pieces = Vec::new();
        for word in marked_words(sentence) {
            match self.model.tokenize(&word) {
                Ok(tokens) => pieces.extend(tokens.into_iter().map(|token| token.value)),
                // A model that has no way to cut a word does not know it.
                Err(_) => pieces.push(UNKNOWN.to_owned()),
            }
        }
        pieces
    }

    /// The pieces by number.
    pub fn vocabulary(&self) -> WordVocabulary {
        let mut pieces: Vec<(u32, String)> =
            self.model.get_vocab().into_iter().map(|(piece, number)| (number, piece)).collect();
        pieces.sort_unstable();
        WordVocabulary::of_words(pieces.into_iter().map(|(_, piece)| piece))
    }

    /// The sentence of some pieces.
    pub fn sentence<S: AsRef<str>>(pieces: &[S]) -> String {
        let joined: String = pieces.iter().map(AsRef::as_ref).collect();
        joined.replace(SPACE, " ").trim().to_owned()
    }

    /// A sentence as its pieces give it back.
    pub fn normal_form(sentence: &str) -> String {
        Self::sentence(&marked_words(sentence).collect::<Vec<_>>())
    }
}

impl TryFrom<ModelWrapper> for Subword {
    type Error = ParallelError;

    fn try_from(model: ModelWrapper) -> Result<Self, ParallelError> {
        match model {
            ModelWrapper::BPE(_) | ModelWrapper::Unigram(_) => Ok(Self { model }),
            ModelWrapper::WordLevel(_) | ModelWrapper::WordPiece(_) => {
                Err(ParallelError::BadVocabulary { reason: "its pieces are neither BPE nor unigram".to_owned() })
            }
        }
    }
}

impl From<Subword> for ModelWrapper {
    fn from(subword: Subword) -> Self {
        subword.model
    }
}

impl fmt::Display for SubwordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bpe => "bpe",
            Self::Unigram => "unigram",
        })
    }
}

impl FromStr for SubwordKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "bpe" => Ok(Self::Bpe),
            "unigram" => Ok(Self::Unigram),
            _ => Err("possible values: bpe, unigram".to_owned()),
        }
    }
}

/// Runs of letters and digits, and other characters one by one, the first after white space with its mark.
fn marked_words(sentence: &str) -> impl Iterator<Item = String> {
    let parts = sentence.split(|c: char| c.is_whitespace() || c.is_control()).filter(|part| !part.is_empty());
    parts.flat_map(|part| {
        let mut words: Vec<String> = Vec::new();
        let mut open = false;
        for c in part.chars() {
            let c = if c == SPACE { '_' } else { c };
            let inner = c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36F}');
            match words.last_mut() {
                None => words.push([SPACE, c].into_iter().collect()),
                Some(word) if inner && open => word.push(c),
                Some(_) => words.push(c.into()),
            }
            open = inner;
        }
        words
    })
}

fn failed(error: tokenizers::Error) -> ParallelError {
    ParallelError::NoPieces { reason: error.to_string() }
}

fn bpe(words: &BTreeMap<String, u32>, size: usize) -> Result<BPE, ParallelError> {
    let unknown = tokenizers::AddedToken::from(UNKNOWN, true);
    let mut trainer = BpeTrainer::builder().vocab_size(size).show_progress(false).special_tokens(vec![unknown]).build();
    // Each word as often as it appeared: the trainer counts them again.
    let often = |word: &str| Ok(vec![word.to_owned(); words.get(word).map_or(0, |&count| count as usize)]);
    trainer.feed(words.keys(), often).map_err(failed)?;
    let mut model = BPE::builder().unk_token(UNKNOWN.to_owned()).build().map_err(failed)?;
    trainer.train(&mut model).map_err(failed)?;
    Ok(model)
}

fn unigram(words: BTreeMap<String, u32>, size: usize) -> Result<Unigram, ParallelError> {
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    let trainer = UnigramTrainer::builder()
        .vocab_size(size)
        .show_progress(false)
        .unk_token(Some(UNKNOWN.to_owned()))
        .build()
        .map_err(|error| ParallelError::NoPieces { reason: error.to_string() })?;
    let mut model = Unigram::default();
    // One thread: sums in parts would depend on how many there are.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let alone = alone.map_err(|error| ParallelError::NoPieces { reason: error.to_string() })?;
    alone.install(|| trainer.do_train(words.into_iter().collect(), &mut model)).map_err(failed)?;
    settle(&model)
}

/// The trainer gives rare characters their scores in the order of a hash table. Here it is that of the characters.
fn settle(model: &Unigram) -> Result<Unigram, ParallelError> {
    /// By how much the trainer sets these scores apart.
    const APART: f64 = 1e-4;
    // The first is the unknown piece.
    let mut pieces: Vec<(String, f64)> = model.iter().skip(1).cloned().collect();
    let single = |piece: &str| piece.chars().nth(1).is_none();
    let lowest = pieces.iter().map(|piece| piece.1).fold(f64::INFINITY, f64::min);
    let singles = pieces.iter().filter(|piece| single(&piece.0)).count() as f64;
    let (mut rare, kept): (Vec<_>, Vec<_>) =
        pieces.drain(..).partition(|(piece, score)| single(piece) && *score <= lowest + singles * APART);
    let mut scores: Vec<f64> = rare.iter().map(|piece| piece.1).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    rare.sort_by(|a, b| a.0.cmp(&b.0));
    let mut pieces = kept;
    pieces.extend(rare.into_iter().zip(scores).map(|((piece, _), score)| (piece, score)));
    pieces.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    pieces.insert(0, (UNKNOWN.to_owned(), 0.0));
    Unigram::from(pieces, Some(0), false).map_err(failed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::super::Pairs;
    use super::*;

    const KINDS: [SubwordKind; 2] = [SubwordKind::Bpe, SubwordKind::Unigram];

    fn dates(kind: SubwordKind, count: usize) -> Subword {
        let pairs = Pairs::dates(500, 1);
        Subword::train(kind, pairs.sources.iter().map(String::as_str), count).unwrap()
    }

    #[rstest]
    fn words_of_the_text_have_fewer_pieces_than_new_ones(
        #[values(SubwordKind::Bpe, SubwordKind::Unigram)] kind: SubwordKind,
    ) {
        let text = "walk walks walked walking talk talks talked talking ".repeat(9);
        let subword = Subword::train(kind, [text.as_str()], 40).unwrap();
        assert!(subword.vocabulary().len() <= 44, "{}", subword.vocabulary().len());
        let [known, new] = ["walked", "klawed"].map(|word| subword.pieces(word));
        assert!(known.len() <= 3 && new.len() > 4, "{known:?} {new:?}");
        assert_eq!(Subword::sentence(&subword.pieces("  walk  taking ")), "walk taking");
    }

    #[rstest]
    fn the_same_sentences_give_the_same_pieces(#[values(SubwordKind::Bpe, SubwordKind::Unigram)] kind: SubwordKind) {
        // Many characters that appear once, beside frequent words.
        let rare: String = ('α'..='ω').flat_map(|c| [c, ' ']).collect();
        let sentences: Vec<String> = (0..200).map(|i| format!("the {} of march", i % 7)).chain([rare]).collect();
        let train = || Subword::train(kind, sentences.iter().map(String::as_str), 80).unwrap();
        let first = train();
        for _ in 0..5 {
            assert_eq!(serde_json::to_string(&train()).unwrap(), serde_json::to_string(&first).unwrap());
        }
    }

    #[rstest]
    fn pieces_that_were_stored_cut_as_before(#[values(SubwordKind::Bpe, SubwordKind::Unigram)] kind: SubwordKind) {
        let subword = dates(kind, 60);
        let read: Subword = serde_json::from_str(&serde_json::to_string(&subword).unwrap()).unwrap();
        assert_eq!(read, subword);
        assert_eq!(read.vocabulary(), subword.vocabulary());
        for sentence in &Pairs::dates(50, 2).sources {
            assert_eq!(read.pieces(sentence), subword.pieces(sentence));
        }
    }

    #[test]
    fn a_character_that_was_never_seen_is_unknown() {
        for kind in KINDS {
            let subword = dates(kind, 100);
            let numbers = subword.vocabulary().encode(&subword.pieces("march → the"));
            let unknown = numbers.iter().filter(|&&number| number == WordVocabulary::UNKNOWN).count();
            assert!((1..=2).contains(&unknown) && numbers.len() > unknown, "{numbers:?}");
        }
    }

    #[test]
    fn more_characters_than_pieces_are_refused() {
        for kind in KINDS {
            let error = Subword::train(kind, ["abcdef"], 6).unwrap_err().to_string();
            assert!(error.contains("7 characters"), "{error}");
            assert!(Subword::train(kind, [" \t"], 100).is_err());
        }
    }

    #[test]
    fn stored_pieces_of_another_kind_are_refused() {
        let words = r#"{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}"#;
        assert!(serde_json::from_str::<Subword>(words).unwrap_err().to_string().contains("neither BPE nor unigram"));
        for broken in
            ["{}", "[]", r#"{"type":"BPE","vocab":{"a":0},"merges":["a b"]}"#, r#"{"type":"Unigram","vocab":[]}"#]
        {
            // Refused, or able to cut: never a panic.
            if let Ok(subword) = serde_json::from_str::<Subword>(broken) {
                subword.pieces("a b");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn pieces_give_any_text_back(text in "\\PC{0,40}", other in "[a-z .,▁]{1,40}") {
            for kind in KINDS {
                let sentences = [text.as_str(), other.as_str(), "x"];
                let subword = Subword::train(kind, sentences, 200).unwrap();
                let vocabulary = subword.vocabulary();
                for sentence in sentences {
                    let numbers = vocabulary.encode(&subword.pieces(sentence));
                    prop_assert!(numbers.iter().all(|&number| number > WordVocabulary::END), "{numbers:?}");
                    let wanted = sentence.replace(SPACE, "_").split_whitespace().collect::<Vec<_>>().join(" ");
                    prop_assert_eq!(Subword::sentence(&vocabulary.decode(&numbers)), &wanted[..]);
                    prop_assert_eq!(Subword::normal_form(sentence), wanted);
                }
            }
        }

        #[test]
        fn any_text_is_cut_without_panic(text: String) {
            for kind in KINDS {
                dates(kind, 60).pieces(&text);
            }
        }
    }
}
