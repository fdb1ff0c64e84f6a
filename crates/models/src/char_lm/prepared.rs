//! A model prepared to read one text on a CPU: weights are packed once, without tensors.

use rekindle_kernels::step::Rows;
use rekindle_rnn::{PackedLinear, State, StepState, Stepper};

use super::{CharLm, Output};
use crate::prepared::packed;

/// A prepared model; [`Recurrent::stepper`](rekindle_rnn::Recurrent::stepper) lists the models that it covers.
#[derive(Debug)]
pub(super) struct Prepared {
    stepper: Stepper,
    state: StepState,
    projection: Option<PackedLinear>,
    output: PackedLinear,
    /// `[I]`
    projected: Vec<f32>,
    /// `[V]`
    logits: Vec<f32>,
    has_cell_state: bool,
}

impl Prepared {
    /// `None` if native code does not cover the model.
    pub fn new(model: &CharLm, state: Option<&State>) -> Option<Self> {
        let table = model.embedding.as_ref().map(|table| table.val());
        let stepper = model.recurrent.stepper(table.clone())?;
        let state = match state {
            Some(state) => stepper.state(state),
            None => stepper.state(&model.recurrent.zero_state(1, &model.recurrent.device())),
        };
        let projection = match &model.projection {
            Some(layer) => Some(packed(layer, Rows::One)?),
            None => None,
        };
        let projected = vec![0.0; projection.as_ref().map_or(0, PackedLinear::output_size)];
        let output = match &model.output {
            Output::Own(layer) => packed(layer, Rows::One)?,
            Output::Tied(bias) => PackedLinear::new(table?, Some(bias.val()), Rows::One)?,
        };
        let logits = vec![0.0; output.output_size()];
        let has_cell_state = model.recurrent.cell().has_cell_state();
        Some(Self { stepper, state, projection, output, projected, logits, has_cell_state })
    }

    /// Reads these tokens; returns the logits `[V]` of the token after the last.
    pub fn read(&mut self, before: &[u32], last: u32) -> &[f32] {
        for &symbol in before {
            self.stepper.step(symbol as usize, &mut self.state);
        }
        let hidden = self.stepper.step(last as usize, &mut self.state);
        match &self.projection {
            Some(projection) => {
                projection.apply(hidden, &mut self.projected);
                self.output.apply(&self.projected, &mut self.logits);
            }
            None => self.output.apply(hidden, &mut self.logits),
        }
        &self.logits
    }

    /// The activation of a unit of the hidden state, or of the cell state; none without such a unit.
    pub fn activation(&self, layer: usize, cell: bool, unit: usize) -> Option<f32> {
        let (hidden, memory) = self.state.layer(layer)?;
        if cell && !self.has_cell_state { None } else { [hidden, memory][usize::from(cell)].get(unit).copied() }
    }
}
