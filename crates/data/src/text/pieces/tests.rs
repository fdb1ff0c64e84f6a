//! Pieces of any text, learned from another.

use std::sync::OnceLock;

use proptest::prelude::*;
use rstest::rstest;

use super::super::symbol::Symbol;
use crate::{Corpus, Decoder, ErrorKind, Streams, Unit, Vocabulary, VocabularyConfig};

const TEXT: &str = "walk walks walked walking\ntalk talks talked talking\nÇa va bien, très bien\n";

fn corpus(text: &str) -> Corpus {
    Corpus::from_text("text", text, Unit::Word).unwrap()
}

fn pieces(merges: usize) -> Vocabulary {
    Vocabulary::of_pieces(&corpus(&TEXT.repeat(4)), merges).unwrap()
}

/// A vocabulary that is learned once.
fn learned() -> &'static Vocabulary {
    static LEARNED: OnceLock<Vocabulary> = OnceLock::new();
    LEARNED.get_or_init(|| pieces(60))
}

fn printed(vocabulary: &Vocabulary, text: &str) -> Vec<String> {
    let ids = vocabulary.encode(text).unwrap();
    ids.into_iter().map(|id| vocabulary.symbol(id).unwrap().into_owned()).collect()
}

#[rstest]
#[case(0, " walk", &[" ", "w", "a", "l", "k"])]
#[case(60, " walked walks", &[" walked", " walks"])]
#[case(60, "xalk", &["x", "alk"])]
#[case(60, "\n", &["\\n"])]
#[case(60, "é", &["\\xc3", "\\xa9"])]
fn frequent_words_have_few_pieces(#[case] merges: usize, #[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(printed(&pieces(merges), text), expected);
}

#[test]
fn the_bytes_come_first_and_then_the_unions_in_their_order() {
    let vocabulary = learned();
    assert!(vocabulary.len() > 256 && vocabulary.len() <= 256 + 60, "{}", vocabulary.len());
    assert_eq!(vocabulary.encode("a").unwrap(), [u32::from(b'a')]);
    assert_eq!(vocabulary.unknown_id(), None);
    // A union's id is above those of the pieces that were joined.
    let id = |text| vocabulary.token(text).unwrap();
    assert!(id("al") < id("alk") && id("alk") < id(" walk"));
    assert_eq!((vocabulary.word("walk"), vocabulary.word("nowhere")), (Some(id(" walk")), None));
    assert_eq!(pieces(60), *vocabulary, "the same text gives the same pieces");
}

#[test]
fn a_text_in_pieces_is_the_text() {
    let vocabulary = learned();
    let text = format!("{TEXT}\n\n  x\t{}é", "a".repeat(1000));
    let cut = corpus(&text).cut(vocabulary).unwrap();
    let all = cut.tokens();
    assert!(all > 0 && all < text.len());
    assert_eq!((cut.text(0..all), cut.bytes(), cut.unit()), (text.clone(), text.len(), Unit::Bpe));
    assert_eq!(cut.contents().collect::<Vec<_>>(), [text.as_bytes()]);
    let ids = cut.ids(vocabulary, 0..all).unwrap();
    assert_eq!(ids, vocabulary.encode(&text).unwrap());
    assert_eq!(cut.ids(vocabulary, 3..9).unwrap(), ids[3..9]);
    assert_eq!(cut.text(3..9), vocabulary.decode(&ids[3..9]));
    let mut streams = Streams::new(&cut, vocabulary, 0..all, 2, 5).unwrap();
    let (second, first) = (streams.batch(1), streams.batch(0));
    assert_eq!((&first.inputs[..5], &second.inputs[..5]), (&ids[..5], &ids[5..10]));
    assert_eq!(first.targets[..5], ids[1..6]);
}

#[test]
fn what_cannot_be_cut_is_refused() {
    let vocabulary = learned();
    let chars = || Corpus::from_text("text", TEXT, Unit::Char).unwrap();
    let refused = |error: crate::DataError| error.kind();
    assert_eq!(refused(chars().cut(vocabulary).unwrap_err()), ErrorKind::Mismatch);
    assert_eq!(refused(Vocabulary::of_pieces(&chars(), 9).unwrap_err()), ErrorKind::Mismatch);
    assert_eq!(refused(Corpus::from_text("text", TEXT, Unit::Bpe).unwrap_err()), ErrorKind::Setting);
    assert_eq!(refused(corpus(TEXT).ids(vocabulary, 0..1).unwrap_err()), ErrorKind::Mismatch);
    let cut = corpus(TEXT).cut(vocabulary).unwrap();
    assert_eq!(refused(cut.ids(&pieces(9), 0..1).unwrap_err()), ErrorKind::Mismatch);
    let other = Vocabulary::from_corpus(&chars(), &VocabularyConfig::default()).unwrap();
    assert_eq!(chars().cut(&other).unwrap().unit(), Unit::Char);
}

#[test]
fn a_file_without_a_byte_is_refused() {
    let json = learned().to_json();
    assert_eq!(Vocabulary::from_json("vocab.json", &json).unwrap(), *learned());
    for (line, with, words) in [
        ("    \"a\",\n", "", "byte 97"),
        ("    \"a\",\n", "    \"a\",\n    \"a\",\n", "twice"),
        ("    \"a\",\n", "    \"a\",\n    null,\n", "no unknown token"),
        ("    \"a\",\n", "    \"\\\\x61\",\n", "\\\\x61"),
    ] {
        assert!(json.contains(line));
        let error = Vocabulary::from_json("vocab.json", &json.replace(line, with)).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(text: String) {
        let vocabulary = learned();
        let ids = vocabulary.encode(&text).unwrap();
        prop_assert_eq!(vocabulary.decode(&ids), &*text);
        prop_assert_eq!(vocabulary.encode_lossy(&text), ids.clone());
        let characters: Option<usize> = ids.iter().map(|&id| vocabulary.characters(id)).sum();
        prop_assert_eq!(characters, Some(text.chars().count()));
        let mut decoder = Decoder::new(vocabulary);
        let pushed: String = ids.iter().map(|&id| decoder.push(id)).collect();
        prop_assert_eq!(pushed, text);
    }

    #[test]
    fn white_space_and_known_words_come_back_too(text in "[ \n\t\r]{0,3}((walk|talk|Ça|é|,)[ \n]{0,3}(ed|ing|s)?){0,9}") {
        let vocabulary = learned();
        prop_assert_eq!(vocabulary.decode(&vocabulary.encode(&text).unwrap()), text);
    }

    #[test]
    fn any_bytes_come_back(bytes: Vec<u8>) {
        let vocabulary = learned();
        let ids = vocabulary.encode(&bytes).unwrap();
        prop_assert_eq!(vocabulary.decode(&ids), String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn every_piece_reads_back_from_print(bytes in prop::collection::vec(any::<u8>(), 1..9)) {
        let symbol = Symbol::of_token(Unit::Bpe, &bytes).unwrap();
        let printed = symbol.print().into_owned();
        prop_assert!(!printed.contains(char::is_control) || !printed.is_ascii());
        prop_assert_eq!(Symbol::parse(Unit::Bpe, &printed), Some(symbol));
    }
}
