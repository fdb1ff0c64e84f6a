//! The input of a recurrence.

use burn::tensor::{Int, Tensor};

/// The input of a recurrence at each step.
///
/// Both forms are the complete input projection, bias included: `W_ih x_t + b_ih` of width `G`, the
/// cell's gates x hidden.
// A box would cost an allocation to save a few hundred bytes per sequence.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Input {
    /// `[T, B, G]`: `W_ih x_t + b_ih`, already projected.
    Projected(Tensor<3>),
    /// Rows of a projected table: step `t` of row `b` reads `table[tokens[t, b]]`.
    ///
    /// The CPU's native code never materialises the selected rows, and sums the gradient of the
    /// table during the backward pass.
    Tokens {
        /// `[V, G]`: the projection of each of the `V` tokens.
        table: Tensor<2>,
        /// `[T, B]`: the tokens, in `0..V` except at padding. On a GPU a token outside of the table
        /// reads its nearest row: a check would make the host wait.
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
