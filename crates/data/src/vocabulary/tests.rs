//! Words counted by several threads are those counted one after the other.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::threads::on_threads;

/// Texts of a few words each, in several blocks, with many ties.
fn texts() -> Vec<String> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut text = |_| {
        let words: Vec<String> =
            (0..rng.random_range(0..6)).map(|_| format!("w{}", rng.random_range(0..300))).collect();
        words.join(" ")
    };
    (0..3 * BLOCK + 7).map(&mut text).collect()
}

#[test]
fn the_counts_are_those_of_one_pass() {
    let texts = texts();
    let mut wanted: AHashMap<Cow<str>, u64> = AHashMap::new();
    texts.iter().flat_map(|text| text.split_whitespace()).for_each(|word| *wanted.entry(word.into()).or_default() += 1);
    for threads in 1..5 {
        let found = on_threads(threads, || counts(&texts, |text| text.split_whitespace().map(Cow::Borrowed)));
        assert_eq!(found, wanted, "{threads} threads");
    }
}

#[test]
fn vocabulary_and_coverage_are_the_same_for_every_number_of_threads() {
    let texts: Vec<Vec<String>> =
        texts().iter().map(|text| text.split_whitespace().map(str::to_owned).collect()).collect();
    let on = |threads| {
        on_threads(threads, || {
            let vocabulary = WordVocabulary::new(&texts, 40, Some(100));
            let coverage = vocabulary.coverage(&texts);
            (vocabulary, coverage)
        })
    };
    let (vocabulary, coverage) = on(1);
    assert_eq!(vocabulary.len(), 104);
    assert!(coverage > 0.3 && coverage < 0.7, "{coverage}");
    for threads in 2..5 {
        assert_eq!(on(threads), (vocabulary.clone(), coverage), "{threads} threads");
    }
}
