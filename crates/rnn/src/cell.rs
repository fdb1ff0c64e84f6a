//! The recurrences that a layer can compute.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// Which recurrence a layer computes.
///
/// The names on the command line, in configuration files and from
/// [`Display`](fmt::Display) are the same: `rnn`, `rnn-relu`, `lstm`, `gru`,
/// `peephole-lstm`, `coupled-lstm`, `relu-lstm`, `layer-norm-lstm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// `h_t = tanh(W_xh x_t + W_hh h_{t-1} + b)`: [`VanillaRnn`](crate::VanillaRnn).
    Rnn,
    /// The vanilla recurrence with ReLU in place of tanh.
    RnnRelu,
    /// Long short-term memory: [`Lstm`](crate::Lstm).
    Lstm,
    /// Gated recurrent unit: [`Gru`](crate::Gru).
    Gru,
    /// LSTM whose gates see the cell state:
    /// [`PeepholeLstm`](crate::lstm_variants::PeepholeLstm).
    PeepholeLstm,
    /// LSTM with `f = 1 - i`: [`CoupledLstm`](crate::lstm_variants::CoupledLstm).
    CoupledLstm,
    /// LSTM with a ReLU candidate: [`ReluLstm`](crate::lstm_variants::ReluLstm).
    ReluLstm,
    /// Layer-normalised LSTM:
    /// [`LayerNormLstm`](crate::lstm_variants::LayerNormLstm).
    LayerNormLstm,
}

impl Cell {
    /// All cells, the plain ones first.
    pub const ALL: [Self; 8] = [
        Self::Rnn,
        Self::RnnRelu,
        Self::Lstm,
        Self::Gru,
        Self::PeepholeLstm,
        Self::CoupledLstm,
        Self::ReluLstm,
        Self::LayerNormLstm,
    ];

    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rnn => "rnn",
            Self::RnnRelu => "rnn-relu",
            Self::Lstm => "lstm",
            Self::Gru => "gru",
            Self::PeepholeLstm => "peephole-lstm",
            Self::CoupledLstm => "coupled-lstm",
            Self::ReluLstm => "relu-lstm",
            Self::LayerNormLstm => "layer-norm-lstm",
        }
    }

    /// Blocks of `H` rows in `weight_ih` and `weight_hh`: `G = gates x H`.
    pub fn gates(self) -> usize {
        match self {
            Self::Rnn | Self::RnnRelu => 1,
            Self::Gru | Self::CoupledLstm => 3,
            Self::Lstm | Self::PeepholeLstm | Self::ReluLstm | Self::LayerNormLstm => 4,
        }
    }

    /// Whether the state has a cell state `c` beside the hidden state `h`.
    pub fn has_cell_state(self) -> bool {
        !matches!(self, Self::Rnn | Self::RnnRelu | Self::Gru)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Cell {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|cell| cell.name() == name).ok_or_else(|| Error::UnknownCell { name: name.into() })
    }
}
