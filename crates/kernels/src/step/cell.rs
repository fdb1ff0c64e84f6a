//! The recurrence of one layer, step by step.

use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};

use super::linear::Packed;
use super::{Rows, bias_of};
use crate::{
    cpu::{
        lanes::{parts, update},
        panels::Orientation,
    },
    gru, lstm,
    minimal::{self, Minimal},
    rnn::{self, Activation},
};

/// The kind of recurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// [`rnn`](crate::rnn).
    Rnn(Activation),
    /// [`lstm`](crate::lstm).
    Lstm,
    /// [`gru`](crate::gru).
    Gru,
    /// [`minimal`](crate::minimal).
    Minimal(Minimal),
}

impl Cell {
    pub(super) fn gates(self) -> usize {
        match self {
            Cell::Rnn(_) => 1,
            Cell::Lstm => 4,
            Cell::Gru => 3,
            Cell::Minimal(cell) => cell.gates(),
        }
    }
}

/// A recurrent layer that reads any number of sequences side by side, one step at a time. The
/// caller owns their states.
///
/// For the same projected input, the values are bit-identical to those of the sequence operations.
#[derive(Debug)]
pub struct CellStepper {
    cell: Cell,
    arch: Arch,
    /// None if the cell has no recurrent product.
    weight_hh: Option<Packed>,
    /// `[3H]`, of a GRU: `b_h`.
    bias: Vec<f32>,
    /// `H`
    width: usize,
}

impl CellStepper {
    /// The layer of `width` `H` with these weights: `weight_hh` `[G, H]`, which the [minimal](crate::minimal) cells do
    /// not have, and `bias_hh` `[3H]`, which only a GRU uses, by default zeros. `None` if native code does not support
    /// the weights.
    ///
    /// # Panics
    /// If a weight has another shape, or is missing.
    pub fn new(
        cell: Cell,
        width: usize,
        weight_hh: Option<Tensor<2>>,
        bias_hh: Option<Tensor<1>>,
        rows: Rows,
    ) -> Option<Self> {
        let gates = cell.gates();
        let weight_hh = match cell {
            Cell::Minimal(_) => None,
            Cell::Rnn(_) | Cell::Lstm | Cell::Gru => {
                let weight_hh = weight_hh.expect("the cell has a recurrent product, so it needs `weight_hh`");
                let (wanted, seen) = ([gates * width, width], weight_hh.dims());
                assert_eq!(seen, wanted, "`weight_hh` must have the shape [G, H] = [{gates}H, H]: H is {width}");
                Some(Packed::new(weight_hh, rows, Orientation::Transposed)?)
            }
        };
        let bias = match cell {
            Cell::Gru => bias_of("bias_hh", bias_hh, gates * width)?,
            _ => Vec::new(),
        };
        Some(Self { cell, arch: Arch::new(), weight_hh, bias, width })
    }

    /// Values per row that [`step`](Self::step) needs as its `memory`.
    pub fn memory(&self) -> usize {
        match self.cell {
            Cell::Lstm | Cell::Gru => self.width,
            Cell::Rnn(_) | Cell::Minimal(_) => 0,
        }
    }

    /// `H`: width of a row's hidden state.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Reads a step, given as the input projections `gates` `[N, G]`, which are overwritten, and updates the states
    /// `hidden` `[N, H]`. `memory` `[N, M]`, with [`memory`](Self::memory) values per row, is the cell state of an
    /// LSTM; a GRU uses it as a buffer.
    ///
    /// # Panics
    /// If the sizes do not match.
    pub fn step(&self, gates: &mut [f32], hidden: &mut [f32], memory: &mut [f32]) {
        let (width, stride) = (self.width, self.cell.gates() * self.width);
        if self.cell == Cell::Gru {
            // The reset gate scales the candidate's recurrent part before the input is added.
            for (row, candidate) in gates.chunks_exact_mut(stride).zip(memory.chunks_exact_mut(width)) {
                candidate.copy_from_slice(&row[2 * width..]);
                row[2 * width..].copy_from_slice(&self.bias[2 * width..]);
            }
        }
        if let Some(weight_hh) = &self.weight_hh {
            weight_hh.add_product(hidden, gates);
        }
        if hidden.len() == width {
            return self.finish(gates, hidden, memory);
        }
        for (r, (gates, hidden)) in gates.chunks_exact_mut(stride).zip(hidden.chunks_exact_mut(width)).enumerate() {
            self.finish(gates, hidden, memory.get_mut(r * width..(r + 1) * width).unwrap_or_default());
        }
    }

    /// The new state of a row from the pre-activations of its gates.
    fn finish(&self, gates: &mut [f32], hidden: &mut [f32], memory: &mut [f32]) {
        self.arch.dispatch(Gates { cell: self.cell, bias: &self.bias, gates, hidden, memory });
    }
}

/// The gates of a step of one row, from pre-activations to the new state.
struct Gates<'a> {
    cell: Cell,
    bias: &'a [f32],
    gates: &'a mut [f32],
    hidden: &'a mut [f32],
    memory: &'a mut [f32],
}

impl WithSimd for Gates<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { cell, bias, gates, hidden, memory } = self;
        let width = hidden.len();
        match cell {
            Cell::Rnn(activation) => {
                update(simd, rnn::cpu::Step(activation), [], [&mut *gates]);
                hidden.copy_from_slice(gates);
            }
            Cell::Lstm => lstm::cpu::step(simd, parts(gates, width), memory, hidden),
            Cell::Gru => {
                let [r, z, recurrent] = parts(gates, width);
                let inputs = [&*recurrent, &bias[..width], &bias[width..2 * width]];
                update(simd, gru::cpu::Step, inputs, [r, z, memory, hidden]);
            }
            Cell::Minimal(Minimal::Gru) => {
                let [z, x] = parts(gates, width).map(|part| &*part);
                update(simd, minimal::cpu::Step, [z, x], [hidden]);
            }
            Cell::Minimal(Minimal::Lstm) => {
                let [f, i, x] = parts(gates, width).map(|part| &*part);
                update(simd, minimal::cpu::Step, [f, i, x], [hidden]);
            }
        }
    }
}

#[cfg(test)]
mod tests;
