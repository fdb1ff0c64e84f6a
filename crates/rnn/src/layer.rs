//! What all cells have in common.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rekindle_kernels::Scan;

use crate::lstm_variants::{CoupledLstm, LayerNormLstm, PeepholeLstm, ReluLstm};
use crate::unrolled::LoopLayer;
use crate::{Gru, LayerState, Lstm, SequenceInput, StepInput, VanillaRnn};

/// One recurrent layer in one direction.
pub trait RecurrentLayer {
    /// `I`: features of a step.
    fn input_size(&self) -> usize;

    /// `H`: size of the hidden state.
    fn hidden_size(&self) -> usize;

    /// The state before the first step of a fresh sequence.
    fn zero_state(&self, batch: usize, device: &Device) -> LayerState;

    /// Runs the layer over a **time-major** sequence.
    ///
    /// # Shapes
    ///
    /// - input: `[T, B, I]`, or tokens `[T, B]`
    /// - state: `[B, H]`; zeros if none is given
    /// - returns the hidden states `[T, B, H]` and the final state
    ///
    /// # Panics
    ///
    /// If the input, the state or the lengths do not fit the layer.
    fn sequence(&self, input: SequenceInput, state: Option<LayerState>, scan: &Scan) -> (Tensor<3>, LayerState);

    /// Runs the layer over one step: the sequence of length 1, so with exactly
    /// its numbers.
    ///
    /// # Shapes
    ///
    /// - input: `[B, I]`, or tokens `[B]`
    /// - returns the hidden state `[B, H]` and the state
    ///
    /// # Panics
    ///
    /// If the input or the state does not fit the layer.
    fn step(&self, input: StepInput, state: LayerState) -> (Tensor<2>, LayerState) {
        let (hidden, state) = self.sequence(input.into(), Some(state), &Scan::default());
        (hidden.squeeze_dim(0), state)
    }
}

/// A layer of any [`Cell`](crate::Cell).
#[derive(Module, Debug)]
pub enum Layer {
    /// Vanilla, with tanh or ReLU.
    Vanilla(VanillaRnn),
    /// LSTM.
    Lstm(Lstm),
    /// GRU.
    Gru(Gru),
    /// LSTM with peepholes.
    Peephole(PeepholeLstm),
    /// LSTM with coupled input and forget gates.
    Coupled(CoupledLstm),
    /// LSTM with a ReLU candidate.
    ReluCandidate(ReluLstm),
    /// Layer-normalised LSTM.
    LayerNorm(LayerNormLstm),
}

impl Layer {
    fn cell(&self) -> &dyn RecurrentLayer {
        match self {
            Self::Vanilla(layer) => layer,
            Self::Lstm(layer) => layer,
            Self::Gru(layer) => layer,
            Self::Peephole(layer) => layer,
            Self::Coupled(layer) => layer,
            Self::ReluCandidate(layer) => layer,
            Self::LayerNorm(layer) => layer,
        }
    }
}

impl Layer {
    /// The layer for one loop of steps of whose input so many features are known.
    pub(crate) fn unrolled(&self, known: usize) -> Box<dyn LoopLayer + '_> {
        match self {
            Self::Vanilla(layer) => Box::new(layer.unrolled(known)),
            Self::Lstm(layer) => Box::new(layer.unrolled(known)),
            other => Box::new(other),
        }
    }
}

impl RecurrentLayer for Layer {
    fn input_size(&self) -> usize {
        self.cell().input_size()
    }

    fn hidden_size(&self) -> usize {
        self.cell().hidden_size()
    }

    fn zero_state(&self, batch: usize, device: &Device) -> LayerState {
        self.cell().zero_state(batch, device)
    }

    fn sequence(&self, input: SequenceInput, state: Option<LayerState>, scan: &Scan) -> (Tensor<3>, LayerState) {
        self.cell().sequence(input, state, scan)
    }
}
