//! BLEU, chrF, TER, their signatures and the test of two systems are those of sacrebleu 2.6:
//! `fixtures/make_translation.py` made the numbers.

use rekindle_metrics::corpus::{Corpus, Metric, Preparation, Scored};
use rekindle_metrics::significance::{Bootstrap, Comparison};
use rekindle_metrics::translation::{Bleu, BleuStatistics, ChrfStatistics, TerStatistics};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    hypotheses: Vec<String>,
    references: Vec<Vec<String>>,
    bleu: Vec<Score>,
    chrf: f64,
    chrf_lower: f64,
    chrf_signature: String,
    ter: f64,
    ter_signature: String,
    ter_edits: Vec<f64>,
}

#[derive(Deserialize)]
struct Score {
    tokenize: String,
    lowercase: bool,
    score: f64,
    bp: f64,
    counts: [u64; 4],
    totals: [u64; 4],
    sys_len: u64,
    ref_len: u64,
    signature: String,
    details: String,
}

#[derive(Deserialize)]
struct Significance {
    systems: [Vec<String>; 2],
    references: Vec<Vec<String>>,
    results: Vec<TestResult>,
}

#[derive(Deserialize)]
struct TestResult {
    metric: String,
    signature: String,
    scores: [f64; 2],
    means: [f64; 2],
    intervals: [f64; 2],
    p: f64,
}

/// The references of each hypothesis, from one list for each set of references.
fn by_sentence(sets: &[Vec<String>]) -> Vec<Vec<String>> {
    (0..sets[0].len()).map(|i| sets.iter().map(|set| set[i].clone()).collect()).collect()
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("fixtures/translation.json")).unwrap()
}

impl Case {
    /// Each hypothesis with its references.
    fn sentences(&self) -> Vec<(&str, Vec<&str>)> {
        let references = |i: usize| self.references.iter().map(|set| set[i].as_str()).collect();
        self.hypotheses.iter().enumerate().map(|(i, hypothesis)| (hypothesis.as_str(), references(i))).collect()
    }
}

#[test]
fn bleu_and_its_counts_are_sacrebleus() {
    for case in cases() {
        let sentences = case.sentences();
        for wanted in &case.bleu {
            let bleu = Bleu { tokenization: wanted.tokenize.parse().unwrap(), lowercase: wanted.lowercase };
            let mut sum = BleuStatistics::default();
            for (hypothesis, references) in &sentences {
                sum += bleu.statistics(hypothesis, references);
            }
            let context = format!("{}, {}, lower-case {}", case.name, wanted.tokenize, wanted.lowercase);
            assert_eq!((sum.matches, sum.totals), (wanted.counts, wanted.totals), "{context}");
            assert_eq!((sum.hypothesis_length, sum.reference_length), (wanted.sys_len, wanted.ref_len), "{context}");
            // The same few operations in double precision.
            assert!((sum.score() - wanted.score).abs() < 1e-9, "{context}: {} for {}", sum.score(), wanted.score);
            assert!((sum.brevity_penalty() - wanted.bp).abs() < 1e-12, "{context}");
            let references = by_sentence(&case.references);
            let corpus = Corpus { hypotheses: &case.hypotheses, references: &references };
            let preparation =
                Preparation { tokenization: Some(bleu.tokenization), lowercase: wanted.lowercase, tables: None };
            let figure = &corpus.score(Metric::Bleu, preparation, None)[0];
            assert_eq!((figure.score, &figure.signature), (sum.score(), &wanted.signature), "{context}");
            assert_eq!(figure.details.as_ref(), Some(&wanted.details), "{context}");
            let whole = bleu.corpus(sentences.iter().map(|(hypothesis, references)| (*hypothesis, &references[..])));
            assert_eq!(whole, sum.score(), "{context}");
        }
    }
}

#[test]
fn chrf_is_sacrebleus() {
    for case in cases() {
        let mut sum = ChrfStatistics::default();
        for (hypothesis, references) in case.sentences() {
            sum += ChrfStatistics::of(hypothesis, &references);
        }
        assert!((sum.score() - case.chrf).abs() < 1e-9, "{}: {} for {}", case.name, sum.score(), case.chrf);
    }
}

#[test]
fn ter_is_sacrebleus_sentence_by_sentence() {
    for case in cases() {
        let mut sum = TerStatistics::default();
        for ((hypothesis, references), wanted) in case.sentences().into_iter().zip(&case.ter_edits) {
            let statistics = TerStatistics::of(hypothesis, &references);
            assert_eq!(statistics.edits, *wanted, "{}: {hypothesis} for {references:?}", case.name);
            sum += statistics;
        }
        assert!((sum.score() - case.ter).abs() < 1e-9, "{}: {} for {}", case.name, sum.score(), case.ter);
    }
}

#[test]
fn chrf_and_ter_have_sacrebleus_signatures_and_take_lower_case() {
    for case in cases() {
        let references = by_sentence(&case.references);
        let corpus = Corpus { hypotheses: &case.hypotheses, references: &references };
        let of = |metric, lowercase| {
            let preparation = Preparation { lowercase, ..Preparation::default() };
            corpus.score(metric, preparation, None).remove(0)
        };
        assert_eq!(of(Metric::Chrf, false).signature, case.chrf_signature);
        assert_eq!(of(Metric::Ter, false).signature, case.ter_signature);
        let lower = of(Metric::Chrf, true).score;
        assert!((lower - case.chrf_lower).abs() < 1e-9, "{}: {lower} for {}", case.name, case.chrf_lower);
    }
}

#[test]
fn the_paired_test_draws_what_sacrebleu_draws() {
    let fixture: Significance = serde_json::from_str(include_str!("fixtures/significance.json")).unwrap();
    let references = by_sentence(&fixture.references);
    let test = Bootstrap::default();
    for wanted in fixture.results {
        let metric = [Metric::Bleu, Metric::Chrf, Metric::Ter];
        let of = |hypotheses: &Vec<String>| -> Scored {
            let corpus = Corpus { hypotheses, references: &references };
            let figures = metric
                .iter()
                .flat_map(|&metric| corpus.score(metric, Preparation::default(), Some((test.resamples, test.seed))));
            figures.into_iter().find(|figure| figure.name == wanted.metric).unwrap()
        };
        let [ours, theirs] = [of(&fixture.systems[0]), of(&fixture.systems[1])];
        assert_eq!(ours.signature, wanted.signature);
        for (figure, score) in [&ours, &theirs].into_iter().zip(wanted.scores) {
            assert!((figure.score - score).abs() < 1e-9, "{}: {} for {score}", wanted.metric, figure.score);
        }
        let Comparison { ours, theirs, p } = test.compare(&*ours.segments, &*theirs.segments);
        assert!((p - wanted.p).abs() < 1e-9, "{}: {p} for {}", wanted.metric, wanted.p);
        for (i, interval) in [ours, theirs].into_iter().enumerate() {
            // sacrebleu sums resamples in single precision.
            assert!((interval.mean - wanted.means[i]).abs() < 1e-4, "{}: {interval:?}", wanted.metric);
            assert!((interval.half_width - wanted.intervals[i]).abs() < 1e-4, "{}: {interval:?}", wanted.metric);
        }
    }
}

#[test]
fn a_sentence_without_references_matches_nothing() {
    let statistics = Bleu::default().statistics("a b c d", &[]);
    assert_eq!((statistics.matches, statistics.reference_length), ([0; 4], 0));
    assert_eq!(ChrfStatistics::of("a b", &[]).score(), 0.0);
    assert_eq!(BleuStatistics::default().score(), 0.0);
}
