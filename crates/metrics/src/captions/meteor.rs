//! METEOR, with the exact and stem stages, and with those of synonyms and paraphrases if their tables are given.

mod alignment;
mod normal;
mod tables;

use std::ops::AddAssign;

use alignment::{Alignment, align};
use normal::normalized;

pub use tables::{TableError, Tables};

/// Parameters tuned by METEOR's authors to human rankings of English translations.
const ALPHA: f64 = 0.85;
const BETA: f64 = 0.2;
const GAMMA: f64 = 0.6;
/// The weight of content words; that of function words is the complement.
const DELTA: f64 = 0.75;

/// METEOR of a corpus and of each of its captions, from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Meteor {
    /// The score from the summed counts of all captions.
    pub corpus: f64,
    /// The score of each caption, with its best reference.
    pub each: Vec<f64>,
}

/// METEOR 1.5 of Denkowski and Lavie 2014 ("Meteor universal: language specific translation evaluation for any target
/// language") with its parameters for English, and with two of its four stages: words that are **equal** and words
/// with equal **stems** (Porter's English stemmer, at 0.6). Synonyms (at 0.8) and paraphrases (at 0.6) need tables of
/// words that are not included: see [`Tables`] and [`MeteorStatistics::of`]. With them 3,000 captions of Flickr8k, each
/// against the other four of its image, have 0.259 instead of 0.244. With the same stages, the authors' program gives
/// the same scores.
///
/// Candidate and reference are aligned word by word, with as few chunks (runs of adjacent matches) as possible. With
/// the weighted share `P` of the candidate's words and `R` of the reference's that have a match:
///
/// ```text
/// F = P R / (α P + (1 - α) R)        penalty = γ (chunks / matches)^β        METEOR = (1 - penalty) F
/// ```
///
/// # Panics
///
/// When the numbers of candidates and of lists of references differ.
pub fn meteor(candidates: &[Vec<String>], references: &[Vec<Vec<String>>]) -> Meteor {
    assert_eq!(candidates.len(), references.len(), "references are wanted for each candidate");
    let mut all = MeteorStatistics::default();
    let mut each = Vec::with_capacity(candidates.len());
    for (candidate, references) in candidates.iter().zip(references) {
        let statistics = MeteorStatistics::of(candidate, references, &Tables::default());
        each.push(statistics.score());
        all += statistics;
    }
    Meteor { corpus: all.score(), each }
}

/// The statistics of METEOR; those of a corpus are the sums of those of its captions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeteorStatistics {
    candidate: Side,
    reference: Side,
    chunks: f64,
}

/// The words of one sentence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Side {
    length: f64,
    /// Sum of the words' weights.
    weight: f64,
    matches: f64,
    /// Sum of the matched words' weights times those of their stages.
    matched_weight: f64,
}

impl MeteorStatistics {
    /// The statistics of one caption, given as lower-case words, with its best reference. `tables` are for the stages
    /// beyond the first two.
    pub fn of(candidate: &[String], references: &[Vec<String>], tables: &Tables) -> Self {
        let candidate = normalized(candidate);
        let of = |reference: &Vec<String>| Self::aligned(&align(&candidate, &normalized(reference), tables));
        // The first of the best, as in the authors' program.
        let best = |best: Self, other: Self| if other.score() > best.score() { other } else { best };
        references.iter().map(of).reduce(best).unwrap_or_default()
    }

    /// The words of a text that are compared, of those that [`words`](super::words) gives: a table of paraphrases is
    /// needed for these.
    pub fn words(words: &[String]) -> Vec<String> {
        normalized(words)
    }

    fn aligned(alignment: &Alignment<'_>) -> Self {
        let mut statistics = Self::default();
        for word in alignment.candidate {
            statistics.candidate.count(word);
        }
        for word in alignment.reference {
            statistics.reference.count(word);
        }
        for found in alignment.matches() {
            let stage = found.stage.weight();
            let (ours, theirs) = (found.candidate.of(alignment.candidate), found.reference.of(alignment.reference));
            ours.iter().for_each(|word| statistics.candidate.count_match(word, stage));
            theirs.iter().for_each(|word| statistics.reference.count_match(word, stage));
        }
        // A sentence equal to its reference has no penalty for its single chunk.
        let whole = statistics.candidate.is_whole() && statistics.reference.is_whole();
        statistics.chunks = if whole && alignment.chunks() == 1 { 0.0 } else { alignment.chunks() as f64 };
        statistics
    }

    /// METEOR, from 0 to 1.
    pub fn score(&self) -> f64 {
        let precision = self.candidate.matched_weight / self.candidate.weight;
        let recall = self.reference.matched_weight / self.reference.weight;
        let mean = precision * recall / (ALPHA * precision + (1.0 - ALPHA) * recall);
        let matches = (self.candidate.matches + self.reference.matches) / 2.0;
        let penalty = GAMMA * (self.chunks / matches).powf(BETA);
        let score = (1.0 - penalty) * mean;
        // Nothing in common, or empty.
        if score.is_finite() { score } else { 0.0 }
    }
}

impl Side {
    fn count(&mut self, word: &str) {
        self.length += 1.0;
        self.weight += weight(word);
    }

    fn is_whole(&self) -> bool {
        self.matches == self.length
    }

    fn count_match(&mut self, word: &str, stage: f64) {
        self.matches += 1.0;
        self.matched_weight += stage * weight(word);
    }
}

impl AddAssign for MeteorStatistics {
    fn add_assign(&mut self, other: Self) {
        self.candidate += other.candidate;
        self.reference += other.reference;
        self.chunks += other.chunks;
    }
}

impl AddAssign for Side {
    fn add_assign(&mut self, other: Self) {
        self.length += other.length;
        self.weight += other.weight;
        self.matches += other.matches;
        self.matched_weight += other.matched_weight;
    }
}

fn weight(word: &str) -> f64 {
    if FUNCTION_WORDS.binary_search(&word).is_ok() { 1.0 - DELTA } else { DELTA }
}

/// The words that each make up more than a thousandth of English text, as defined in the paper's section 2.3.
#[rustfmt::skip]
const FUNCTION_WORDS: &[&str] = &[
    "\"", "$", "'", "'s", "'t", "(", ")", ",", "-", "--", "-lrb-", "-rrb-", ".", ":", "?", "a", "about",
    "after", "all", "also", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "first",
    "for", "from", "had", "has", "have", "he", "her", "his", "i", "if", "in", "into", "is", "it", "its", "last",
    "more", "new", "no", "not", "of", "on", "one", "or", "other", "out", "over", "people", "s", "said", "she",
    "so", "some", "than", "that", "the", "their", "there", "they", "this", "time", "to", "two", "up", "was",
    "we", "were", "what", "when", "which", "who", "will", "with", "would", "year", "years", "you", "—", "’",
    "“", "”",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_list_of_function_words_can_be_searched() {
        assert!(FUNCTION_WORDS.is_sorted());
        assert_eq!((weight("the"), weight("dog")), (0.25, 0.75));
    }

    #[test]
    fn a_reference_itself_has_one_and_nothing_in_common_has_zero() {
        let references = vec![vec![split("a cat"), split("two dogs run")]; 3];
        let scores = meteor(&[split("two dogs run"), split("here he sat"), vec![]], &references);
        assert_eq!(scores.each, [1.0, 0.0, 0.0]);
        assert!((0.0..1.0).contains(&scores.corpus));
        assert_eq!(meteor(&[], &[]).corpus, 0.0);
    }

    #[test]
    fn the_order_of_words_counts() {
        let references = vec![vec![split("two dogs run on the beach")]; 2];
        let each = meteor(&[split("two dogs run on the sand"), split("dogs two on run sand the")], &references).each;
        assert!(each[0] > each[1] && each[1] > 0.0, "{each:?}");
    }
}
