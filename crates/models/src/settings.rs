//! Settings that recurrent models share.
//!
//! Each model is initialised from a group of settings, declared beside it, which includes [`RecurrentSettings`], and
//! from sizes that are known only at run time.

#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
pub(crate) mod by_hand;
#[cfg(test)]
mod tests;
mod widths;

pub use widths::Widths;

use rekindle_rnn::{Cell, Initialization, Penalties, RecurrentConfig, Regularization, Scheme};
use rekindle_settings::{Field, SettingError, Settings, settings};
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
    /// Dropout probability of the stack's input, with one mask for all time steps.
    pub locked_input: f64,
    /// The same of the hidden states between layers.
    pub locked_hidden: f64,
    /// The same of the hidden states of the last layer.
    pub locked_output: f64,
    /// Dropout probability of the recurrent weights.
    pub weight_drop: f64,
    /// Probability that a unit keeps its hidden state.
    pub zoneout: f64,
    /// Probability that a unit keeps its cell state.
    pub zoneout_cell: f64,
}

settings! {
    /// Penalties on the hidden states of a stack's last layer, which are added to the training loss.
    pub struct PenaltySettings {
        /// Weight of the mean square of the last layer's hidden states in the training loss (AR)
        activation_penalty: f64 => value("WEIGHT").at_least(0);
        /// Weight of the mean square of their change from one time step to the next (TAR)
        slowness_penalty: f64 => value("WEIGHT").at_least(0);
    }
}

impl PenaltySettings {
    /// As the stack takes them.
    pub fn penalties(&self) -> Penalties {
        Penalties { activation: self.activation_penalty, slowness: self.slowness_penalty }
    }
}

/// A setting that selects a cell.
pub trait CellChoice: 'static + Copy + From<Cell> + Serialize + DeserializeOwned {
    /// The names to choose from.
    fn names() -> Vec<&'static str>;

    /// The cell; none if the choice is to have no recurrence.
    fn cell(self) -> Option<Cell>;
}

impl CellChoice for Cell {
    fn names() -> Vec<&'static str> {
        Self::ALL.map(Self::name).to_vec()
    }

    fn cell(self) -> Option<Cell> {
        Some(self)
    }
}

impl<C: CellChoice> Default for RecurrentSettings<C> {
    fn default() -> Self {
        Self {
            cell: Cell::Lstm.into(),
            layers: 1,
            hidden: 128,
            dropout: 0.0,
            init: Scheme::Pytorch,
            forget_bias: 1.0,
            locked_input: 0.0,
            locked_hidden: 0.0,
            locked_output: 0.0,
            weight_drop: 0.0,
            zoneout: 0.0,
            zoneout_cell: 0.0,
        }
    }
}

impl<C: CellChoice> Settings for RecurrentSettings<C> {
    fn fields() -> Vec<Field> {
        let probability = |key, help| Field::of::<f64>(key, help).value("PROBABILITY").at_least(0).below(1);
        let forget_bias = "Initial bias of the forget gate; 1 helps with long dependencies";
        vec![
            Field::of::<C>("cell", "Recurrent cell").value("NAME").choices(C::names()),
            Field::of::<usize>("layers", "Stacked layers").value("COUNT").at_least(1).at_most(1000).alias("num-layers"),
            Field::of::<usize>("hidden", "Width of the hidden state").value("WIDTH").at_least(1).alias("rnn-size"),
            probability("dropout", "Dropout probability, between layers and before the output"),
            Field::of::<Scheme>("init", "Initialisation of the recurrent weights")
                .value("NAME")
                .choices(Scheme::ALL.map(Scheme::name)),
            Field::of::<f64>("forget_bias", forget_bias).value("BIAS"),
            probability(
                "locked_input",
                "Dropout probability of the recurrence's input, with one mask for all time steps of a sequence",
            ),
            probability("locked_hidden", "The same between layers, besides --dropout"),
            probability("locked_output", "The same of the last layer's hidden states, besides --dropout"),
            probability("weight_drop", "Dropout probability of the recurrent weights, with one mask for a whole batch"),
            probability("zoneout", "Probability that a unit keeps its hidden state for a time step; slow"),
            probability("zoneout_cell", "Probability that a unit keeps its cell state for a time step; slow"),
        ]
    }

    fn check(&self) -> Result<(), SettingError> {
        let cell = self.cell.cell().unwrap_or(Cell::Lstm);
        if self.weight_drop > 0.0 && !cell.has_recurrent_product() {
            let wanted = format!("0 with --cell {cell}, which has no recurrent weights");
            return Err(SettingError::invalid("weight-drop", self.weight_drop, wanted));
        }
        if self.zoneout_cell > 0.0 && !cell.has_cell_state() {
            let wanted = format!("0 with --cell {cell}, which has no cell state");
            return Err(SettingError::invalid("zoneout-cell", self.zoneout_cell, wanted));
        }
        Ok(())
    }
}

impl<C: CellChoice> RecurrentSettings<C> {
    /// These settings with another cell.
    pub fn with_cell<D: CellChoice>(&self, cell: D) -> RecurrentSettings<D> {
        let Self { layers, hidden, dropout, init, forget_bias, .. } = *self;
        let Self { locked_input, locked_hidden, locked_output, weight_drop, zoneout, zoneout_cell, .. } = *self;
        RecurrentSettings {
            cell,
            layers,
            hidden,
            dropout,
            init,
            forget_bias,
            locked_input,
            locked_hidden,
            locked_output,
            weight_drop,
            zoneout,
            zoneout_cell,
        }
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
            .with_regularization(self.regularization())
    }

    /// These settings without any dropout in training; zoneout stays, as it acts in evaluations too.
    #[must_use]
    pub fn without_dropout(&self) -> Self {
        let kept = self.clone();
        Self { dropout: 0.0, locked_input: 0.0, locked_hidden: 0.0, locked_output: 0.0, weight_drop: 0.0, ..kept }
    }

    /// The dropout of the stack besides `dropout`.
    fn regularization(&self) -> Regularization {
        let Self { locked_input, locked_hidden, locked_output, weight_drop, zoneout, zoneout_cell, .. } = *self;
        Regularization { locked_input, locked_hidden, locked_output, weight_drop, zoneout, zoneout_cell }
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
