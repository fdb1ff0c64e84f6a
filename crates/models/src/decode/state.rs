//! The state of a decoder.

use burn::tensor::{Device, Tensor};
use rekindle_rnn::State;

use crate::attention::Memory;
use crate::host::ids;

/// What a decoder keeps of the symbols that it has read, with a row for each sequence.
#[derive(Clone, Debug)]
pub struct DecoderState {
    /// Hidden states; none before the first symbol of a decoder that begins with zeros.
    pub(crate) recurrent: Option<State>,
    /// What attention reads, with a row for each row.
    pub(crate) memory: Option<Memory>,
    /// What is read beside the next symbol, `[N, F]`.
    pub(crate) beside: Option<Tensor<2>>,
    /// The input that each row belongs to. Rows of one input share its memory and need no new one
    /// to change places.
    pub(crate) inputs: Vec<usize>,
}

impl DecoderState {
    /// The state of these rows, in this order and with repetitions.
    pub(crate) fn select_rows(self, rows: &[usize], device: &Device) -> Self {
        let inputs: Vec<usize> = rows.iter().map(|&row| self.inputs[row]).collect();
        let numbers = ids(rows.iter().map(|&row| row as u32), device);
        let memory = match self.memory {
            Some(memory) if inputs != self.inputs => Some(memory.select_rows(numbers.clone())),
            memory => memory,
        };
        let beside = self.beside.map(|beside| beside.select(0, numbers));
        Self { recurrent: self.recurrent.map(|state| state.select_rows(rows)), memory, beside, inputs }
    }
}
