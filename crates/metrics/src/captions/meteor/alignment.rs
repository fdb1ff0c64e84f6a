//! Aligning the words of a candidate with those of a reference.

use std::cmp::Reverse;

use rust_stemmers::{Algorithm, Stemmer};

/// Beam width of the search for alignments.
const BEAM: usize = 40;

/// A matched word of each sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    pub candidate: usize,
    pub reference: usize,
    /// Whether the words are equal; else only their stems are.
    pub exact: bool,
}

impl Match {
    fn distance(&self) -> usize {
        self.candidate.abs_diff(self.reference)
    }
}

/// An alignment of two sentences.
#[derive(Debug)]
pub struct Alignment<'a> {
    pub candidate: &'a [String],
    pub reference: &'a [String],
    /// For each word of the reference, its match.
    found: Vec<Option<Match>>,
}

impl Alignment<'_> {
    pub fn matches(&self) -> impl Iterator<Item = &Match> {
        self.found.iter().flatten()
    }

    /// Number of runs of matches that are adjacent in both sentences.
    pub fn chunks(&self) -> usize {
        let mut chunks = 0;
        let mut next = None;
        for found in &self.found {
            chunks += usize::from(found.is_some_and(|found| next != Some(found.candidate)));
            next = found.map(|found| found.candidate + 1);
        }
        chunks
    }
}

/// The best alignment: as many equal words as possible, then the fewest chunks, then the least distance between the
/// positions of matched words. Words with a single possible match always get it.
pub fn align<'a>(candidate: &'a [String], reference: &'a [String]) -> Alignment<'a> {
    let possible = possible_matches(candidate, reference);
    let mut rivals = vec![0; candidate.len()];
    for found in possible.iter().flatten() {
        rivals[found.candidate] += 1;
    }
    let mut start =
        Partial { found: vec![None; reference.len()], used: vec![false; candidate.len()], ..Partial::default() };
    for (place, matches) in possible.iter().enumerate() {
        if let [only] = matches[..]
            && rivals[only.candidate] == 1
        {
            start.found[place] = Some(only);
            start.used[only.candidate] = true;
        }
    }
    let fixed = start.found.clone();
    let mut beam = vec![start];
    for place in 0..reference.len() {
        let mut next = Vec::new();
        for mut partial in beam.into_iter().take(BEAM) {
            if let Some(only) = fixed[place] {
                partial.distance += only.distance();
                next.push(partial.with(only));
                continue;
            }
            for found in &possible[place] {
                if !partial.used[found.candidate] {
                    next.push(partial.clone().with(*found));
                    // The authors' program adds this match's distance to later alignments, not to the one that has it.
                    // That decides ties, so that equal scores require it.
                    partial.distance += found.distance();
                }
            }
            next.push(partial.without());
        }
        next.sort_by_key(Partial::cost);
        beam = next;
    }
    for partial in &mut beam {
        partial.chunks += usize::from(partial.end.is_some());
    }
    let best = beam.into_iter().min_by_key(Partial::cost).unwrap_or_default();
    Alignment { candidate, reference, found: best.found }
}

/// For each word of the reference, the words of the candidate that may match it, equal ones first.
fn possible_matches(candidate: &[String], reference: &[String]) -> Vec<Vec<Match>> {
    let stemmer = Stemmer::create(Algorithm::English);
    let stems =
        |words: &[String]| -> Vec<String> { words.iter().map(|word| stemmer.stem(word).into_owned()).collect() };
    let (candidate_stems, reference_stems) = (stems(candidate), stems(reference));
    let places = 0..candidate.len();
    let of = |reference_place: usize| {
        let word = &reference[reference_place];
        let pair = |place: usize, exact| Match { candidate: place, reference: reference_place, exact };
        let equal = places.clone().filter(|&place| candidate[place] == *word).map(|place| pair(place, true));
        let akin =
            |&place: &usize| candidate[place] != *word && candidate_stems[place] == reference_stems[reference_place];
        equal.chain(places.clone().filter(akin).map(|place| pair(place, false))).collect()
    };
    (0..reference.len()).map(of).collect()
}

/// An alignment of the first words of the reference.
#[derive(Clone, Debug, Default)]
struct Partial {
    found: Vec<Option<Match>>,
    /// The words of the candidate that are matched.
    used: Vec<bool>,
    exact: usize,
    /// Number of finished chunks.
    chunks: usize,
    /// Where the current chunk ends in the candidate.
    end: Option<usize>,
    distance: usize,
}

impl Partial {
    fn with(mut self, found: Match) -> Self {
        self.found[found.reference] = Some(found);
        self.used[found.candidate] = true;
        // A stem match counts 0 here: the authors' program rounds its 0.6 down.
        self.exact += usize::from(found.exact);
        self.chunks += usize::from(self.end.is_some_and(|end| end != found.candidate));
        self.end = Some(found.candidate + 1);
        self
    }

    fn without(mut self) -> Self {
        self.chunks += usize::from(self.end.take().is_some());
        self
    }

    fn cost(&self) -> (Reverse<usize>, usize, usize) {
        (Reverse(self.exact), self.chunks, self.distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned(candidate: &str, reference: &str) -> (Vec<(usize, usize, bool)>, usize) {
        let split = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        let (candidate, reference) = (split(candidate), split(reference));
        let alignment = align(&candidate, &reference);
        let matches = alignment.matches().map(|found| (found.candidate, found.reference, found.exact));
        (matches.collect(), alignment.chunks())
    }

    #[test]
    fn of_two_ways_the_one_with_fewer_chunks_is_taken() {
        // The second `the` goes with `dog`, though the first stands nearer.
        let (matches, chunks) = aligned("the cat saw the dog", "the dog");
        assert_eq!((matches, chunks), (vec![(3, 0, true), (4, 1, true)], 1));
    }

    #[test]
    fn stems_match_and_equal_words_come_first() {
        assert_eq!(aligned("dogs running", "a dog runs"), (vec![(0, 1, false), (1, 2, false)], 1));
        assert_eq!(aligned("dogs dog", "dog"), (vec![(1, 0, true)], 1));
    }

    #[test]
    fn a_gap_in_either_sentence_ends_a_chunk() {
        assert_eq!(aligned("a b x c", "a b c").1, 2);
        assert_eq!(aligned("a b c", "a b x c").1, 2);
        assert_eq!(aligned("", "a"), (vec![], 0));
    }
}
