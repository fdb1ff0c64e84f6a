//! BLEU, as computed by the COCO evaluation.

use crate::translation::BleuStatistics;

const LONGEST: usize = 4;
/// Added to counts by the COCO evaluation, against division by zero.
const TINY: f64 = 1e-15;
const SMALL: f64 = 1e-9;

/// BLEU-1 to BLEU-4 of a whole corpus, from 0 to 1 (Papineni et al. 2002, "BLEU: a method for automatic evaluation of
/// machine translation"), as computed by the COCO evaluation:
///
/// ```text
/// p_n = Σ clipped matches of n-grams / Σ n-grams of candidates
/// BLEU-n = min(1, exp(1 - r/c)) · (p_1 … p_n)^(1/n)
/// ```
///
/// An n-gram matches at most as often as it occurs in any one reference; `c` is the length of all candidates, `r` that
/// of the references closest to each in length (the shorter in a tie). There is no smoothing.
///
/// # Panics
///
/// When the numbers of candidates and of lists of references differ, or a list is empty.
pub fn bleu(candidates: &[Vec<String>], references: &[Vec<Vec<String>>]) -> [f64; LONGEST] {
    assert_eq!(candidates.len(), references.len(), "references are wanted for each candidate");
    let mut sum = BleuStatistics::default();
    for (candidate, references) in candidates.iter().zip(references) {
        assert!(!references.is_empty(), "each candidate needs at least one reference");
        sum += BleuStatistics::of_tokens(candidate, references);
    }
    bleu_of(&sum)
}

/// [`bleu`] from the summed statistics of a corpus.
pub fn bleu_of(sum: &BleuStatistics) -> [f64; LONGEST] {
    let length = sum.hypothesis_length as f64;
    let ratio: f64 = (length + TINY) / (sum.reference_length as f64 + SMALL);
    let brevity = if ratio < 1.0 { (1.0 - 1.0 / ratio).exp() } else { 1.0 };
    let mut product = 1.0;
    std::array::from_fn(|n| {
        product *= (sum.matches[n] as f64 + TINY) / (sum.totals[n] as f64 + SMALL);
        brevity * f64::powf(product, 1.0 / (n + 1) as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// The example of the paper's section 2.1: of the seven `the`, two count.
    #[test]
    fn a_word_counts_as_often_as_a_reference_has_it() {
        let references = [split("the cat is on the mat"), split("there is a cat on the mat")];
        let statistics = BleuStatistics::of_tokens(&split("the the the the the the the"), &references);
        assert_eq!(statistics.matches[0], 2);
    }

    #[test]
    fn of_two_references_as_close_the_shorter_counts() {
        let references = [split("a b c d e f"), split("a b c d"), split("a")];
        assert_eq!(BleuStatistics::of_tokens(&split("a b c d e"), &references).reference_length, 4);
    }

    #[test]
    fn a_short_candidate_pays_for_its_brevity() {
        let references = vec![vec![split("a b c d e f g h")]; 2];
        let scores = bleu(&[split("a b c d"), split("a b c d")], &references);
        // All n-grams are right, and half the length is there: exp(1 - 2).
        for score in scores {
            assert!((score - (-1.0_f64).exp()).abs() < 1e-6, "{scores:?}");
        }
    }

    #[test]
    fn one_candidate_alone_is_measured_by_its_closest_reference() {
        // The mean of 4 and 16 would take exp(1 - 10 / 4).
        let references = vec![vec![split("a b c d"), vec!["e".to_owned(); 16]]];
        for score in bleu(&[split("a b c d")], &references) {
            assert!((score - 1.0).abs() < 1e-6, "{score}");
        }
    }

    #[test]
    fn nothing_at_all_is_no_number_out_of_range() {
        for scores in [bleu(&[], &[]), bleu(&[vec![]], &[vec![split("a")]])] {
            assert!(scores.iter().all(|score| (0.0..=1e-3).contains(score)), "{scores:?}");
        }
    }
}
