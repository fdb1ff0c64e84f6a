//! Batches of like lengths, and parts that are held out.

use proptest::prelude::*;
use rstest::rstest;

use super::{read, texts};
use crate::ErrorKind;
use crate::labelled::{Buckets, LabelledTexts, TextReader, TextVocabulary, WordConfig};

#[test]
fn an_epoch_is_a_function_of_seed_and_number() {
    let lengths: Vec<usize> = (0..500).map(|text| 1 + text * 7 % 40).collect();
    let buckets = |seed| Buckets::pooled(lengths.clone(), 8, seed);
    assert_eq!(buckets(1).epoch(3), buckets(1).epoch(3));
    assert_ne!(buckets(1).epoch(3), buckets(1).epoch(4));
    assert_ne!(buckets(1).epoch(3), buckets(2).epoch(3));
}

#[test]
fn little_of_a_batch_is_padding() {
    let lengths: Vec<usize> = (0..2000).map(|text| 1 + text * 97 % 200).collect();
    let buckets = Buckets::pooled(lengths.clone(), 20, 1);
    let epoch = buckets.epoch(0);
    let padded: usize =
        epoch.iter().map(|batch| batch.len() * batch.iter().map(|&text| lengths[text]).max().unwrap()).sum();
    // At random, batches of twenty would be padded to almost twice their words.
    assert!((padded as f64) < 1.1 * lengths.iter().sum::<usize>() as f64);
}

#[test]
fn a_share_is_held_out_by_its_seed() {
    let names: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a")).collect();
    let all = texts(&pairs);
    let (train, held_out) = all.clone().hold_out(0.1, 1).unwrap();
    assert_eq!((train.texts.len(), held_out.texts.len()), (45, 5));
    assert_eq!(all.clone().hold_out(0.1, 1).unwrap().1, held_out);
    assert_ne!(all.clone().hold_out(0.1, 2).unwrap().1, held_out);
    assert_ne!(train.fingerprint(), held_out.fingerprint());
    for share in [0.0, 0.001, 1.0, -1.0, f64::NAN] {
        let error = all.clone().hold_out(share, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setting, "{share}");
        assert!(error.to_string().contains("of 50 texts"), "{error}");
    }
}

#[test]
fn no_class_is_left_out_of_training() {
    let names: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    let label = |number: usize| if number == 7 { "rare" } else { "common" };
    let pairs: Vec<(&str, &str)> = names.iter().enumerate().map(|(number, name)| (&**name, label(number))).collect();
    for seed in 0..20 {
        let (train, held_out) = texts(&pairs).hold_out(0.5, seed).unwrap();
        assert_eq!(train.classes().len(), 2, "seed {seed}");
        assert_eq!(train.texts.len() + held_out.texts.len(), 40);
        // Nor where a single text is held out: then another takes its place.
        let (train, held_out) = texts(&pairs).hold_out(0.025, seed).unwrap();
        assert_eq!((train.classes().len(), held_out.classes()), (2, vec!["common".to_owned()]), "seed {seed}");
    }
}

#[test]
fn classes_that_look_like_languages_or_splits_are_doubted() {
    let doubt = |classes: [&str; 2]| texts(&classes.map(|class| ("a text", class))).doubtful_classes();
    assert!(doubt(["de", "en"]).is_some_and(|doubt| doubt.contains("de, en look like languages")));
    assert!(doubt(["train", "dev"]).is_some_and(|doubt| doubt.contains("splits")));
    assert_eq!([doubt(["de", "spam"]), doubt(["0", "1"])], [None, None]);
}

#[test]
fn texts_of_which_each_has_its_own_label_are_doubted() {
    let labels: Vec<String> = (0..20).map(|number| format!("a text {number}")).collect();
    let swapped = texts(&labels.iter().map(|label| ("pos", label.as_str())).collect::<Vec<_>>());
    assert!(swapped.doubtful_classes().is_some_and(|doubt| doubt.contains("swapped")));
    let few = LabelledTexts { texts: swapped.texts[..19].to_vec(), ..swapped.clone() };
    assert_eq!(few.doubtful_classes(), None);
    let vocabulary = TextVocabulary::build(&texts(&[("a", "0"), ("b", "1")]), &WordConfig::default()).unwrap();
    let message = |texts| vocabulary.encode_all(texts, 9).unwrap_err().to_string();
    let (said, of_few) = (message(&swapped), message(&few));
    assert!(said.contains("swapped") && said.contains("--text-column"), "{said}");
    assert!(of_few.contains("the label `a text 0`"), "{of_few}");
}

#[rstest]
#[case::header(
    "a.csv",
    "tweet,target\nfine,pos\nbad,neg\ngood,pos\n",
    Some("--text-column tweet --label-column target")
)]
#[case::long_text("a.tsv", &format!("{}\tpos\nbad\tneg\n", "so good ".repeat(9)), Some("--text-column COLUMN"))]
#[case::one_label("a.csv", "fine,pos\ngood,pos\n", None)]
#[case::one_line("a.csv", "fine,pos\n", None)]
#[case::several_labels("a.csv", "fine,pos\nbad,neg\ngood,pos\n", None)]
#[case::known_header("a.csv", "text,label\nfine,pos\nbad,neg\n", None)]
#[case::json("a.jsonl", "{\"text\": \"fine\", \"label\": 1}\n{\"text\": \"bad\", \"label\": 0}\n", None)]
fn a_first_line_that_may_be_a_header_is_doubted(
    #[case] name: &str,
    #[case] content: &str,
    #[case] wanted: Option<&str>,
) {
    let found = read(name, content, &TextReader::default()).unwrap();
    let doubts = LabelledTexts::doubtful_headers(std::slice::from_ref(&found));
    assert_eq!(doubts.len(), usize::from(wanted.is_some()), "{doubts:?}");
    let named = |doubt: &String| doubt.contains(&format!("{name}, line 1: ")) && doubt.contains(wanted.unwrap());
    assert!(doubts.iter().all(named), "{doubts:?}");
    // The other line with the label may be held out.
    if found.texts.len() > 2 {
        let (train, held_out) = found.hold_out(0.4, 1).unwrap();
        assert_eq!(LabelledTexts::doubtful_headers(&[train, held_out]), doubts);
    }
}

proptest! {
    #[test]
    fn every_text_is_in_one_batch(lengths in prop::collection::vec(1usize..30, 0..300), batch_size in 1usize..9) {
        let buckets = Buckets::pooled(lengths.clone(), batch_size, 3);
        let epoch = buckets.epoch(2);
        prop_assert_eq!(epoch.len(), buckets.len());
        let mut seen: Vec<usize> = epoch.concat();
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
    }
}
