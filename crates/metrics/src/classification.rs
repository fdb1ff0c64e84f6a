//! Classification metrics, computed from the confusion matrix.

/// Confusion matrix: rows are the true classes, columns the predicted ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<u64>,
}

/// The metrics of one class; a share of nothing is 0, as in scikit-learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassFigures {
    /// Items of this class.
    pub support: u64,
    /// Items predicted as this class.
    pub predicted: u64,
    /// The share of the predicted items that are of this class.
    pub precision: f64,
    /// The share of the items of this class that were predicted.
    pub recall: f64,
    /// The harmonic mean of precision and recall.
    pub f1: f64,
}

impl ConfusionMatrix {
    /// An empty matrix for `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// The matrix of two sequences of classes, item by item.
    ///
    /// # Panics
    ///
    /// When the sequences differ in length, or a class is not below `classes`.
    pub fn of(classes: usize, truth: &[u32], predicted: &[u32]) -> Self {
        assert_eq!(truth.len(), predicted.len(), "as many predictions are wanted as there are true classes");
        let mut matrix = Self::new(classes);
        for (&truth, &predicted) in truth.iter().zip(predicted) {
            matrix.add(truth as usize, predicted as usize);
        }
        matrix
    }

    /// Counts an item of the class `truth` that was predicted as `predicted`.
    ///
    /// # Panics
    ///
    /// When a class is not below the number of classes.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        let classes = self.classes;
        assert!(truth < classes && predicted < classes, "class {truth} taken for {predicted}: there are {classes}");
        self.counts[truth * classes + predicted] += 1;
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How often items of the class `truth` were predicted as each class.
    ///
    /// # Panics
    ///
    /// When the class is not below the number of classes.
    pub fn row(&self, truth: usize) -> &[u64] {
        &self.counts[truth * self.classes..][..self.classes]
    }

    /// Total number of items.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The share of items that were classified correctly; 0 without items.
    pub fn accuracy(&self) -> f64 {
        let right = (0..self.classes).map(|class| self.row(class)[class]).sum();
        share(right, self.total())
    }

    /// The metrics of one class.
    ///
    /// # Panics
    ///
    /// When the class is not below the number of classes.
    pub fn class(&self, class: usize) -> ClassFigures {
        let right = self.row(class)[class];
        let support = self.row(class).iter().sum();
        let predicted = (0..self.classes).map(|truth| self.row(truth)[class]).sum();
        ClassFigures {
            support,
            predicted,
            precision: share(right, predicted),
            recall: share(right, support),
            f1: share(2 * right, support + predicted),
        }
    }

    /// The mean F1 of the classes that occur in the truth or in the predictions, as in scikit-learn; 0 without items.
    pub fn macro_f1(&self) -> f64 {
        let figures = (0..self.classes).map(|class| self.class(class));
        let f1: Vec<f64> = figures.filter(|class| class.support + class.predicted > 0).map(|class| class.f1).collect();
        f1.iter().sum::<f64>() / f1.len().max(1) as f64
    }
}

/// The class with the highest log-probability, or another score. Ties go to the last one; without
/// scores it is 0.
pub fn most_likely(log_probs: &[f32]) -> usize {
    (0..log_probs.len()).max_by(|&a, &b| log_probs[a].total_cmp(&log_probs[b])).unwrap_or(0)
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sklearn.metrics.classification_report(truth, predicted, output_dict=True)` gives these numbers.
    #[test]
    fn figures_are_those_of_scikit_learn() {
        let truth = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2];
        let predicted = [0, 0, 1, 2, 1, 1, 0, 2, 2, 1];
        let matrix = ConfusionMatrix::of(3, &truth, &predicted);
        assert_eq!(matrix.row(0), [2, 1, 1]);
        assert_eq!(matrix.total(), 10);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} for {b}");
        near(matrix.accuracy(), 0.6);
        let wanted = [(2.0 / 3.0, 0.5, 4.0 / 7.0), (0.5, 2.0 / 3.0, 4.0 / 7.0), (2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0)];
        for (class, (precision, recall, f1)) in wanted.into_iter().enumerate() {
            let figures = matrix.class(class);
            near(figures.precision, precision);
            near(figures.recall, recall);
            near(figures.f1, f1);
        }
        near(matrix.macro_f1(), (4.0 / 7.0 + 4.0 / 7.0 + 2.0 / 3.0) / 3.0);
    }

    #[test]
    fn a_class_that_never_occurs_does_not_count_and_one_predicted_in_vain_does() {
        // Class 2 is predicted and never true, class 3 is neither.
        let matrix = ConfusionMatrix::of(4, &[0, 0, 1, 1], &[0, 0, 1, 2]);
        assert!((matrix.macro_f1() - (1.0 + 2.0 / 3.0 + 0.0) / 3.0).abs() < 1e-12);
        assert_eq!(matrix.class(3), ClassFigures { support: 0, predicted: 0, precision: 0.0, recall: 0.0, f1: 0.0 });
    }

    #[test]
    fn nothing_counted_gives_zeros() {
        let matrix = ConfusionMatrix::new(2);
        assert_eq!((matrix.accuracy(), matrix.macro_f1(), matrix.total()), (0.0, 0.0, 0));
    }

    #[test]
    fn the_highest_score_is_the_most_likely_and_the_last_of_equal_ones() {
        for (scores, wanted) in [(&[-0.5, -2.0, -1.0][..], 0), (&[-1.0, -1.0, -3.0], 1), (&[], 0)] {
            assert_eq!(most_likely(scores), wanted, "{scores:?}");
        }
    }

    #[test]
    #[should_panic(expected = "class 2 taken for 0: there are 2")]
    fn an_unknown_class_is_named() {
        ConfusionMatrix::new(2).add(2, 0);
    }
}
