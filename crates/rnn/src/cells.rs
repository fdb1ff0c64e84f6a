//! The cells: one list, and a file with the equations of each.
//!
//! A new cell is a file here with its [`Equations`], and a line in the list below. Layers, stacks,
//! steppers, settings, help texts, imported weights and the tests of all cells follow the list.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::equations::Definition;

mod coupled;
mod gru;
mod layer_norm;
mod lstm;
mod min_gru;
mod min_lstm;
mod mogrifier;
mod peephole;
mod relu_candidate;
mod vanilla;

/// Declares the cells: for each its variant, its name on the command line and in files, its name in
/// the paths of stored parameters, its equations and a one-line description.
macro_rules! cells {
    ($($variant:ident $name:literal $record:literal $equations:path: $summary:literal;)+) => {
        /// The cell of a layer.
        ///
        /// Names on the command line, in configuration files and from [`Display`](fmt::Display) are
        /// the same: [`name`](Self::name).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Cell {
            $(#[doc = concat!("`", $name, "`: ", $summary)] #[serde(rename = $name)] $variant,)+
        }

        impl Cell {
            /// All cells, the plain ones first.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            pub(crate) fn definition(self) -> &'static Definition {
                match self {
                    $(Self::$variant => const { &Definition::new::<$equations, _>($name, $record, $summary) },)+
                }
            }
        }
    };
}

cells! {
    Rnn "rnn" "Vanilla" vanilla::Tanh: "vanilla network, `h_t = tanh(W_xh x_t + W_hh h_{t-1} + b)`";
    RnnRelu "rnn-relu" "Vanilla" vanilla::Relu: "vanilla network with ReLU in place of tanh";
    Lstm "lstm" "Lstm" lstm::Lstm: "long short-term memory";
    Gru "gru" "Gru" gru::Gru: "gated recurrent unit";
    PeepholeLstm "peephole-lstm" "Peephole" peephole::Peephole: "LSTM whose gates read the cell state";
    CoupledLstm "coupled-lstm" "Coupled" coupled::Coupled: "LSTM with `f = 1 - i`, without peepholes";
    ReluLstm "relu-lstm" "ReluCandidate" relu_candidate::ReluCandidate: "LSTM with a ReLU candidate";
    LayerNormLstm "layer-norm-lstm" "LayerNorm" layer_norm::LayerNorm: "layer-normalised LSTM";
    MogrifierLstm "mogrifier-lstm" "Mogrifier" mogrifier::Mogrifier:
        "LSTM whose input and state gate each other before each step";
    MinGru "min-gru" "MinGru" min_gru::MinGru: "GRU whose gate depends on the input only, with no recurrent product";
    MinLstm "min-lstm" "MinLstm" min_lstm::MinLstm:
        "LSTM whose gates depend on the input only, with no recurrent product";
}

impl Cell {
    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        self.definition().name
    }

    /// A one-line description.
    pub fn summary(self) -> &'static str {
        self.definition().summary
    }

    /// Number of blocks of `H` rows in `weight_ih`, and in `weight_hh` if there is one: `G = gates x H`.
    pub fn gates(self) -> usize {
        self.definition().rows.len()
    }

    /// The letters of the gates and the candidate, in the order of their blocks of `H` rows; `h` for a vanilla network.
    pub fn gate_rows(self) -> &'static [&'static str] {
        self.definition().rows
    }

    /// Whether a step multiplies the hidden state by weights, so that there are `weight_hh` and `bias_hh`.
    pub fn has_recurrent_product(self) -> bool {
        self.definition().has_product
    }

    /// Whether there is a forget gate, whose bias can be initialised.
    pub fn has_forget_gate(self) -> bool {
        self.definition().forget_gate.is_some()
    }

    /// Whether there is a cell state `c` in addition to the hidden state `h`.
    pub fn has_cell_state(self) -> bool {
        self.definition().has_cell_state
    }

    /// The names of a layer's weights, those of `torch.nn.LSTM` first.
    pub fn weight_names(self, bias: bool) -> impl Iterator<Item = &'static str> {
        self.definition().weights(bias).map(|weight| weight.name)
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
