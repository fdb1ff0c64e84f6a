use std::fs;

use proptest::prelude::*;
use rstest::rstest;

use crate::labelled::{LabelledText, LabelledTexts, TextVocabulary, WordConfig};
use crate::{Corpus, DataError, Decoder, ErrorKind, Unit, Vocabulary, VocabularyConfig};

fn vocabulary(text: &str, unit: Unit, config: VocabularyConfig) -> Result<Vocabulary, DataError> {
    Vocabulary::from_corpus(&Corpus::from_text("text", text, unit)?, &config)
}

fn any_unit() -> impl Strategy<Value = Unit> {
    prop::sample::select(Unit::ALL.to_vec())
}

#[test]
fn hello_is_numbered_as_in_the_lecture() {
    let vocabulary = Vocabulary::from_text("hello", Unit::Char).unwrap();
    assert_eq!(vocabulary.len(), 4);
    assert_eq!(vocabulary.encode("hello").unwrap(), [0, 1, 2, 2, 3]);
    assert_eq!(vocabulary.symbol(3).unwrap(), "o");
    assert_eq!(vocabulary.id("e"), Some(1));
    assert_eq!((vocabulary.symbol(4), vocabulary.id("x"), vocabulary.unknown_id()), (None, None, None));
}

#[rstest]
#[case(Unit::Char, "hé", 'ö', "ö", 3)]
#[case(Unit::Word, "to be", '!', "!", 5)]
#[case(Unit::Byte, "hé", 'ö', "\\xb6", 4)]
fn an_unknown_symbol_is_named_with_its_place(
    #[case] unit: Unit,
    #[case] text: &str,
    #[case] strange: char,
    #[case] symbol: &str,
    #[case] offset: usize,
) {
    let vocabulary = Vocabulary::from_text(text, unit).unwrap();
    let strange = format!("{text}{strange}");
    let error = vocabulary.encode(&strange).unwrap_err();
    assert_eq!((error.symbol.as_str(), error.offset), (symbol, offset));
    let known = vocabulary.encode(text).unwrap();
    assert_eq!(vocabulary.encode_lossy(&strange)[..known.len()], known);
}

#[test]
fn a_long_unknown_word_is_cut_in_the_message() {
    let vocabulary = Vocabulary::from_text("to be", Unit::Word).unwrap();
    let error = vocabulary.encode("x".repeat(1 << 20)).unwrap_err();
    let wanted = format!("\"{}...\" at byte 0 is not in the vocabulary", "x".repeat(40));
    assert!(error.to_string().starts_with(&wanted), "{error}");
    assert_eq!(error.symbol.len(), 1 << 20);
}

#[test]
fn rare_symbols_give_way_to_the_unknown_one() {
    let config = VocabularyConfig { min_count: 2, ..Default::default() };
    let vocabulary = vocabulary("abcabcdab", Unit::Char, config).unwrap();
    assert_eq!(vocabulary.unknown_id(), Some(0));
    assert_eq!(vocabulary.len(), 4);
    assert!(vocabulary.encode("ad").is_err());
    assert_eq!(vocabulary.encode_lossy("adbc"), [1, 0, 2, 3]);
    assert_eq!(vocabulary.decode(&[1, 0, 2]), "a\u{fffd}b");
    assert_eq!(vocabulary.symbol(0).unwrap(), "<UNK>");
    assert_eq!(vocabulary.id("<UNK>"), Some(0));
}

#[test]
fn the_most_frequent_symbols_stay_in_the_order_of_the_text() {
    let config = VocabularyConfig { max_size: Some(3), ..Default::default() };
    let vocabulary = vocabulary("cabbaabd", Unit::Char, config).unwrap();
    let symbols: Vec<_> = (0..3).map(|id| vocabulary.symbol(id).unwrap().into_owned()).collect();
    assert_eq!(symbols, ["<UNK>", "a", "b"]);
}

#[test]
fn an_unknown_symbol_can_be_asked_for() {
    let config = VocabularyConfig { unknown: true, ..Default::default() };
    let vocabulary = vocabulary("ab", Unit::Char, config).unwrap();
    assert_eq!((vocabulary.len(), vocabulary.unknown_id()), (3, Some(0)));
}

#[rstest]
#[case::one_symbol("aaaa", VocabularyConfig::default())]
#[case::one_symbol_and_the_unknown("aaaa", VocabularyConfig { unknown: true, ..Default::default() })]
#[case::all_rare("abcd", VocabularyConfig { min_count: 2, ..Default::default() })]
#[case::no_room("abcd", VocabularyConfig { max_size: Some(1), ..Default::default() })]
#[case::no_room_at_all("abcd", VocabularyConfig { max_size: Some(0), ..Default::default() })]
fn a_vocabulary_of_less_than_two_symbols_is_refused(#[case] text: &str, #[case] config: VocabularyConfig) {
    let result = vocabulary(text, Unit::Char, config);
    assert!(result.as_ref().is_err_and(|error| error.kind() == ErrorKind::TooLittle), "{result:?}");
}

#[test]
fn symbols_map_from_one_vocabulary_to_another() {
    let old = Vocabulary::from_text("hello", Unit::Char).unwrap();
    let new = Vocabulary::from_text("yellow", Unit::Char).unwrap();
    assert_eq!(old.map_to(&new), [None, Some(1), Some(2), Some(3)]);
}

#[test]
fn a_byte_vocabulary_decodes_whole_characters_only() {
    let vocabulary = Vocabulary::from_text("a中", Unit::Byte).unwrap();
    let mut decoder = Decoder::new(&vocabulary);
    // Half of a character, then another one: the half comes out as a replacement character.
    let pieces = [1, 2, 0, 1, 2, 3, 1].map(|id| decoder.push(id));
    assert_eq!(pieces, ["", "", "\u{fffd}a", "", "", "中", ""]);
    assert_eq!(decoder.finish(), "\u{fffd}");
    assert_eq!(decoder.finish(), "");
    assert_eq!(vocabulary.decode(&[1, 99, 0]), "\u{fffd}\u{fffd}a");
}

#[test]
fn the_file_is_for_people_to_read() {
    let vocabulary = vocabulary("a\né", Unit::Byte, VocabularyConfig { unknown: true, ..Default::default() });
    let json = vocabulary.unwrap().to_json();
    let words: Vec<&str> = json.split_whitespace().collect();
    assert_eq!(
        words.join(" "),
        r#"{ "format": "rekindle-vocabulary", "version": 1, "unit": "byte", "symbols": [ null, "a", "\\n", "\\xc3", "\\xa9" ] }"#
    );
}

#[rstest]
#[case::not_json("", "EOF")]
#[case::another_file(r#"{"layers": 2}"#, "format")]
#[case::another_format(r#"{"format": "x", "version": 1}"#, "`x`")]
#[case::newer(r#"{"format": "rekindle-vocabulary", "version": 2}"#, "version 2")]
#[case::no_symbols(r#"{"format": "rekindle-vocabulary", "version": 1, "unit": "char"}"#, "symbols")]
#[case::no_unit(r#"{"format": "rekindle-vocabulary", "version": 1, "unit": "x"}"#, "unknown variant")]
#[case::one(r#"{"format": "rekindle-vocabulary", "version": 1, "unit": "char", "symbols": ["a"]}"#, "1 symbol")]
#[case::twice(r#"{"format": "rekindle-vocabulary", "version": 1, "unit": "char", "symbols": ["a", "a"]}"#, "twice")]
#[case::two_unknown(
    r#"{"format": "rekindle-vocabulary", "version": 1, "unit": "char", "symbols": [null, null]}"#,
    "twice"
)]
#[case::two_in_one(
    r#"{"format": "rekindle-vocabulary", "version": 1, "unit": "char", "symbols": ["a", "bc"]}"#,
    "\"bc\""
)]
#[case::no_byte(r#"{"format": "rekindle-vocabulary", "version": 1, "unit": "byte", "symbols": ["a", "é"]}"#, "\"é\"")]
fn a_file_that_is_not_a_vocabulary_is_refused(#[case] json: &str, #[case] reason: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vocab.json");
    fs::write(&path, json).unwrap();
    let error = Vocabulary::load(&path).unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let message = format!("{error}: {source}");
    assert!(message.contains("vocab.json") && message.contains(reason), "{message}");
}

#[test]
fn a_vocabulary_that_cannot_be_read_or_written_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/such/vocab.json");
    let vocabulary = Vocabulary::from_text("ab", Unit::Char).unwrap();
    let error = vocabulary.save(&path).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Write, Some(&*path)));
    assert!(Vocabulary::load(&path).is_err_and(|error| error.kind() == ErrorKind::NotFound));
    fs::write(folder.path().join("bytes"), b"\xff").unwrap();
    assert!(Vocabulary::load(folder.path().join("bytes")).is_err_and(|error| error.kind() == ErrorKind::Encoding));
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(text: String, unit in any_unit()) {
        let vocabulary = Vocabulary::from_text(&format!("{text}\nab"), unit).unwrap();
        if let Ok(ids) = vocabulary.encode(&text) {
            prop_assert_eq!(vocabulary.decode(&ids), text);
        } else {
            // A last run of white space may be cut otherwise where no more text follows.
            prop_assert_eq!(unit, Unit::Word);
        }
    }

    #[test]
    fn a_text_is_encoded_whole_by_its_own_vocabulary(text in ".{0,40}\nab", unit in any_unit()) {
        let vocabulary = Vocabulary::from_text(&text, unit).unwrap();
        let ids = vocabulary.encode(&text).unwrap();
        prop_assert!(ids.iter().all(|id| (*id as usize) < vocabulary.len()));
        prop_assert_eq!(vocabulary.encode_lossy(&text), ids.clone());
        prop_assert_eq!(vocabulary.decode(&ids), text);
    }

    #[test]
    fn any_bytes_decode_as_the_standard_library_reads_them(bytes: Vec<u8>) {
        let every_byte: Vec<u8> = (0..=u8::MAX).collect();
        let corpus = Corpus::from_text("bytes", every_byte, Unit::Byte).unwrap();
        let vocabulary = Vocabulary::from_corpus(&corpus, &VocabularyConfig::default()).unwrap();
        let ids = vocabulary.encode(&bytes).unwrap();
        prop_assert_eq!(vocabulary.decode(&ids), String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_bytes_encode_or_are_refused(bytes: Vec<u8>, unit in any_unit()) {
        let vocabulary = Vocabulary::from_text("to be, é", unit).unwrap();
        let refused = vocabulary.encode(&bytes).err().map(|error| error.offset);
        prop_assert!(refused.is_none_or(|offset| offset < bytes.len()));
        prop_assert!(vocabulary.encode_lossy(&bytes).len() <= bytes.len());
    }

    #[test]
    fn a_vocabulary_survives_its_file(text: String, unit in any_unit(), unknown: bool) {
        let config = VocabularyConfig { unknown, ..Default::default() };
        let vocabulary = vocabulary(&format!("{text}\nab"), unit, config).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vocab.json");
        vocabulary.save(&path).unwrap();
        let loaded = Vocabulary::load(&path).unwrap();
        prop_assert_eq!(&loaded, &vocabulary);
        prop_assert_eq!(loaded.unknown_id(), vocabulary.unknown_id());
        prop_assert_eq!(loaded.encode_lossy(&text), vocabulary.encode_lossy(&text));
        prop_assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn every_symbol_reads_back_from_print(text: String, unit in any_unit()) {
        let vocabulary = Vocabulary::from_text(&format!("{text}\nab"), unit).unwrap();
        for id in 0..vocabulary.len() as u32 {
            prop_assert_eq!(vocabulary.id(&vocabulary.symbol(id).unwrap()), Some(id));
        }
    }

    #[test]
    fn a_file_cut_short_is_refused(cut in 0.0..1.0f64) {
        let json = Vocabulary::from_text("hello", Unit::Char).unwrap().to_json();
        let cut = (cut * json.len() as f64) as usize;
        prop_assert!(Vocabulary::from_json("cut", &json[..cut]).is_err());
    }
}

/// Vocabularies as other programs write them.
#[rstest]
#[case::list(r#"["b", "a"]"#, "b")]
#[case::object(r#"{"a": 1, "b": 0}"#, "b")]
#[case::own(&Vocabulary::from_text("ba", Unit::Char).unwrap().to_json(), "b")]
#[case::unknown(r#"["<unk>", "b"]"#, "<UNK>")]
#[case::string(r#""ba""#, "b")]
#[case::by_number(r#"{"0": "b", "1": "a"}"#, "b")]
#[case::digits(r#"{"1": 0, "0": 1}"#, "1")]
#[case::torch_rnn(r#"{"idx_to_token": {"1": "b", "2": "a"}, "token_to_idx": {"b": 1, "a": 2}}"#, "b")]
#[case::within(r#"{"itos": ["b", "a"], "size": 2}"#, "b")]
#[case::byte_order_mark("\u{FEFF}[\"b\", \"a\"]", "b")]
#[case::tokenizer(r#"{"model": {"type": "WordLevel", "vocab": {"a": 1, "b": 0}}}"#, "b")]
#[case::lines("b\na\n", "b")]
fn a_vocabulary_of_another_program_is_read(#[case] content: &str, #[case] first: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(if content.starts_with("b\n") { "vocab.txt" } else { "vocab.json" });
    fs::write(&path, content).unwrap();
    let vocabulary = Vocabulary::import(&path, Unit::Char).unwrap();
    assert_eq!((vocabulary.len(), vocabulary.symbol(0).unwrap().as_ref()), (2, first));
}

#[rstest]
#[case::too_few(&["a"], "1 symbol")]
#[case::twice(&["a", "a"], "twice")]
#[case::two_unknown(&["<unk>", "<UNK>"], "twice")]
#[case::no_char(&["a", "bc"], "symbol 1, \"bc\"")]
#[case::empty(&["", "b"], "symbol 0")]
fn a_list_that_is_no_vocabulary_is_refused(#[case] symbols: &[&str], #[case] reason: &str) {
    let error = Vocabulary::from_list("the list", Unit::Char, symbols).unwrap_err().to_string();
    assert!(error.contains("the list") && error.contains(reason), "{error}");
}

#[test]
fn a_word_is_found_with_or_without_its_space() {
    let words = Vocabulary::from_text("to be, or", Unit::Word).unwrap();
    let found = |word| words.word(word).map(|id| words.symbol(id).unwrap().into_owned());
    assert_eq!(found("to").as_deref(), Some("to"));
    assert_eq!(found("be").as_deref(), Some(" be"));
    assert_eq!(found(",").as_deref(), Some(","));
    assert_eq!(found("not"), None);
    assert_eq!(Vocabulary::from_text("to be", Unit::Char).unwrap().word("t"), None);
}

#[test]
fn a_language_model_of_texts_has_the_words_of_a_classifier() {
    let text = |text: &str, label: &str| LabelledText { text: text.into(), label: label.into(), place: String::new() };
    let texts = ["It's co-written<br />...and I don't care!", "Ça va, Ça VA?\nNew line", "", "ΣΟΦΟΣ"];
    let texts = texts.iter().zip(["a", "b", "a", "b"]).map(|(&words, label)| text(words, label)).collect();
    let texts = LabelledTexts::new("texts", texts).unwrap();
    let classifier = TextVocabulary::build(&texts, &WordConfig::default()).unwrap();
    let corpus = Corpus::from_text("texts", texts.lines(), Unit::Term).unwrap();
    let words = Vocabulary::from_corpus(&corpus, &VocabularyConfig::default()).unwrap();
    assert!(classifier.words().all(|(_, word)| words.word(word).is_some()));
    // The words, and the line end after each text.
    assert_eq!(words.len(), classifier.words().count() + 1);
    assert_eq!(corpus.text(0..3), " it 's co-written");
    assert_eq!(Unit::Term.form("It's\nGOOD"), " it 's\n good");
    assert!(words.encode(&*Unit::Term.form("don't CARE\n")).is_ok());
}
