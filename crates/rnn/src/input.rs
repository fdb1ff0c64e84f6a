//! The input of a layer: dense rows or tokens.

use burn::tensor::{Int, Tensor, TensorData};
use rekindle_kernels::device::is_cpu;

/// Below this many tokens, finding the distinct ones saves nothing.
const FEWEST_TOKENS: usize = 64;

/// The input of a layer: dense rows in `R` dimensions, or tokens in `T = R - 1`.
///
/// Token ids must be below the number of rows of the table (or the input size, for one-hot tokens).
/// They are on the device, so the check is left to the backend.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "made and consumed once a call, never kept in bulk")]
pub enum LayerInput<const R: usize, const T: usize> {
    /// A vector at every step.
    Dense(Tensor<R>),
    /// Rows of an embedding table.
    ///
    /// The layer projects the `V` rows of the table once and selects them by token, if that is less
    /// work than projecting every position. The results are the same either way.
    Embedded {
        /// `[V, I]`.
        table: Tensor<2>,
        /// A token at every step.
        tokens: Tensor<T, Int>,
    },
    /// One-hot rows, with `I = V`: the layer reads the rows of `W_xh` and never forms the one-hot
    /// vectors.
    OneHot {
        /// A token at every step.
        tokens: Tensor<T, Int>,
    },
}

/// The input of a whole sequence: rows `[B, T, I]` or tokens `[B, T]`.
///
/// The same type is used for batch-first and time-major calls, `[T, B, ...]`; each function
/// documents its layout.
pub type SequenceInput = LayerInput<3, 2>;

/// The input of a single step: rows `[B, I]` or tokens `[B]`.
pub type StepInput = LayerInput<2, 1>;

impl<const R: usize, const T: usize> LayerInput<R, T> {
    /// Rearranges the rows or the tokens.
    fn arranged<const Q: usize, const S: usize>(
        self,
        rows: impl FnOnce(Tensor<R>) -> Tensor<Q>,
        tokens: impl FnOnce(Tensor<T, Int>) -> Tensor<S, Int>,
    ) -> LayerInput<Q, S> {
        match self {
            Self::Dense(dense) => LayerInput::Dense(rows(dense)),
            Self::Embedded { table, tokens: of_table } => LayerInput::Embedded { table, tokens: tokens(of_table) },
            Self::OneHot { tokens: of_input } => LayerInput::OneHot { tokens: tokens(of_input) },
        }
    }
}

impl<const R: usize, const T: usize> From<Tensor<R>> for LayerInput<R, T> {
    fn from(rows: Tensor<R>) -> Self {
        Self::Dense(rows)
    }
}

/// The step as a time-major sequence of length 1.
impl From<StepInput> for SequenceInput {
    fn from(step: StepInput) -> Self {
        step.arranged(|rows| rows.unsqueeze_dim(0), |tokens| tokens.unsqueeze_dim(0))
    }
}

impl StepInput {
    /// `B`: the rows of the batch.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Self::Dense(rows) => rows.dims()[0],
            Self::Embedded { tokens, .. } | Self::OneHot { tokens } => tokens.dims()[0],
        }
    }
}

impl SequenceInput {
    /// Swaps the batch and the time axis.
    pub fn swap_batch_and_time(self) -> Self {
        self.arranged(|rows| rows.swap_dims(0, 1), |tokens| tokens.swap_dims(0, 1))
    }

    /// The same input, with a smaller table if that is less work to project: of a table with more rows than the
    /// sequence has tokens, only the rows of its distinct tokens, in the order of the table.
    ///
    /// On a GPU the input stays as it is, because the host would wait for the tokens.
    pub(crate) fn with_distinct_rows(self) -> Self {
        let Self::Embedded { table, tokens } = self else { return self };
        let shape = tokens.dims();
        let ([rows, _], count) = (table.dims(), shape.iter().product::<usize>());
        if rows < count || count < FEWEST_TOKENS || !is_cpu(&table.device()) {
            return Self::Embedded { table, tokens };
        }
        let ids = tokens.clone().into_data().convert::<i64>().try_into_vec::<i64>().expect("converted to i64");
        let Some(distinct) = Distinct::of(&ids, rows).filter(|distinct| 2 * distinct.rows.len() < count) else {
            return Self::Embedded { table, tokens };
        };
        let (device, selected) = (tokens.device(), [distinct.rows.len()]);
        let selected = Tensor::from_data(TensorData::new(distinct.rows, selected), &device);
        let tokens = Tensor::from_data(TensorData::new(distinct.tokens, shape), &device);
        Self::Embedded { table: table.select(0, selected), tokens }
    }

    /// The first two dimensions: `[T, B]` of a time-major input.
    pub(crate) fn outer_dims(&self) -> [usize; 2] {
        match self {
            Self::Dense(rows) => {
                let [first, second, _] = rows.dims();
                [first, second]
            }
            Self::Embedded { tokens, .. } | Self::OneHot { tokens } => tokens.dims(),
        }
    }

    /// Number of features per step; none for one-hot tokens, where the layer determines it.
    pub(crate) fn features(&self) -> Option<usize> {
        match self {
            Self::Dense(rows) => Some(rows.dims()[2]),
            Self::Embedded { table, .. } => Some(table.dims()[1]),
            Self::OneHot { .. } => None,
        }
    }
}

/// The distinct tokens of a sequence.
struct Distinct {
    /// The rows of the table that occur, ascending.
    rows: Vec<i64>,
    /// For each token, the index of its row in `rows`.
    tokens: Vec<i64>,
}

impl Distinct {
    /// The distinct tokens of `ids`; `None` if one is not a row of a table of `count` rows.
    fn of(ids: &[i64], count: usize) -> Option<Self> {
        let mut index = vec![-1; count];
        for &id in ids {
            *index.get_mut(usize::try_from(id).ok()?)? = 0;
        }
        let mut rows = Vec::new();
        for (row, index) in (0..).zip(&mut index).filter(|(_, index)| **index == 0) {
            *index = rows.len() as i64;
            rows.push(row);
        }
        let tokens = ids.iter().map(|&id| index[id as usize]).collect();
        Some(Self { rows, tokens })
    }
}
