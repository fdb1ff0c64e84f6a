//! A training loss as the sum of several means.

use burn::tensor::Tensor;

/// A mean over some things: tokens, rows, hidden values.
#[derive(Clone, Debug)]
pub struct LossPart {
    /// The mean, `[1]`.
    pub mean: Tensor<1>,
    /// Number of the things. Only its ratio to that of another batch matters.
    pub count: f64,
}

/// A training loss as the sum of several means, each over things of its own.
///
/// Processes that train on parts of one batch need the numbers: the loss of the whole batch is the sum over parts of
/// `count / total count` times the mean. The number and the order of the means must not depend on the batch.
#[derive(Clone, Debug, Default)]
pub struct LossParts(Vec<LossPart>);

impl LossParts {
    /// A mean `[1]` over `count` things.
    pub fn of(mean: Tensor<1>, count: f64) -> Self {
        Self(vec![LossPart { mean, count }])
    }

    /// These means, and those of `more`.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// These means, `factor` times as large, over as many things.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self(self.0.into_iter().map(|LossPart { mean, count }| LossPart { mean: mean * factor, count }).collect())
    }

    /// The means.
    pub fn parts(&self) -> &[LossPart] {
        &self.0
    }

    /// The means.
    pub fn into_parts(self) -> Vec<LossPart> {
        self.0
    }

    /// Their sum `[1]`.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn sum(self) -> Tensor<1> {
        self.0.into_iter().map(|part| part.mean).reduce(|sum, mean| sum + mean).expect("a loss has a part")
    }
}
