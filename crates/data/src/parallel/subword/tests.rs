//! Pieces of known and of new words.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::parallel::Pairs;

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
fn a_mark_stays_with_its_letter() {
    assert_eq!(marked_words("हिन्दी में, ok").collect::<Vec<_>>(), ["▁हिन्दी", "▁में", ",", "▁ok"]);
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
    for broken in ["{}", "[]", r#"{"type":"BPE","vocab":{"a":0},"merges":["a b"]}"#, r#"{"type":"Unigram","vocab":[]}"#]
    {
        // Refused, or able to cut: never a panic.
        if let Ok(subword) = serde_json::from_str::<Subword>(broken) {
            subword.pieces("a b");
        }
    }
}

#[test]
fn a_text_on_which_the_unigram_trainer_panics_is_refused() {
    let sentences = ["  xA\u{5d8}\u{5bc}", "ab\u{2581}", "x"];
    if let Err(error) = Subword::train(SubwordKind::Unigram, sentences, 200) {
        assert!(error.to_string().contains("choose bpe"), "{error}");
    }
    assert!(Subword::train(SubwordKind::Bpe, sentences, 200).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pieces_give_any_text_back(text in "\\PC{0,40}", other in "[a-z .,▁]{1,40}") {
        for kind in KINDS {
            let sentences = [text.as_str(), other.as_str(), "x"];
            let subword = match Subword::train(kind, sentences, 200) {
                Ok(subword) => subword,
                // See `unigram`: some very short texts are refused.
                Err(error) => {
                    prop_assert!(kind == SubwordKind::Unigram && error.to_string().contains("choose bpe"), "{error}");
                    continue;
                }
            };
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
