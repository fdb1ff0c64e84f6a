//! Aligning the words of a candidate with those of a reference.

use std::cmp::Reverse;

use rust_stemmers::{Algorithm, Stemmer};

use super::tables::Tables;

/// Beam width of the search for alignments.
const BEAM: usize = 40;

/// Why words match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// They are equal.
    Exact,
    /// Their stems are.
    Stem,
    /// They share a meaning.
    Synonym,
    /// Phrases that are paraphrases of each other.
    Paraphrase,
}

impl Stage {
    /// What a matched word counts.
    pub fn weight(self) -> f64 {
        match self {
            Self::Exact => 1.0,
            Self::Stem | Self::Paraphrase => 0.6,
            Self::Synonym => 0.8,
        }
    }
}

/// Adjacent words of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub length: usize,
}

impl Span {
    fn word(start: usize) -> Self {
        Self { start, length: 1 }
    }

    pub fn end(self) -> usize {
        self.start + self.length
    }

    /// The part of `of` that it covers.
    pub fn of<T>(self, of: &[T]) -> &[T] {
        &of[self.start..self.end()]
    }

    fn of_mut<T>(self, of: &mut [T]) -> &mut [T] {
        &mut of[self.start..self.end()]
    }
}

/// Matched words of each sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    pub candidate: Span,
    pub reference: Span,
    pub stage: Stage,
}

impl Match {
    fn distance(&self) -> usize {
        self.candidate.start.abs_diff(self.reference.start)
    }
}

/// An alignment of two sentences.
#[derive(Debug)]
pub struct Alignment<'a> {
    pub candidate: &'a [String],
    pub reference: &'a [String],
    /// For each word of the reference, the match that starts there.
    found: Vec<Option<Match>>,
}

impl Alignment<'_> {
    pub fn matches(&self) -> impl Iterator<Item = &Match> {
        self.found.iter().flatten()
    }

    /// Number of runs of matches that are adjacent in both sentences.
    pub fn chunks(&self) -> usize {
        let mut chunks = 0;
        // Where the last match ends in both.
        let mut end = None;
        for found in self.matches() {
            chunks += usize::from(end != Some((found.reference.start, found.candidate.start)));
            end = Some((found.reference.end(), found.candidate.end()));
        }
        chunks
    }
}

/// The best alignment: as many equal words as possible, then the fewest chunks, then the least distance between the
/// positions of matched words. Words with a single possible match always get it.
pub fn align<'a>(candidate: &'a [String], reference: &'a [String], tables: &Tables) -> Alignment<'a> {
    let possible = possible_matches(candidate, reference, tables);
    let (mut rivals, mut reference_rivals) = (vec![0; candidate.len()], vec![0; reference.len()]);
    for found in possible.iter().flatten() {
        found.candidate.of_mut(&mut rivals).iter_mut().for_each(|count| *count += 1);
        found.reference.of_mut(&mut reference_rivals).iter_mut().for_each(|count| *count += 1);
    }
    let mut start = Partial {
        found: vec![None; reference.len()],
        used: vec![false; candidate.len()],
        covered: vec![false; reference.len()],
        ..Partial::default()
    };
    for (place, matches) in possible.iter().enumerate() {
        if let [only] = matches[..]
            && only.candidate.of(&rivals).iter().chain(only.reference.of(&reference_rivals)).all(|count| *count == 1)
        {
            start.found[place] = Some(only);
            start.occupy(&only);
        }
    }
    let mut beam = Beam(vec![start]);
    for (place, possible) in possible.iter().enumerate() {
        let mut next = Beam::default();
        for mut partial in beam.0 {
            if partial.covered[place] {
                match partial.found[place] {
                    // One of those that were fixed before.
                    Some(only) if place >= partial.counts.next => {
                        partial.counts.distance += only.distance();
                        partial.counts = partial.counts.with(&only);
                        next.push(partial);
                    }
                    // Within a longer match.
                    _ if place < partial.counts.next => next.push(partial),
                    _ => {}
                }
                continue;
            }
            for found in possible {
                if partial.is_free(found) {
                    let counts = partial.counts.with(found);
                    // A copy of an alignment of long sentences is expensive.
                    if next.place_of(&counts).is_some() {
                        let mut longer = partial.clone();
                        longer.occupy(found);
                        longer.found[place] = Some(*found);
                        next.push(Partial { counts, ..longer });
                    }
                    // The authors' program adds this match's distance to later alignments, not to the one that has it.
                    // That decides ties, so that equal scores require it.
                    partial.counts.distance += found.distance();
                }
            }
            partial.counts = partial.counts.without();
            next.push(partial);
        }
        beam = next;
    }
    for partial in &mut beam.0 {
        partial.counts.chunks += usize::from(partial.counts.end.is_some());
    }
    let best = beam.0.into_iter().min_by_key(|partial| partial.counts.cost()).unwrap_or_default();
    Alignment { candidate, reference, found: best.found }
}

/// For each word of the reference, the matches that may start there, in the order of the stages. Equal sentences have
/// the first stage only.
fn possible_matches(candidate: &[String], reference: &[String], tables: &Tables) -> Vec<Vec<Match>> {
    let word =
        |place: usize, of: usize, stage| Match { candidate: Span::word(of), reference: Span::word(place), stage };
    let mut possible: Vec<Vec<Match>> = vec![Vec::new(); reference.len()];
    let mut stage = |stage: Stage, akin: &dyn Fn(usize, usize) -> bool| {
        for (place, matches) in possible.iter_mut().enumerate() {
            let equal = |of: &usize| (candidate[*of] == reference[place]) == (stage == Stage::Exact);
            let akin = (0..candidate.len()).filter(equal).filter(|&of| akin(of, place));
            matches.extend(akin.map(|of| word(place, of, stage)));
        }
    };
    stage(Stage::Exact, &|_, _| true);
    if candidate == reference {
        return possible;
    }
    let stemmer = Stemmer::create(Algorithm::English);
    let stems =
        |words: &[String]| -> Vec<String> { words.iter().map(|word| stemmer.stem(word).into_owned()).collect() };
    let (candidate_stems, reference_stems) = (stems(candidate), stems(reference));
    stage(Stage::Stem, &|of, place| candidate_stems[of] == reference_stems[place]);
    if let Some(synonyms) = &tables.synonyms {
        let meanings = |words: &[String]| -> Vec<_> { words.iter().map(|word| synonyms.meanings(word)).collect() };
        let (ours, theirs) = (meanings(candidate), meanings(reference));
        stage(Stage::Synonym, &|of, place| !ours[of].is_disjoint(&theirs[place]));
    }
    if let Some(paraphrases) = &tables.paraphrases {
        let stage = Stage::Paraphrase;
        for (phrase, other) in paraphrases.between(reference, candidate) {
            possible[phrase.start].push(Match { candidate: other, reference: phrase, stage });
        }
        for (phrase, other) in paraphrases.between(candidate, reference) {
            possible[other.start].push(Match { candidate: phrase, reference: other, stage });
        }
    }
    possible
}

/// An alignment of the first words of the reference.
#[derive(Clone, Debug, Default)]
struct Partial {
    found: Vec<Option<Match>>,
    /// The words of the candidate that are matched.
    used: Vec<bool>,
    /// The words of the reference that are.
    covered: Vec<bool>,
    counts: Counts,
}

impl Partial {
    fn is_free(&self, found: &Match) -> bool {
        !found.candidate.of(&self.used).contains(&true) && !found.reference.of(&self.covered).contains(&true)
    }

    fn occupy(&mut self, found: &Match) {
        found.candidate.of_mut(&mut self.used).fill(true);
        found.reference.of_mut(&mut self.covered).fill(true);
    }
}

/// The best partial alignments, at most [`BEAM`], the best first; of equal ones, the first that came.
#[derive(Debug, Default)]
struct Beam(Vec<Partial>);

impl Beam {
    /// The place of an alignment with these counts; none if it is not among the best.
    fn place_of(&self, counts: &Counts) -> Option<usize> {
        let place = self.0.partition_point(|partial| partial.counts.cost() <= counts.cost());
        (place < BEAM).then_some(place)
    }

    fn push(&mut self, partial: Partial) {
        if let Some(place) = self.place_of(&partial.counts) {
            self.0.truncate(BEAM - 1);
            self.0.insert(place, partial);
        }
    }
}

/// What decides between partial alignments.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Matched words of both, each sum of a match rounded down.
    matched: usize,
    /// Number of finished chunks.
    chunks: usize,
    /// Where the current chunk ends in the candidate.
    end: Option<usize>,
    /// The word of the reference that comes next.
    next: usize,
    distance: usize,
}

impl Counts {
    fn with(mut self, found: &Match) -> Self {
        // The authors' program rounds down: a stem match counts 0 here, and a paraphrase of two words 1.
        let counted = |span: Span| (span.length as f64 * found.stage.weight()) as usize;
        self.matched += counted(found.candidate) + counted(found.reference);
        self.chunks += usize::from(self.end.is_some_and(|end| end != found.candidate.start));
        self.end = Some(found.candidate.end());
        self.next = found.reference.end();
        self
    }

    fn without(mut self) -> Self {
        self.chunks += usize::from(self.end.take().is_some());
        self.next += 1;
        self
    }

    fn cost(&self) -> (Reverse<usize>, usize, usize) {
        (Reverse(self.matched), self.chunks, self.distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beam_has_what_a_stable_sort_of_all_has_first() {
        let counts =
            (0..300).map(|i| Counts { chunks: (i * 7) % 4, distance: (i * 11) % 5, next: i, ..Counts::default() });
        let mut all: Vec<Counts> = counts.collect();
        let mut beam = Beam::default();
        for &counts in &all {
            beam.push(Partial { counts, ..Partial::default() });
        }
        all.sort_by_key(Counts::cost);
        let wanted: Vec<_> = all.iter().take(BEAM).map(|counts| counts.next).collect();
        assert_eq!(beam.0.iter().map(|partial| partial.counts.next).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_long_line_of_one_word_is_aligned_in_order() {
        let line = ["a"; 300].join(" ");
        let (matches, chunks) = aligned(&line, &line);
        assert_eq!((matches.len(), chunks), (300, 1));
        assert!(matches.iter().all(|(candidate, reference, _)| candidate == reference));
    }

    fn split(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn aligned(candidate: &str, reference: &str) -> (Vec<(usize, usize, bool)>, usize) {
        let (candidate, reference) = (split(candidate), split(reference));
        let alignment = align(&candidate, &reference, &Tables::default());
        let matches = alignment
            .matches()
            .map(|found| (found.candidate.start, found.reference.start, found.stage == Stage::Exact));
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

    #[test]
    fn phrases_of_other_lengths_match() {
        let table = "0.5\na lot of\nmany\n0.1\ngreat\ngrand\n";
        let known = split("a lot of many dogs").into_iter().collect();
        let tables = Tables::default().with_paraphrases(table.lines().map(|line| Ok(line.to_owned())), &known).unwrap();
        for (candidate, reference, spans) in [
            ("many dogs", "a lot of dogs", [(0, 1, 0, 3), (1, 1, 3, 1)]),
            ("a lot of dogs", "many dogs", [(0, 3, 0, 1), (3, 1, 1, 1)]),
        ] {
            let (candidate, reference) = (split(candidate), split(reference));
            let alignment = align(&candidate, &reference, &tables);
            let found = alignment
                .matches()
                .map(|m| (m.candidate.start, m.candidate.length, m.reference.start, m.reference.length));
            assert_eq!((found.collect::<Vec<_>>(), alignment.chunks()), (spans.to_vec(), 1));
        }
    }
}
