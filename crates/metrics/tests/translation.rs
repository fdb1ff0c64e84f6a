//! BLEU and chrF are those of sacrebleu 2.6: `fixtures/make_translation.py` made the numbers.

use rekindle_metrics::translation::{Bleu, BleuStatistics, ChrfStatistics};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    hypotheses: Vec<String>,
    references: Vec<Vec<String>>,
    bleu: Vec<Score>,
    chrf: f64,
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
fn a_sentence_without_references_matches_nothing() {
    let statistics = Bleu::default().statistics("a b c d", &[]);
    assert_eq!((statistics.matches, statistics.reference_length), ([0; 4], 0));
    assert_eq!(ChrfStatistics::of("a b", &[]).score(), 0.0);
    assert_eq!(BleuStatistics::default().score(), 0.0);
}
