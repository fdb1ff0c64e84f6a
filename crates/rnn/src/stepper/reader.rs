//! A network prepared to read whole sequences, one at a time.

use burn::tensor::{Device, Tensor, TensorData};
use rekindle_kernels::Direction;
use rekindle_kernels::parallel::for_each;
use rekindle_kernels::step::Rows;

use super::SteppedLayer;
use crate::{LayerState, Recurrent, State};

/// A [`Recurrent`] network prepared to read one sequence at a time, in one or both directions: its weights are packed
/// once, not for each sequence.
///
/// Created by [`Recurrent::reader`]. Later changes of the network's weights do not affect it. Several sequences of
/// similar lengths are faster [side by side](Recurrent::forward).
#[derive(Debug)]
pub struct Reader {
    /// The directions of each level: forward, then reverse if there is one.
    levels: Vec<Vec<SteppedLayer>>,
    has_cell_state: bool,
    device: Device,
}

impl Recurrent {
    /// Prepares the network to read one sequence at a time.
    ///
    /// `None` if there is no native code for it: for variants of the LSTM, weights that native code does not support,
    /// and weights on a training device (whose dropout is active).
    pub fn reader(&self) -> Option<Reader> {
        if !self.has_steps() {
            return None;
        }
        let levels = self.layers.iter().map(|level| {
            let directions = std::iter::once(&level.forward).chain(&level.reverse);
            directions.map(|layer| SteppedLayer::new(&layer.values(), Some(Rows::Several), Rows::One)).collect()
        });
        let levels = levels.collect::<Option<_>>()?;
        Some(Reader { levels, has_cell_state: self.cell().has_cell_state(), device: self.device() })
    }
}

impl Reader {
    /// Reads a sequence from the zero state: what [`Recurrent::forward`] gives for a batch of one.
    ///
    /// # Shapes
    ///
    /// - input: `[T, I]`
    /// - returns the hidden states of the last layer, `[T, D*H]`, and the final state of every layer, of a batch of 1
    ///
    /// # Panics
    ///
    /// If the input does not consist of whole steps.
    pub fn read(&self, input: &[f32]) -> (Vec<f32>, State) {
        let mut below = input.to_vec();
        let mut state = State { layers: Vec::new() };
        for level in &self.levels {
            let directions = level.iter().zip([Direction::Forward, Direction::Reverse]).collect();
            let read = for_each(&self.device, directions, |(layer, direction)| layer.read(&below, direction));
            below = beside(&read);
            state.layers.extend(read.into_iter().map(|read| LayerState {
                hidden: self.row(read.last),
                cell: self.has_cell_state.then(|| self.row(read.memory)),
            }));
        }
        (below, state)
    }

    /// `[1, H]`
    fn row(&self, values: Vec<f32>) -> Tensor<2> {
        let shape = [1, values.len()];
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }
}

/// What one layer read in one direction.
struct Read {
    /// `[T, H]`
    hidden: Vec<f32>,
    /// `[H]`: the final hidden state.
    last: Vec<f32>,
    /// The final cell state, `[H]`, of a cell that has one.
    memory: Vec<f32>,
}

impl SteppedLayer {
    fn read(&self, x: &[f32], direction: Direction) -> Read {
        let width = self.cell.width();
        let mut gates = self.input.as_ref().expect("a reader's layers project their inputs").product(x);
        let steps = gates.len() / self.gates;
        let (mut last, mut memory) = (vec![0.0; width], vec![0.0; self.cell.memory()]);
        let mut hidden = vec![0.0; steps * width];
        for step in 0..steps {
            let t = match direction {
                Direction::Forward => step,
                Direction::Reverse => steps - 1 - step,
            };
            self.cell.step(&mut gates[t * self.gates..][..self.gates], &mut last, &mut memory);
            hidden[t * width..][..width].copy_from_slice(&last);
        }
        Read { hidden, last, memory }
    }
}

/// `[T, D*H]`: the hidden states of both directions side by side.
fn beside(directions: &[Read]) -> Vec<f32> {
    let steps = directions[0].hidden.len() / directions[0].last.len();
    let row = |t| directions.iter().flat_map(move |read| &read.hidden[t * read.last.len()..][..read.last.len()]);
    (0..steps).flat_map(row).copied().collect()
}
