//! The state of a decoder.

use burn::tensor::{Device, Tensor};
use rekindle_rnn::State;

use crate::attention::Memory;
use crate::host::ids;

/// The decoder state, with a row for each sequence.
#[derive(Clone, Debug)]
pub struct DecoderState {
    /// Hidden states; none before the first token of a decoder that starts with zeros.
    pub(crate) recurrent: Option<State>,
    /// The attention memory, with a row for each sequence.
    pub(crate) memory: Option<Memory>,
    /// Features that are read along with the next token, `[N, F]`.
    pub(crate) beside: Option<Tensor<2>>,
    /// The input of each row. Rows of one input have the same memory, so that they can swap places without selecting
    /// it again.
    pub(crate) inputs: Vec<usize>,
}

impl DecoderState {
    /// Selects these rows, in this order and with repetitions.
    pub(crate) fn select_rows(&mut self, rows: &[usize], device: &Device) {
        let inputs: Vec<usize> = rows.iter().map(|&row| self.inputs[row]).collect();
        if inputs != self.inputs {
            self.memory = self.memory.take().map(|memory| memory.select_rows(rows));
        }
        let numbers = ids(rows.iter().map(|&row| row as u32), device);
        self.beside = self.beside.take().map(|beside| beside.select(0, numbers));
        self.recurrent = self.recurrent.take().map(|state| state.select_rows(rows));
        self.inputs = inputs;
    }
}
