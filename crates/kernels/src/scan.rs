//! The scan over a sequence: its direction and the lengths of its rows.

use burn::tensor::Tensor;

use crate::unrolled::PackedOnce;

/// The direction in which a sequence is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From step 0 to the last valid step of each row.
    #[default]
    Forward,
    /// From the last valid step of each row to step 0. Outputs are at their time index, and the
    /// final state is that after step 0.
    Reverse,
}

/// The outputs of a recurrent operation: the hidden states `[T, B, H]`, and the final state, `[B, H]` each.
pub type Outputs<const N: usize> = (Tensor<3>, [Tensor<2>; N]);

/// The scan over a sequence.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// The direction in which the sequence is read.
    pub direction: Direction,
    /// `lengths[b]`: the valid steps of row `b`, in `1..=T`; `None`: all `T` steps.
    ///
    /// Past its length the state of a row is frozen, its output is 0 and its gradients are 0, as in
    /// PyTorch's `pad_packed_sequence`.
    pub lengths: Option<Vec<usize>>,
    /// The weights that other walks with them have packed, as the steps of a loop do; by default each walk packs its
    /// own.
    pub packed: PackedOnce,
}

impl Scan {
    /// A scan for all steps of a loop that walk by the same weights: they are packed once.
    pub fn of_loop() -> Self {
        Self { packed: PackedOnce::shared(), ..Self::default() }
    }

    /// The time indices in scan order.
    pub(crate) fn order(&self, steps: usize) -> Vec<usize> {
        match self.direction {
            Direction::Forward => (0..steps).collect(),
            Direction::Reverse => (0..steps).rev().collect(),
        }
    }

    /// Checks the lengths against the sizes of the input; `operation` is for messages.
    ///
    /// # Panics
    /// If a length does not fit.
    pub(crate) fn check(&self, operation: &str, steps: usize, batch: usize) {
        let Some(lengths) = &self.lengths else {
            return;
        };
        assert!(
            lengths.len() == batch,
            "{operation}: `lengths` must have one length per row, B = {batch}, got {}",
            lengths.len()
        );
        for (row, &length) in lengths.iter().enumerate() {
            assert!(
                (1..=steps).contains(&length),
                "{operation}: `lengths[{row}]` must be in 1..=T = 1..={steps}, got {length}"
            );
        }
    }
}
