//! What a layer reads: dense rows or tokens.

use burn::tensor::{Int, Tensor};

/// The input of a whole sequence.
///
/// The same type serves batch-first and time-major calls; each function says
/// which of the two it takes. Below, `[B, T]` is the batch-first order.
///
/// Token indices must be below the number of rows of the table (or of the
/// input size, when one-hot). They live on the device, so this is left to the
/// backend to check.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "made and consumed once a call, never kept in bulk")]
pub enum SequenceInput {
    /// `[B, T, I]`: a vector for every step.
    Dense(Tensor<3>),
    /// Rows of an embedding table.
    ///
    /// The layer projects the `V` rows of the table once and reads them by
    /// token, where that is less work than to project every position. The
    /// numbers are the same either way.
    Embedded {
        /// `[V, I]`.
        table: Tensor<2>,
        /// `[B, T]`.
        tokens: Tensor<2, Int>,
    },
    /// One-hot rows, with `I = V`: the layer reads the rows of `W_xh` and
    /// never forms the one-hot vectors.
    OneHot {
        /// `[B, T]`.
        tokens: Tensor<2, Int>,
    },
}

impl From<Tensor<3>> for SequenceInput {
    fn from(rows: Tensor<3>) -> Self {
        Self::Dense(rows)
    }
}

impl SequenceInput {
    /// Swaps the batch and the time axis.
    pub fn swap_batch_and_time(self) -> Self {
        match self {
            Self::Dense(rows) => Self::Dense(rows.swap_dims(0, 1)),
            Self::Embedded { table, tokens } => Self::Embedded { table, tokens: tokens.swap_dims(0, 1) },
            Self::OneHot { tokens } => Self::OneHot { tokens: tokens.swap_dims(0, 1) },
        }
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

    /// Features of one step, or none where the layer itself decides (one-hot).
    pub(crate) fn features(&self) -> Option<usize> {
        match self {
            Self::Dense(rows) => Some(rows.dims()[2]),
            Self::Embedded { table, .. } => Some(table.dims()[1]),
            Self::OneHot { .. } => None,
        }
    }
}

/// The input of a single step.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "made and consumed once a call, never kept in bulk")]
pub enum StepInput {
    /// `[B, I]`.
    Dense(Tensor<2>),
    /// Rows of an embedding table.
    Embedded {
        /// `[V, I]`.
        table: Tensor<2>,
        /// `[B]`.
        tokens: Tensor<1, Int>,
    },
    /// One-hot rows, with `I = V`.
    OneHot {
        /// `[B]`.
        tokens: Tensor<1, Int>,
    },
}

impl From<Tensor<2>> for StepInput {
    fn from(row: Tensor<2>) -> Self {
        Self::Dense(row)
    }
}

/// The step as a time-major sequence of length 1.
impl From<StepInput> for SequenceInput {
    fn from(step: StepInput) -> Self {
        match step {
            StepInput::Dense(row) => Self::Dense(row.unsqueeze_dim(0)),
            StepInput::Embedded { table, tokens } => Self::Embedded { table, tokens: tokens.unsqueeze_dim(0) },
            StepInput::OneHot { tokens } => Self::OneHot { tokens: tokens.unsqueeze_dim(0) },
        }
    }
}
