use proptest::prelude::*;
use rstest::rstest;

use super::write_files;
use crate::{Corpus, ErrorKind, Streams, TextSource, Unit, UnknownSymbol, Vocabulary, VocabularyConfig};

fn open(source: &TextSource, unit: Unit) -> (Corpus, Vocabulary) {
    let corpus = Corpus::open(source, unit).unwrap();
    let config = VocabularyConfig { unknown: true, ..Default::default() };
    let vocabulary = Vocabulary::from_corpus(&corpus, &config).unwrap();
    (corpus, vocabulary)
}

fn hello() -> (Corpus, Vocabulary) {
    let corpus = Corpus::from_text("hello", "hello", Unit::Char).unwrap();
    let vocabulary = Vocabulary::from_text("hello", Unit::Char).unwrap();
    (corpus, vocabulary)
}

#[test]
fn hello_is_read_by_two_streams() {
    let (corpus, vocabulary) = hello();
    let mut streams = Streams::new(&corpus, &vocabulary, 0..5, 2, 1).unwrap();
    assert_eq!((streams.steps(), streams.tokens()), (2, 4));
    let first = streams.batch(0);
    assert_eq!((first.inputs, first.targets), (vec![0, 2], vec![1, 2]));
    let second = streams.batch(1);
    assert_eq!((second.inputs, second.targets), (vec![1, 2], vec![2, 3]));
}

#[rstest]
#[case(0, 1, "batch size")]
#[case(1, 0, "sequence length")]
fn a_size_of_zero_is_refused(#[case] batch: usize, #[case] length: usize, #[case] what: &str) {
    let (corpus, vocabulary) = hello();
    let error = Streams::new(&corpus, &vocabulary, 0..5, batch, length).unwrap_err();
    assert!(error.to_string().contains(what), "{error}");
}

#[rstest]
#[case(0..5, 5, 1, 6)]
#[case(0..5, 1, 5, 6)]
#[case(2..4, 1, 2, 3)]
#[case(0..0, 1, 1, 2)]
#[case(0..5, usize::MAX, usize::MAX, usize::MAX)]
fn a_text_shorter_than_one_batch_is_refused_with_the_length_it_needs(
    #[case] range: std::ops::Range<usize>,
    #[case] batch: usize,
    #[case] length: usize,
    #[case] wanted: usize,
) {
    let (corpus, vocabulary) = hello();
    let error = Streams::new(&corpus, &vocabulary, range, batch, length).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLittle);
    assert!(error.to_string().contains(&wanted.to_string()), "{error}");
}

#[test]
fn a_range_outside_the_text_is_refused() {
    let (corpus, vocabulary) = hello();
    let backwards = std::ops::Range { start: 3, end: 1 };
    for range in [0..6, backwards] {
        let result = Streams::new(&corpus, &vocabulary, range, 1, 1);
        assert!(result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Setting), "{result:?}");
    }
}

#[test]
fn a_vocabulary_that_does_not_fit_is_refused_with_the_place() {
    let (corpus, _) = hello();
    let other = Vocabulary::from_text("help", Unit::Char).unwrap();
    let error = Streams::new(&corpus, &other, 0..5, 1, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownToken);
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<UnknownSymbol>()).unwrap();
    assert_eq!((source.symbol.as_str(), source.offset), ("o", 4));

    let bytes = Vocabulary::from_text("hello", Unit::Byte).unwrap();
    let result = Streams::new(&corpus, &bytes, 0..5, 1, 1);
    assert!(result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Mismatch), "{result:?}");
}

#[test]
fn a_symbol_left_out_of_the_vocabulary_is_read_as_the_unknown_one() {
    let corpus = Corpus::from_text("text", "abacab", Unit::Char).unwrap();
    let config = VocabularyConfig { min_count: 2, ..Default::default() };
    let vocabulary = Vocabulary::from_corpus(&corpus, &config).unwrap();
    let batch = Streams::new(&corpus, &vocabulary, 0..6, 1, 5).unwrap().batch(0);
    assert_eq!((batch.inputs, batch.targets), (vec![1, 2, 1, 0, 1], vec![2, 1, 0, 1, 2]));
}

#[test]
#[should_panic(expected = "step 4 of 4 steps")]
fn a_step_past_the_last_is_a_mistake_of_the_caller() {
    let (corpus, vocabulary) = hello();
    Streams::new(&corpus, &vocabulary, 0..5, 1, 1).unwrap().batch(4);
}

proptest! {
    #[test]
    fn streams_cover_each_token_once_and_in_order(
        contents in prop::collection::vec("[a-d é中\n]{1,60}", 1..6),
        unit in prop::sample::select(Unit::ALL.to_vec()),
        (batch_size, length) in (1usize..5, 1usize..7),
        (from, to) in (0.0..0.5f64, 0.5..1.0f64),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let source = write_files(folder.path(), &[contents, vec!["ab\n".repeat(20)]].concat());
        let (corpus, vocabulary) = open(&source, unit);
        let place = |fraction: f64| (fraction * corpus.tokens() as f64) as usize;
        let range = place(from)..place(to);
        let expected = corpus.ids(&vocabulary, range.clone()).unwrap();

        let Ok(mut streams) = Streams::new(&corpus, &vocabulary, range, batch_size, length) else {
            prop_assert!(expected.len() <= batch_size * length);
            return Ok(());
        };
        // One token is the last target; what else is left over does not fill a batch.
        prop_assert!(expected.len() - 1 - streams.tokens() < batch_size * length);

        let batches: Vec<_> = (0..streams.steps()).map(|step| streams.batch(step)).collect();
        let row = |ids: &[u32], b: usize| ids[b * length..(b + 1) * length].to_vec();
        let inputs: Vec<u32> = (0..batch_size)
            .flat_map(|b| batches.iter().flat_map(move |batch| row(&batch.inputs, b)))
            .collect();
        let targets: Vec<u32> = (0..batch_size)
            .flat_map(|b| batches.iter().flat_map(move |batch| row(&batch.targets, b)))
            .collect();
        prop_assert_eq!(&inputs[..], &expected[..streams.tokens()]);
        prop_assert_eq!(&targets[..], &expected[1..=streams.tokens()]);

        // Backwards, every step is a search.
        for step in (0..streams.steps()).rev() {
            prop_assert_eq!(&streams.batch(step), &batches[step]);
        }
    }
}

/// A text of several index entries, with ASCII stretches and others, over three files.
#[rstest]
fn random_access_equals_sequential_far_into_a_text(#[values(Unit::Char, Unit::Byte, Unit::Word)] unit: Unit) {
    let folder = tempfile::tempdir().unwrap();
    let contents = ["To be, or not to be. ".repeat(3000), "déjà vu ".repeat(9000), "x y".repeat(9999)];
    let (corpus, vocabulary) = open(&write_files(folder.path(), &contents), unit);
    let mut sequential = Streams::new(&corpus, &vocabulary, 5..corpus.tokens(), 7, 50).unwrap();
    let batches: Vec<_> = (0..sequential.steps()).map(|step| sequential.batch(step)).collect();
    for step in (0..batches.len()).step_by(17).rev() {
        let mut fresh = Streams::new(&corpus, &vocabulary, 5..corpus.tokens(), 7, 50).unwrap();
        assert_eq!(fresh.batch(step), batches[step], "step {step}");
    }
    let ids = corpus.ids(&vocabulary, 5..corpus.tokens()).unwrap();
    let first_row: Vec<u32> = batches.iter().flat_map(|batch| batch.inputs[..50].to_vec()).collect();
    assert_eq!(first_row, ids[..first_row.len()]);
}
