//! Settings that recurrent models share.
//!
//! Each model is initialised from a group of settings, declared beside it, which includes [`RecurrentSettings`], and
//! from sizes that are known only at run time.

#[cfg(test)]
mod tests;

use rekindle_rnn::{Cell, Initialization, RecurrentConfig, Scheme};
use rekindle_settings::{Field, Settings};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Settings of a recurrent stack, with a cell `C`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, bound = "")]
pub struct RecurrentSettings<C: CellChoice = Cell> {
    /// The cell.
    pub cell: C,
    /// `L`: stacked layers.
    pub layers: usize,
    /// `H`: width of the hidden state of a layer, in each direction.
    pub hidden: usize,
    /// Dropout probability, between layers and before the output.
    pub dropout: f64,
    /// Initialisation of the recurrent weights.
    pub init: Scheme,
    /// Initial bias of the forget gate.
    pub forget_bias: f64,
}

/// A setting that selects a cell.
pub trait CellChoice: 'static + Copy + From<Cell> + Serialize + DeserializeOwned {
    /// The names to choose from.
    fn names() -> Vec<&'static str>;
}

impl CellChoice for Cell {
    fn names() -> Vec<&'static str> {
        Self::ALL.map(Self::name).to_vec()
    }
}

impl<C: CellChoice> Default for RecurrentSettings<C> {
    fn default() -> Self {
        Self { cell: Cell::Lstm.into(), layers: 1, hidden: 128, dropout: 0.0, init: Scheme::Pytorch, forget_bias: 1.0 }
    }
}

impl<C: CellChoice> Settings for RecurrentSettings<C> {
    fn fields() -> Vec<Field> {
        let forget_bias = "Initial bias of the forget gate; 1 helps with long dependencies";
        vec![
            Field::of::<C>("cell", "Recurrent cell").value("NAME").choices(C::names()),
            Field::of::<usize>("layers", "Stacked layers").value("COUNT").at_least(1).at_most(1000).alias("num-layers"),
            Field::of::<usize>("hidden", "Width of the hidden state").value("WIDTH").at_least(1).alias("rnn-size"),
            Field::of::<f64>("dropout", "Dropout probability, between layers and before the output")
                .value("PROBABILITY")
                .at_least(0)
                .below(1),
            Field::of::<Scheme>("init", "Initialisation of the recurrent weights")
                .value("NAME")
                .choices(Scheme::ALL.map(Scheme::name)),
            Field::of::<f64>("forget_bias", forget_bias).value("BIAS"),
        ]
    }
}

impl<C: CellChoice> RecurrentSettings<C> {
    /// These settings with another cell.
    pub fn with_cell<D: CellChoice>(&self, cell: D) -> RecurrentSettings<D> {
        let Self { cell: _, layers, hidden, dropout, init, forget_bias } = *self;
        RecurrentSettings { cell, layers, hidden, dropout, init, forget_bias }
    }
}

impl RecurrentSettings {
    /// The configuration of the stack for inputs of `input_size` features.
    pub fn config(&self, input_size: usize) -> RecurrentConfig {
        let init = Initialization::new().with_scheme(self.init).with_forget_gate_bias(Some(self.forget_bias));
        RecurrentConfig::new(input_size, self.hidden, self.cell)
            .with_num_layers(self.layers)
            .with_dropout(self.dropout)
            .with_init(init)
    }

    /// The least count of values that a training step keeps for the backward pass, per row and time step: for each
    /// layer the gates, the state, and the input of the layer above.
    pub fn kept(&self) -> f64 {
        self.layers as f64 * (self.cell.gates() + 2) as f64 * self.hidden as f64
    }

    /// Number of tensors in the state of the stack: the hidden state of each layer, and its cell state if there is
    /// one.
    pub(crate) fn states(&self) -> usize {
        self.layers * if self.cell.has_cell_state() { 2 } else { 1 }
    }
}
