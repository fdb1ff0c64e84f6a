//! Words, their numbers and their vectors.

use proptest::prelude::*;
use rstest::rstest;

use super::{texts, write};
use crate::labelled::{TextVocabulary, WordConfig, WordVectors, words};

fn cut(text: &str) -> Vec<String> {
    words(text).into_iter().map(|word| word.text).collect()
}

#[rstest]
#[case("", &[])]
#[case(" \t\n", &[])]
#[case("Don't!!", &["do", "n't", "!!"])]
#[case("do n't", &["do", "n't"])]
#[case("can't", &["ca", "n't"])]
#[case("he’ll say it's 7.5, we've", &["he", "'ll", "say", "it", "'s", "7.5", ",", "we", "'ve"])]
#[case("'tis 'quoted'", &["'", "tis", "'", "quoted", "'"])]
#[case("a<br />b<br/>c<b>", &["a", "b", "c", "<", "b", ">"])]
#[case("end. co-writer - no", &["end", ".", "co-writer", "-", "no"])]
#[case("CLICHÉ 映画 😀", &["cliché", "映画", "😀"])]
fn texts_are_cut_by_the_rule(#[case] text: &str, #[case] wanted: &[&str]) {
    assert_eq!(cut(text), wanted);
}

fn small() -> TextVocabulary {
    let texts = texts(&[("good good film", "pos"), ("bad film", "neg"), ("rare", "neg")]);
    TextVocabulary::build(&texts, &WordConfig { min_count: 1, max_size: Some(3) }).unwrap()
}

#[test]
fn the_most_frequent_words_are_kept_and_ties_go_by_the_alphabet() {
    let vocabulary = small();
    let words: Vec<_> = vocabulary.words().collect();
    assert_eq!(words, [(1, "film"), (2, "good"), (3, "bad")]);
    assert_eq!(vocabulary.classes(), ["neg", "pos"]);
    assert_eq!(vocabulary.encode("a bad film", 10).0, [0, 3, 1]);
    let counted = texts(&[("good good film", "pos"), ("bad film", "neg")]);
    let vocabulary = TextVocabulary::build(&counted, &WordConfig { min_count: 2, max_size: None }).unwrap();
    assert_eq!(vocabulary.len(), 3);
}

#[test]
fn a_long_text_keeps_its_ends_and_an_empty_one_is_an_unknown_word() {
    let vocabulary = small();
    assert_eq!(vocabulary.encode("film good film good bad", 3), (vec![1, 2, 3], vec![0, 1, 4]));
    assert_eq!(vocabulary.encode(" <br /> ", 3), (vec![0], vec![]));
}

#[test]
fn classes_that_are_numbers_are_in_their_order() {
    let texts = texts(&[("a", "10"), ("b", "9"), ("c", "none")]);
    assert_eq!(texts.classes(), ["9", "10", "none"]);
}

#[test]
fn one_class_and_no_word_are_refused() {
    let build = |pairs: &[(&str, &str)], min_count| {
        TextVocabulary::build(&texts(pairs), &WordConfig { min_count, max_size: None }).unwrap_err().to_string()
    };
    assert!(build(&[("a", "pos"), ("b", "pos")], 1).contains("every text is labelled `pos`"));
    assert!(build(&[("a", "pos"), ("b", "neg")], 2).contains("of 2 distinct words none appears 2 times"));
}

#[test]
fn a_label_that_the_model_does_not_know_is_named_with_those_that_it_does() {
    let error = small().encode_all(&texts(&[("good", "neutral")]), 10).unwrap_err().to_string();
    assert!(["`neutral`", "line 1", "neg, pos"].iter().all(|wanted| error.contains(wanted)), "{error}");
}

#[test]
fn a_vocabulary_comes_back_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vocab.json");
    small().save(&path).unwrap();
    assert_eq!(TextVocabulary::load(&path).unwrap(), small());
    assert!(!folder.path().join("vocab.json.part").exists());
}

#[rstest]
#[case("{", "line 1")]
#[case(r#"{"format": "x", "version": 1, "classes": ["a", "b"], "words": ["w"]}"#, "format is `x`")]
#[case(r#"{"format": "rekindle-words", "version": 9, "classes": ["a", "b"], "words": ["w"]}"#, "version 9")]
#[case(r#"{"format": "rekindle-words", "version": 1, "classes": ["a"], "words": ["w"]}"#, "1 class,")]
#[case(r#"{"format": "rekindle-words", "version": 1, "classes": ["a", "b"], "words": ["w", "w"]}"#, "twice")]
fn a_damaged_vocabulary_is_named(#[case] content: &str, #[case] wanted: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "vocab.json", content);
    let error = TextVocabulary::load(path).unwrap_err().to_string();
    assert!(error.contains("vocab.json") && error.contains(wanted), "{error}");
}

#[test]
fn vectors_of_known_words_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for header in ["", "3 2\n"] {
        let path = write(folder.path(), "v.txt", format!("{header}film 1 -0.5\n. . . 3 4\ngood 1e-1 2\ngood 7 7\n"));
        let read = WordVectors::read(&path, &small()).unwrap();
        assert_eq!(read, WordVectors { width: 2, vectors: vec![(1, vec![1.0, -0.5]), (2, vec![0.1, 2.0])] });
    }
}

#[rstest]
#[case("film 1 2\ngood 1\n", "line 2")]
#[case("film 1 two\n", "`two`")]
#[case("film 1 NaN\n", "`NaN`")]
#[case("film\n", "line 1")]
#[case("cinema 1 2\n", "no word")]
#[case("", "no word")]
fn broken_vectors_are_named(#[case] content: &str, #[case] wanted: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "v.txt", content);
    let error = WordVectors::read(&path, &small()).unwrap_err().to_string();
    assert!(error.contains("v.txt") && error.contains(wanted), "{error}");
}

proptest! {
    #[test]
    fn words_stand_in_the_text_in_order_and_miss_only_space(text in "\\PC{0,40}|[a-z'’n.t <br/>-]{0,40}") {
        let mut end = 0;
        for word in words(&text) {
            prop_assert!(word.range.start >= end && word.range.end > word.range.start);
            prop_assert_eq!(&word.text, &text[word.range.clone()].to_lowercase().replace('’', "'"));
            let between = text[end..word.range.start].to_lowercase();
            prop_assert!(between.split('>').all(|part| matches!(part.trim(), "" | "<br" | "<br/" | "<br /")
                || part.trim_start().starts_with("<br")), "{:?}", between);
            end = word.range.end;
        }
    }
}

#[test]
fn words_keep_their_marks_and_joiners() {
    let text = "हिन्दी में, می‌خواهم re\u{301}sume\u{301} ที่นี่!";
    let cut: Vec<String> = words(text).into_iter().map(|word| word.text).collect();
    assert_eq!(cut, ["हिन्दी", "में", ",", "می‌خواهم", "re\u{301}sume\u{301}", "ที่นี่", "!"]);
}
