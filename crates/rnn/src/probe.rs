//! The gradient of a loss with respect to every state of a network, at every time step.
//!
//! A state inside a sequence is no leaf, so its gradient is not kept. Here the network runs step by step and adds
//! tensors of zeros to its states, the *probes*:
//!
//! ```text
//! h_t = f(h_{t-1}, x_t) + e_t     ∂L/∂h_t = ∂L/∂e_t
//! ```
//!
//! The layer above and the next time step read `h_t`, so that the gradient is through both.

use burn::tensor::{Int, Tensor};
use rekindle_kernels::Direction;

use crate::trace::in_order;
use crate::{Layer, LayerState, Recurrent, SequenceInput, StepInput};

/// The probes of a layer in one direction.
#[derive(Clone, Debug)]
pub struct Probes {
    /// The layer, counted from 0.
    pub layer: usize,
    /// Whether it reads the sequence in reverse.
    pub reverse: bool,
    /// Those of the hidden states: `T` times `[B, H]`.
    pub hidden: Vec<Tensor<2>>,
    /// Those of the cell states, for the LSTM family; else none.
    pub cell: Vec<Tensor<2>>,
}

impl Recurrent {
    /// Runs the network over **time-major** sequences from a state of zeros, with probes. Returns the hidden states of
    /// the last layer, `T` times `[B, D*H]`, and the probes of every layer and direction. Without dropout.
    ///
    /// Memory: everything that a step keeps for the backward pass, at each of the `T` steps; the operations are those
    /// of single steps. It is for hundreds of time steps, not for training.
    ///
    /// # Panics
    ///
    /// If the input does not fit, or the device has no autodiff.
    pub fn probed(&self, input: impl Into<SequenceInput>) -> (Vec<Tensor<2>>, Vec<Probes>) {
        let (mut steps, mut probes) = (steps(input.into()), Vec::new());
        for (index, level) in self.layers.iter().enumerate() {
            let mut outputs: Vec<Vec<Tensor<2>>> = vec![Vec::new(); steps.len()];
            let directions = [(Some(&level.forward), Direction::Forward), (level.reverse.as_ref(), Direction::Reverse)];
            for (layer, direction) in directions {
                let Some(layer) = layer else { continue };
                let (hidden, of_layer) = layer.probed(&steps, direction);
                hidden.into_iter().zip(&mut outputs).for_each(|(hidden, output)| output.push(hidden));
                let (hidden, cell) = of_layer;
                probes.push(Probes { layer: index, reverse: direction == Direction::Reverse, hidden, cell });
            }
            steps = outputs.into_iter().map(|outputs| Tensor::cat(outputs, 1).into()).collect();
        }
        let outputs = steps.into_iter().map(|step| match step {
            StepInput::Dense(rows) => rows,
            _ => unreachable!("the output of a layer is dense"),
        });
        (outputs.collect(), probes)
    }
}

impl Layer {
    /// The hidden states of all steps, and the probes of hidden and cell states, each in the order of time.
    fn probed(&self, steps: &[StepInput], direction: Direction) -> (Vec<Tensor<2>>, (Vec<Tensor<2>>, Vec<Tensor<2>>)) {
        let batch = steps.first().map_or(0, |step| step.rows());
        let mut state = self.zero_state(batch, &self.matrix("weight_ih").device());
        let (mut outputs, mut hidden, mut cell) = (Vec::new(), Vec::new(), Vec::new());
        for t in in_order(steps.len(), direction) {
            let (_, after) = self.step(steps[t].clone(), state);
            let probe = |tensor: Tensor<2>, probes: &mut Vec<Tensor<2>>| {
                let probe = tensor.zeros_like().detach().require_grad();
                probes.push(probe.clone());
                tensor + probe
            };
            state = LayerState {
                hidden: probe(after.hidden, &mut hidden),
                cell: after.cell.map(|tensor| probe(tensor, &mut cell)),
            };
            outputs.push(state.hidden.clone());
        }
        if direction == Direction::Reverse {
            [&mut outputs, &mut hidden, &mut cell].into_iter().for_each(|tensors| tensors.reverse());
        }
        (outputs, (hidden, cell))
    }
}

/// The steps of a time-major sequence.
fn steps(input: SequenceInput) -> Vec<StepInput> {
    let tokens_at = |tokens: &Tensor<2, Int>, t: usize| tokens.clone().narrow(0, t, 1).squeeze_dim::<1>(0);
    let [time, _] = input.outer_dims();
    let step = |t: usize| match &input {
        SequenceInput::Dense(rows) => StepInput::Dense(rows.clone().narrow(0, t, 1).squeeze_dim(0)),
        SequenceInput::Embedded { table, tokens } => {
            StepInput::Embedded { table: table.clone(), tokens: tokens_at(tokens, t) }
        }
        SequenceInput::OneHot { tokens } => StepInput::OneHot { tokens: tokens_at(tokens, t) },
    };
    (0..time).map(step).collect()
}
