//! Translation edit rate, as computed by sacrebleu.

mod edits;

use std::ops::AddAssign;

use edits::{Distance, EditDistance};

/// The most words that are shifted at once, and the farthest that they are shifted: those of Tercom.
const LONGEST_SHIFT: usize = 10;
const FARTHEST_SHIFT: usize = 50;
/// The most shifts that are tried for a sentence and a reference.
const TRIES: usize = 1000;

/// The statistics of TER, Snover et al. 2006 ("A study of translation edit rate with targeted human annotation"): how
/// many words a person would insert, delete, replace or shift to make the hypothesis its reference. Those of a corpus
/// are the sums of those of its sentences.
///
/// ```text
/// TER = 100 · Σ edits of the closest reference / Σ mean length of the references
/// ```
///
/// Case is ignored and words are separated by whitespace, which are the defaults of Tercom and of sacrebleu. Shifts
/// are found greedily, one after the other, with Tercom's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TerStatistics {
    /// Edits.
    pub edits: f64,
    /// Mean length of the references.
    pub reference_length: f64,
}

impl TerStatistics {
    /// The statistics of one sentence and its references.
    pub fn of(hypothesis: &str, references: &[&str]) -> Self {
        let words = |text: &str| -> Vec<String> { text.to_lowercase().split_whitespace().map(str::to_owned).collect() };
        let hypothesis = words(hypothesis);
        let hypothesis: Vec<&str> = hypothesis.iter().map(String::as_str).collect();
        let (mut fewest, mut length) = (None, 0);
        for reference in references {
            let reference = words(reference);
            let edits = edits(&hypothesis, &reference.iter().map(String::as_str).collect::<Vec<_>>());
            fewest = Some(fewest.map_or(edits, |known: usize| known.min(edits)));
            length += reference.len();
        }
        let mean = length as f64 / references.len().max(1) as f64;
        Self { edits: fewest.unwrap_or(0) as f64, reference_length: mean }
    }

    /// TER, from 0; the lower the better. Above 100 if there are more edits than words.
    pub fn score(&self) -> f64 {
        if self.reference_length > 0.0 {
            100.0 * (self.edits / self.reference_length)
        } else if self.edits > 0.0 {
            100.0
        } else {
            0.0
        }
    }
}

impl AddAssign for TerStatistics {
    fn add_assign(&mut self, other: Self) {
        self.edits += other.edits;
        self.reference_length += other.reference_length;
    }
}

/// Shifts and other edits between a hypothesis and one reference.
fn edits(hypothesis: &[&str], reference: &[&str]) -> usize {
    if reference.is_empty() {
        return hypothesis.len();
    }
    let distance = EditDistance::new(reference);
    let (mut words, mut shifts, mut tries) = (hypothesis.to_vec(), 0, 0);
    loop {
        let now = distance.of(&words);
        let best = best_shift(&words, reference, &distance, &now, &mut tries);
        // As in sacrebleu, a shift is not made if the tries were used up in its search.
        match best {
            Some(shift) if tries < TRIES && shift.gain > 0 => {
                shifts += 1;
                words = shift.words;
            }
            _ => return shifts + now.edits(),
        }
    }
}

/// A shift of words. Its order is Tercom's: the largest gain, then the most words, then the earliest ones, then the
/// earliest target.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Shift<'a> {
    gain: isize,
    length: usize,
    start: std::cmp::Reverse<usize>,
    target: std::cmp::Reverse<usize>,
    words: Vec<&'a str>,
}

/// The shift that lowers the edit distance most.
fn best_shift<'a>(
    words: &[&'a str],
    reference: &[&str],
    distance: &EditDistance<'_>,
    now: &Distance<'a>,
    tries: &mut usize,
) -> Option<Shift<'a>> {
    let alignment = now.alignment();
    let mut best: Option<Shift<'a>> = None;
    'starts: for (start, place, length) in equal_runs(words, reference) {
        let some_wrong = |wrong: &[bool], from: usize| wrong[from..from + length].contains(&true);
        // Both the words and their place must be wrong.
        if !some_wrong(&alignment.hypothesis_wrong, start) || !some_wrong(&alignment.reference_wrong, place) {
            continue;
        }
        // No shift to where the words are.
        if alignment.end_before[place].checked_sub(1).is_some_and(|at| (start..start + length).contains(&at)) {
            continue;
        }
        let mut last = None;
        for offset in 0..=length {
            // Before the first word, or behind the word that the reference's is aligned with.
            let target = match (place + offset).checked_sub(1) {
                None => 0,
                Some(before) if before < reference.len() => alignment.end_before[before],
                Some(_) => break,
            };
            if last == Some(target) {
                continue;
            }
            last = Some(target);
            let shifted = shifted(words, start, length, target);
            let gain = now.edits() as isize - distance.after(&shifted, now).edits() as isize;
            *tries += 1;
            let (start, target) = (std::cmp::Reverse(start), std::cmp::Reverse(target));
            let shift = Shift { gain, length, start, target, words: shifted };
            if best.as_ref().is_none_or(|best| shift > *best) {
                best = Some(shift);
            }
        }
        if *tries >= TRIES {
            break 'starts;
        }
    }
    best
}

/// Runs of equal words: their start in the hypothesis, in the reference, and their length.
fn equal_runs<'a>(words: &'a [&str], reference: &'a [&str]) -> impl Iterator<Item = (usize, usize, usize)> + 'a {
    let near = |start: usize| (0..reference.len()).filter(move |place| place.abs_diff(start) <= FARTHEST_SHIFT);
    let pairs = (0..words.len()).flat_map(move |start| near(start).map(move |place| (start, place)));
    pairs.flat_map(|(start, place)| {
        let equal = words[start..].iter().zip(&reference[place..]).take_while(|(a, b)| a == b);
        (1..=equal.take(LONGEST_SHIFT).count()).map(move |length| (start, place, length))
    })
}

/// `length` words from `start` moved to `target`.
fn shifted<'a>(words: &[&'a str], start: usize, length: usize, target: usize) -> Vec<&'a str> {
    let end = start + length;
    let (moved, after) = (&words[start..end], &words[end..]);
    if target < start {
        [&words[..target], moved, &words[target..start], after].concat()
    } else {
        // Inside of the moved words, the target counts the words behind them.
        let passed = if target > end { target - end } else { (target - start).min(after.len()) };
        [&words[..start], &after[..passed], moved, &after[passed..]].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(hypothesis: &str, references: &[&str]) -> (f64, f64) {
        let statistics = TerStatistics::of(hypothesis, references);
        (statistics.edits, statistics.reference_length)
    }

    #[test]
    fn a_shift_of_several_words_is_one_edit() {
        assert_eq!(rate("on the mat sat the cat", &["the cat sat on the mat"]), (2.0, 6.0));
        assert_eq!(rate("c d e a b", &["a b c d e"]), (1.0, 5.0));
    }

    #[test]
    fn words_are_inserted_deleted_and_replaced() {
        for (hypothesis, edits) in [("a b c", 0.0), ("a b", 1.0), ("a b c d", 1.0), ("a x c", 1.0), ("", 3.0)] {
            assert_eq!(rate(hypothesis, &["A b C"]), (edits, 3.0), "{hypothesis}");
        }
    }

    #[test]
    fn the_closest_reference_has_the_edits_and_all_have_the_length() {
        assert_eq!(rate("a b c", &["a b c d e f", "a b x"]), (1.0, 4.5));
        assert_eq!(TerStatistics::of("a", &[""]).score(), 100.0);
        assert_eq!(TerStatistics::of("", &[""]).score(), 0.0);
    }
}
