//! A cell on a GPU: the kernels of one step of all rows, forward and backward. The passes do the
//! rest.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::walk::Walk;
use crate::recurrence::Cell;

/// The launches of a cell's kernels.
pub(crate) trait CubeCell: Cell {
    /// One step: from the input to the gates after their nonlinearity, and from the previous states
    /// to the next. `product` `[B, G]` is the recurrent product.
    fn step(self, sequence: &Sequence, t: usize, product: CubeTensor);

    /// One backward step: from the gates to the gradients of their pre-activations, and from the
    /// gradient of the cell state to that of the previous cell state.
    ///
    /// `dh` `[B, H]` is the gradient of the hidden state through the products of the next step of
    /// the scan.
    fn step_back(self, sequence: &Sequence, t: usize, dh: CubeTensor, gradients: &StateGradients);
}

/// Launches a cell's kernel for step `t` of a sequence: `launch!(kernel, sequence, t, [tensors])`,
/// followed by a constant if the kernel has one. After its tensors, a kernel takes the lengths and
/// the step.
macro_rules! launch {
    ($kernel:ident, $sequence:expr, $t:expr, [$($tensor:expr),*] $(, $constant:expr)?) => {{
        let (sequence, t): (&Sequence, usize) = ($sequence, $t);
        let (client, lengths) = (&sequence.gates.client, sequence.walk.lengths().into());
        let (count, group) = sequence.threads.clone();
        // SAFETY: every thread that has a unit stays within the shapes of the sequence, and the
        // others leave at once.
        unsafe {
            $kernel::launch_unchecked(
                client, count, group, $($tensor,)* lengths, sequence.walk.step(t) $(, $constant)?
            );
        }
    }};
}
pub(crate) use launch;

/// The arguments of the kernels of all steps of a sequence.
pub(crate) struct Sequence {
    pub walk: Walk,
    /// Threads of a launch: one for each unit of each row.
    pub threads: (CubeCount, CubeDim),
    /// `[T, B, G]`: the input, then the gates, then their gradients.
    pub gates: CubeTensor,
    /// `[T, B, G]`, of a cell with a [separate](Cell::APART) gate: the last gate holds its
    /// recurrent product with its bias; later all hold the gradients of the recurrent products.
    pub recurrent: Option<CubeTensor>,
    /// `[G]`: the recurrent bias, if the cell has one, forward.
    pub bias: Option<CubeTensor>,
    /// `[T + 1, B, H]` each: the hidden states before and after each step, and the cell states.
    pub states: Vec<CubeTensor>,
}

impl Sequence {
    pub fn new(
        walk: Walk,
        gates: CubeTensor,
        recurrent: Option<CubeTensor>,
        bias: Option<CubeTensor>,
        states: Vec<CubeTensor>,
    ) -> Self {
        let threads = walk.threads(&gates.client);
        Self { walk, threads, gates, recurrent, bias, states }
    }

    pub fn gates(&self) -> TensorArg {
        argument(&self.gates)
    }

    pub fn recurrent(&self) -> TensorArg {
        argument(self.recurrent.as_ref().expect("the cell has a gate apart"))
    }

    pub fn bias(&self) -> TensorArg {
        argument(self.bias.as_ref().expect("the cell has a recurrent bias"))
    }

    pub fn hidden(&self) -> TensorArg {
        argument(&self.states[0])
    }

    pub fn cells(&self) -> TensorArg {
        argument(&self.states[1])
    }
}

/// The gradients of the states during the backward pass.
pub(crate) struct StateGradients {
    /// `[T, B, H]`: of the hidden states from outside, if any.
    pub hidden: Option<CubeTensor>,
    /// `[B, H]`: the part of the hidden state's gradient that bypasses the product: past the rows'
    /// lengths, or through the cell's own mathematics.
    pub direct: CubeTensor,
    /// `[B, H]`: of the cell state, if any.
    pub cell: Option<CubeTensor>,
}

impl StateGradients {
    pub fn hidden(&self) -> Option<TensorArg> {
        self.hidden.as_ref().map(argument)
    }

    pub fn direct(&self) -> TensorArg {
        argument(&self.direct)
    }

    pub fn cell(&self) -> TensorArg {
        argument(self.cell.as_ref().expect("the cell has a cell state"))
    }
}

fn argument(tensor: &CubeTensor) -> TensorArg {
    tensor.clone().into_tensor_arg()
}
