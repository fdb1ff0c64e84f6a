//! ROUGE-L.

/// The weight of recall relative to precision in the COCO evaluation.
const BETA: f64 = 1.2;

/// ROUGE-L of Lin 2004 ("ROUGE: a package for automatic evaluation of summaries", section 3), as computed by the COCO
/// evaluation, from 0 to 1. With the longest common subsequence of candidate and reference, `LCS`:
///
/// ```text
/// P = max over references of LCS / |candidate|      R = max over references of LCS / |reference|
/// ROUGE-L = (1 + β²) P R / (R + β² P)               β = 1.2
/// ```
///
/// An empty candidate, and references that are all empty, have 0.
pub fn rouge_l(candidate: &[String], references: &[Vec<String>]) -> f64 {
    let (mut precision, mut recall) = (0.0_f64, 0.0_f64);
    for reference in references {
        let common = longest_common_subsequence(candidate, reference) as f64;
        precision = precision.max(common / candidate.len().max(1) as f64);
        recall = recall.max(common / reference.len().max(1) as f64);
    }
    if precision == 0.0 || recall == 0.0 {
        return 0.0;
    }
    (1.0 + BETA * BETA) * precision * recall / (recall + BETA * BETA * precision)
}

/// The length of the longest common subsequence of words, in time `|a| |b|`.
fn longest_common_subsequence(a: &[String], b: &[String]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { diagonal + 1 } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn words_in_between_do_not_break_a_subsequence() {
        let length = |a, b| longest_common_subsequence(&split(a), &split(b));
        assert_eq!(length("a cat on a mat", "a black cat sat on the mat"), 4);
        assert_eq!(length("mat a on cat", "cat on a mat"), 1);
        assert_eq!((length("", "a"), length("a", "")), (0, 0));
    }

    #[test]
    fn a_reference_itself_has_one_and_nothing_in_common_has_zero() {
        let references = [split("two dogs run"), split("dogs")];
        assert!((rouge_l(&split("two dogs run"), &references) - 1.0).abs() < 1e-12);
        for candidate in ["cats sleep", ""] {
            assert_eq!(rouge_l(&split(candidate), &references), 0.0);
        }
        assert_eq!(rouge_l(&split("a"), &[Vec::new()]), 0.0);
    }
}
