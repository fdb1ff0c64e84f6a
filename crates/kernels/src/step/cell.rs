//! The recurrence of one layer, step by step.

use burn::tensor::Tensor;
use pulp::{Simd, WithSimd};

use super::linear::Packed;
use super::{Rows, bias_of};
use crate::{
    cpu::lanes::{parts, update},
    gru, lstm,
    rnn::{self, Activation},
};

/// The recurrence that is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// [`rnn`](crate::rnn).
    Rnn(Activation),
    /// [`lstm`](crate::lstm).
    Lstm,
    /// [`gru`](crate::gru).
    Gru,
}

impl Cell {
    pub(super) fn gates(self) -> usize {
        match self {
            Cell::Rnn(_) => 1,
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }
}

/// A recurrent layer that reads any number of sequences side by side, a step at a time; their
/// states are the caller's.
///
/// For the same projected input its numbers are those of the sequence operations to the bit.
#[derive(Debug)]
pub struct CellStepper {
    cell: Cell,
    weight_hh: Packed,
    /// `[3H]`, of a GRU: `b_h`.
    bias: Vec<f32>,
    /// `H`
    width: usize,
}

impl CellStepper {
    /// The layer with these weights; only a GRU reads `bias_hh`, which is zeros if there is none.
    /// `None` if the weights are not `f32` on a CPU backend.
    ///
    /// # Panics
    /// If `weight_hh` is not `[G, H]`, or the bias of a GRU not `[3H]`.
    pub fn new(cell: Cell, weight_hh: Tensor<2>, bias_hh: Option<Tensor<1>>, rows: Rows) -> Option<Self> {
        let [count, width] = weight_hh.dims();
        let gates = cell.gates();
        assert_eq!(count, gates * width, "`weight_hh` must have the shape [G, H] = [{gates}H, H]: H is {width}");
        let bias = match cell {
            Cell::Gru => bias_of("bias_hh", bias_hh, count)?,
            Cell::Rnn(_) | Cell::Lstm => Vec::new(),
        };
        Some(Self { cell, weight_hh: Packed::new(weight_hh, rows)?, bias, width })
    }

    /// `H`: numbers of a row's hidden state.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Reads a step, given as the input projections `gates` `[N, G]`, which are used up: from the
    /// states `hidden` `[N, H]` to the next. `memory` is the cell state of an LSTM, and not read
    /// by others.
    ///
    /// # Panics
    /// If the sizes do not go together.
    pub fn step(&self, gates: &mut [f32], hidden: &mut [f32], memory: &mut [f32]) {
        let (width, stride) = (self.width, self.cell.gates() * self.width);
        let mut candidates = Vec::new();
        if self.cell == Cell::Gru {
            // The reset gate scales the candidate's recurrent part before its input joins.
            for row in gates.chunks_exact_mut(stride) {
                candidates.extend_from_slice(&row[2 * width..]);
                row[2 * width..].copy_from_slice(&self.bias[2 * width..]);
            }
        }
        self.weight_hh.add_product(hidden, gates);
        if hidden.len() == width {
            return self.finish(gates, hidden, memory, &mut candidates);
        }
        for (r, (gates, hidden)) in gates.chunks_exact_mut(stride).zip(hidden.chunks_exact_mut(width)).enumerate() {
            let row = r * width..(r + 1) * width;
            // Cells read one of them at most; that of the others may be empty.
            let memory = memory.get_mut(row.clone()).unwrap_or_default();
            self.finish(gates, hidden, memory, candidates.get_mut(row).unwrap_or_default());
        }
    }

    /// The new state of a row from the sums of its gates.
    fn finish(&self, gates: &mut [f32], hidden: &mut [f32], memory: &mut [f32], candidate: &mut [f32]) {
        let work = match self.cell {
            Cell::Rnn(activation) => Work::Rnn(activation),
            Cell::Lstm => Work::Lstm { memory },
            Cell::Gru => Work::Gru { bias: &self.bias, candidate },
        };
        self.weight_hh.arch.dispatch(Gates { work, gates, hidden });
    }
}

/// The gates of a step of one row, from the sums under their nonlinearities to the new state.
struct Gates<'a> {
    work: Work<'a>,
    gates: &'a mut [f32],
    hidden: &'a mut [f32],
}

/// A row's numbers beside gates and hidden state.
enum Work<'a> {
    Rnn(Activation),
    Lstm { memory: &'a mut [f32] },
    Gru { bias: &'a [f32], candidate: &'a mut [f32] },
}

impl WithSimd for Gates<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.hidden.len();
        match self.work {
            Work::Rnn(activation) => {
                update(simd, rnn::cpu::Step(activation), [], [&mut *self.gates]);
                self.hidden.copy_from_slice(self.gates);
            }
            Work::Lstm { memory } => {
                lstm::cpu::step(simd, parts(self.gates, width), memory, self.hidden);
            }
            Work::Gru { bias, candidate } => {
                let [r, z, recurrent] = parts(self.gates, width);
                let inputs = [&*recurrent, &bias[..width], &bias[width..2 * width]];
                update(simd, gru::cpu::Step, inputs, [r, z, candidate, self.hidden]);
            }
        }
    }
}

#[cfg(test)]
mod tests;
