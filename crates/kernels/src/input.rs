//! What a recurrence reads at each step.

use burn::tensor::{Int, Tensor};

/// What the recurrence reads at each step.
///
/// Both forms hold the input's whole contribution to the gates, bias included:
/// `W_ih x_t + b_ih` of width `G`, the cell's gates x hidden.
// A box would cost an allocation to save a few hundred bytes once a sequence.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Input {
    /// `[T, B, G]`: `W_ih x_t + b_ih`, already projected.
    Projected(Tensor<3>),
    /// Rows of a projected table: step `t` of row `b` reads `table[tokens[t, b]]`.
    ///
    /// The looked-up rows are never written out by the CPU's native code, and the
    /// gradient of the table is summed while the steps are walked backwards.
    Tokens {
        /// `[V, G]`: the projection of each of the `V` symbols.
        table: Tensor<2>,
        /// `[T, B]`: which symbol is read, each in `0..V`, but for the padding. On a GPU
        /// one beyond the table reads its nearest row: to look, the host would have to wait.
        tokens: Tensor<2, Int>,
    },
}

impl Input {
    /// `[T, B, G]`: steps, batch and width.
    pub fn dims(&self) -> [usize; 3] {
        match self {
            Input::Projected(projection) => projection.dims(),
            Input::Tokens { table, tokens } => {
                let [steps, batch] = tokens.dims();
                [steps, batch, table.dims()[1]]
            }
        }
    }
}
