//! The recurrence of one layer and one row, step by step.

use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};

use super::elements;
use crate::{
    cpu::{
        lanes::{parts, update},
        panels::Panels,
    },
    gru, lstm,
    rnn::{self, Activation},
};

/// Which recurrence is computed.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "made and consumed once a layer, never kept")]
pub enum Cell {
    /// [`rnn`](crate::rnn).
    Rnn(Activation),
    /// [`lstm`](crate::lstm).
    Lstm,
    /// [`gru`](crate::gru).
    Gru {
        /// `[3H]`; zeros if there is none.
        bias_hh: Option<Tensor<1>>,
    },
}

impl Cell {
    pub(super) fn gates(&self) -> usize {
        match self {
            Cell::Rnn(_) => 1,
            Cell::Lstm => 4,
            Cell::Gru { .. } => 3,
        }
    }
}

/// A recurrent layer that reads one sequence step by step and holds its state.
///
/// For the same projected input its numbers are those of the sequence operations to the
/// bit.
#[derive(Debug)]
pub struct CellStepper {
    arch: Arch,
    weight_hh: Panels,
    work: Work,
    /// `[G]`: the gates of the last step.
    gates: Vec<f32>,
    /// `[H]`: `h_t`.
    hidden: Vec<f32>,
}

/// What a recurrence has beside weights, gates and hidden state.
#[derive(Debug)]
enum Work {
    Rnn(Activation),
    Lstm {
        /// `[H]`: `c_t`.
        cell: Vec<f32>,
    },
    Gru {
        /// `[3H]`: `b_h`.
        bias: Vec<f32>,
        /// `[H]`: `n_t`.
        candidate: Vec<f32>,
    },
}

impl CellStepper {
    /// A layer with a state of zeros. `None` if the weights are not `f32` on a CPU backend.
    ///
    /// # Panics
    /// If `weight_hh` is not `[G, H]`, or the bias of a GRU not `[3H]`.
    pub fn new(cell: Cell, weight_hh: Tensor<2>) -> Option<Self> {
        let [rows, width] = weight_hh.dims();
        let gates = cell.gates();
        assert_eq!(rows, gates * width, "`weight_hh` must have the shape [G, H] = [{gates}H, H]: H is {width}");
        let work = match cell {
            Cell::Rnn(activation) => Work::Rnn(activation),
            Cell::Lstm => Work::Lstm { cell: vec![0.0; width] },
            Cell::Gru { bias_hh } => {
                let bias = match bias_hh {
                    Some(bias) => elements(bias)?,
                    None => vec![0.0; rows],
                };
                assert_eq!(bias.len(), rows, "`bias_hh` must have the shape [G] = [{rows}]");
                Work::Gru { bias, candidate: vec![0.0; width] }
            }
        };
        let arch = Arch::new();
        let weight_hh = Panels::pack_for_row(arch, &elements(weight_hh)?, width);
        Some(Self { arch, weight_hh, work, gates: vec![0.0; rows], hidden: vec![0.0; width] })
    }

    /// `[H]`: the hidden state.
    pub fn hidden(&self) -> &[f32] {
        &self.hidden
    }

    /// `[H]`: the cell state of an LSTM.
    pub fn cell(&self) -> Option<&[f32]> {
        match &self.work {
            Work::Lstm { cell } => Some(cell),
            Work::Rnn(_) | Work::Gru { .. } => None,
        }
    }

    /// Continues from this state; `cell` is read by an LSTM only.
    ///
    /// # Panics
    /// If a state is not of `H` numbers, or an LSTM gets no cell state.
    pub fn set_state(&mut self, hidden: &[f32], cell: Option<&[f32]>) {
        self.hidden.copy_from_slice(hidden);
        if let Work::Lstm { cell: memory } = &mut self.work {
            memory.copy_from_slice(cell.expect("an LSTM continues from a cell state too"));
        }
    }

    /// Reads one step, given as its input projection `[G]`, and returns `h_t`, `[H]`.
    ///
    /// # Panics
    /// If the projection is not of `G` numbers.
    pub fn step(&mut self, projection: &[f32]) -> &[f32] {
        self.gates.copy_from_slice(projection);
        if let Work::Gru { bias, candidate } = &mut self.work {
            // The reset gate scales the candidate's recurrent part before its input joins.
            let last = self.gates.len() - candidate.len();
            candidate.copy_from_slice(&projection[last..]);
            self.gates[last..].copy_from_slice(&bias[last..]);
        }
        self.weight_hh.times_row(self.arch, &self.hidden, &mut self.gates);
        let work = match &mut self.work {
            Work::Rnn(activation) => RowWork::Rnn(*activation),
            Work::Lstm { cell } => RowWork::Lstm { cell },
            Work::Gru { bias, candidate } => RowWork::Gru { bias, candidate },
        };
        self.arch.dispatch(Gates { work, gates: &mut self.gates, hidden: &mut self.hidden });
        &self.hidden
    }
}

/// The gates of a step of one row, from the sums under their nonlinearities to the new state.
pub(super) struct Gates<'a> {
    pub work: RowWork<'a>,
    pub gates: &'a mut [f32],
    pub hidden: &'a mut [f32],
}

/// What a row has beside weights, gates and hidden state.
pub(super) enum RowWork<'a> {
    Rnn(Activation),
    Lstm { cell: &'a mut [f32] },
    Gru { bias: &'a [f32], candidate: &'a mut [f32] },
}

impl WithSimd for Gates<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.hidden.len();
        match self.work {
            RowWork::Rnn(activation) => {
                update(simd, rnn::cpu::Step(activation), [], [&mut *self.gates]);
                self.hidden.copy_from_slice(self.gates);
            }
            RowWork::Lstm { cell } => {
                lstm::cpu::step(simd, parts(self.gates, width), cell, self.hidden);
            }
            RowWork::Gru { bias, candidate } => {
                let [r, z, recurrent] = parts(self.gates, width);
                let inputs = [&*recurrent, &bias[..width], &bias[width..2 * width]];
                update(simd, gru::cpu::Step, inputs, [r, z, candidate, self.hidden]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use rekindle_testing::cpus;
    use rstest::rstest;

    use super::*;
    use crate::{Input, Scan};

    fn tensor<const D: usize>(shape: [usize; D], seed: f32, device: &Device) -> Tensor<D> {
        let values = (0..shape.iter().product()).map(|at: usize| (at as f32 * 0.7 + seed).sin() * 0.4);
        Tensor::from_data(TensorData::new(values.collect(), shape), device)
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        elements(tensor).expect("f32 on a CPU")
    }

    /// The sequence operation: hidden states of all steps, and the final cell state.
    fn sequence(
        cell: Cell,
        input: Tensor<3>,
        weight: Tensor<2>,
        state: [Tensor<2>; 2],
    ) -> (Tensor<3>, Option<Tensor<2>>) {
        let (input, [h, c], scan) = (Input::Projected(input), state, Scan::default());
        match cell {
            Cell::Rnn(activation) => (rnn::rnn(input, weight, h, activation, &scan).hidden, None),
            Cell::Lstm => {
                let output = lstm::lstm(input, weight, h, c, &scan);
                (output.hidden, Some(output.last_cell))
            }
            Cell::Gru { bias_hh } => {
                let bias = bias_hh.unwrap_or_else(|| Tensor::zeros([weight.dims()[0]], &weight.device()));
                (gru::gru(input, weight, bias, h, &scan).hidden, None)
            }
        }
    }

    #[rstest]
    fn steps_have_the_bits_of_the_sequence(#[values(1, 5, 17, 100, 384)] width: usize) {
        const STEPS: usize = 6;
        for device in cpus() {
            let bias_hh = Some(tensor([3 * width], 0.3, &device));
            let cells = [
                Cell::Rnn(Activation::Tanh),
                Cell::Rnn(Activation::Relu),
                Cell::Lstm,
                Cell::Gru { bias_hh },
                Cell::Gru { bias_hh: None },
            ];
            for cell in cells {
                let rows = cell.gates() * width;
                let (weight, input) = (tensor([rows, width], 0.1, &device), tensor([STEPS, 1, rows], 0.2, &device));
                let state = [tensor([1, width], 0.5, &device), tensor([1, width], 0.6, &device)];
                let (wanted, wanted_cell) = sequence(cell.clone(), input.clone(), weight.clone(), state.clone());

                let mut stepper = CellStepper::new(cell.clone(), weight).expect("f32 on a CPU");
                let [h, c] = state.map(values);
                stepper.set_state(&h, Some(&c));
                let wanted = values(wanted);
                for (x, wanted) in values(input).chunks_exact(rows).zip(wanted.chunks_exact(width)) {
                    assert_eq!(stepper.step(x), wanted, "{cell:?} of width {width} on {device:?}");
                }
                assert_eq!(stepper.cell().map(<[f32]>::to_vec), wanted_cell.map(values));
            }
        }
    }

    #[test]
    #[should_panic(expected = "`weight_hh` must have the shape [G, H] = [4H, H]: H is 3")]
    fn weights_of_another_cell_are_refused() {
        let device = cpus().remove(0);
        let _ = CellStepper::new(Cell::Lstm, tensor([9, 3], 0.0, &device));
    }
}
