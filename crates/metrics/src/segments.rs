//! Segment metrics of labelled frames, where a segment is a maximal run of one label.
//!
//! Frame accuracy hardly changes if a label flickers; the edit score does. It compares only the sequence of segments,
//! not their lengths or positions.

/// The segments of a sequence of labels: the label of each maximal run.
pub fn segments(labels: &[u32]) -> Vec<u32> {
    let mut segments = labels.to_vec();
    segments.dedup();
    segments
}

/// The segmental edit score of Lea et al. 2016 ("Learning convolutional action primitives for fine-grained action
/// recognition"), from 0 to 100:
///
/// ```text
/// 100 · (1 - d(S_truth, S_predicted) / max(|S_truth|, |S_predicted|))
/// ```
///
/// `S` are the segments of a sequence, `|S|` their number, and `d` is the Levenshtein distance: the number of segments
/// to insert, delete or replace. Two empty sequences have a score of 100.
pub fn edit_score(truth: &[u32], predicted: &[u32]) -> f64 {
    let (truth, predicted) = (segments(truth), segments(predicted));
    let longest = truth.len().max(predicted.len());
    if longest == 0 {
        return 100.0;
    }
    100.0 * (1.0 - levenshtein(&truth, &predicted) as f64 / longest as f64)
}

/// Number of insertions, deletions and replacements from `a` to `b`, in time `|a| |b|` and memory `|b|`.
fn levenshtein(a: &[u32], b: &[u32]) -> usize {
    // Row `i` has the distances of the first `i` items of `a` to every prefix of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_a_maximal_run_of_one_label() {
        assert_eq!(segments(&[3, 3, 1, 1, 1, 3]), [3, 1, 3]);
        assert!(segments(&[]).is_empty());
    }

    #[test]
    fn the_length_and_the_place_of_segments_do_not_count() {
        assert_eq!(edit_score(&[0, 0, 0, 1, 2, 2], &[0, 1, 1, 1, 1, 2]), 100.0);
    }

    /// Worked out by hand: the number of segments to change, and the longer of the two numbers of segments.
    #[test]
    fn a_score_is_the_share_of_segments_that_need_no_change() {
        for (truth, predicted, distance, longest) in [
            // One flicker puts two segments in.
            (&[0, 0, 0, 0][..], &[0, 0, 1, 0][..], 2.0, 3.0),
            // Another label.
            (&[0, 1, 2], &[0, 3, 2], 1.0, 3.0),
            // A segment missed.
            (&[0, 1, 2, 2], &[0, 0, 2, 2], 1.0, 3.0),
            // Nothing alike.
            (&[0, 1], &[2, 3], 2.0, 2.0),
            (&[0, 1], &[], 2.0, 2.0),
            // kitten and sitting, without the doubled letters: k i t e n, s i t i n g.
            (&[10, 8, 19, 4, 13], &[18, 8, 19, 8, 13, 6], 3.0, 6.0),
        ] {
            let wanted = 100.0 * (1.0 - distance / longest);
            for score in [edit_score(truth, predicted), edit_score(predicted, truth)] {
                // One division and one product away from the same numbers.
                assert!((score - wanted).abs() < 1e-9, "{truth:?} and {predicted:?}: {score} for {wanted}");
            }
        }
    }

    #[test]
    fn nothing_is_like_nothing() {
        assert_eq!(edit_score(&[], &[]), 100.0);
    }
}
