//! How labels follow each other.

use serde::{Deserialize, Serialize};

/// Counts of the first labels of clips and of the labels of neighbouring frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transitions {
    /// How many clips begin with each class, `[C]`.
    pub starts: Vec<u64>,
    /// How often the second class follows the first, from one frame to the next, `[C, C]`.
    pub pairs: Vec<Vec<u64>>,
}

impl Transitions {
    /// Counts the labels of clips, below `classes`.
    ///
    /// # Panics
    ///
    /// When a label is not below `classes`.
    pub fn count<'a>(classes: usize, clips: impl IntoIterator<Item = &'a [u32]>) -> Self {
        let mut counts = Self { starts: vec![0; classes], pairs: vec![vec![0; classes]; classes] };
        for labels in clips {
            if let Some(&first) = labels.first() {
                counts.starts[first as usize] += 1;
            }
            for pair in labels.windows(2) {
                counts.pairs[pair[0] as usize][pair[1] as usize] += 1;
            }
        }
        counts
    }

    /// Number of classes; none if the counts are not of one number of classes, as in a damaged file.
    pub(super) fn classes(&self) -> Option<usize> {
        let classes = self.starts.len();
        let square = self.pairs.len() == classes && self.pairs.iter().all(|row| row.len() == classes);
        square.then_some(classes)
    }
}
