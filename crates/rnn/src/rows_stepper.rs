//! A network prepared to read several sequences side by side, a step at a time, as in a search.

use rekindle_kernels::step::{CellRows, PackedRows};

use crate::stepper::{parts, values};
use crate::{Recurrent, State};

/// A [`Recurrent`] network that reads rows step by step: its weights are packed once, and a step makes no tensor.
///
/// Made by [`Recurrent::rows_stepper`]. Later changes of the network's weights do not reach it. It may be used by several
/// threads at once, each with states of its own.
#[derive(Debug)]
pub struct RowsStepper {
    layers: Vec<(PackedRows, CellRows)>,
}

/// The state of some rows, layer by layer.
#[derive(Clone, Debug)]
pub struct RowsState {
    layers: Vec<RowsLayer>,
    rows: usize,
}

#[derive(Clone, Debug)]
struct RowsLayer {
    /// `[N, H]`
    hidden: Vec<f32>,
    /// `[N, H]`; empty without a cell state.
    cell: Vec<f32>,
}

impl Recurrent {
    /// The network prepared to read rows step by step; `None` where [`stepper`](Self::stepper) has none.
    pub fn rows_stepper(&self) -> Option<RowsStepper> {
        let layers = parts(self)?.into_iter().map(|parts| {
            Some((PackedRows::new(parts.weight_ih, parts.bias)?, CellRows::new(parts.cell, parts.weight_hh)?))
        });
        Some(RowsStepper { layers: layers.collect::<Option<_>>()? })
    }
}

impl RowsStepper {
    /// Reads a step `[N, I]` of all rows; returns the hidden states of the last layer, `[N, H]`.
    ///
    /// # Panics
    ///
    /// If the input is not of as many rows as the state, or the state not of the layers of this network.
    pub fn step<'s>(&self, x: &[f32], state: &'s mut RowsState) -> &'s [f32] {
        assert_eq!(self.layers.len(), state.layers.len(), "layers of the network and of the state");
        let mut below: &[f32] = x;
        for ((input, cell), layer) in self.layers.iter().zip(&mut state.layers) {
            let mut gates = input.apply(below);
            cell.step(&mut gates, &mut layer.hidden, &mut layer.cell);
            below = &layer.hidden;
        }
        state.layers.last().map_or(&[], |layer| &layer.hidden)
    }
}

impl RowsState {
    /// These rows, in this order and with repetitions.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let select = |numbers: &[f32]| -> Vec<f32> {
            let width = numbers.len() / self.rows.max(1);
            rows.iter().flat_map(|&row| &numbers[row * width..][..width]).copied().collect()
        };
        let layers = self.layers.iter();
        let layers = layers.map(|layer| RowsLayer { hidden: select(&layer.hidden), cell: select(&layer.cell) });
        Self { layers: layers.collect(), rows: rows.len() }
    }
}

impl From<&State> for RowsState {
    fn from(state: &State) -> Self {
        let layers = state.layers.iter().map(|layer| RowsLayer {
            hidden: values(layer.hidden.clone()),
            cell: layer.cell.clone().map(values).unwrap_or_default(),
        });
        Self { layers: layers.collect(), rows: state.batch_size() }
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::{Device, Distribution, Tensor};

    use super::*;
    use crate::{Cell, RecurrentConfig};

    #[test]
    fn rows_are_read_as_by_the_whole_network() {
        let device = Device::flex();
        for cell in [Cell::Rnn, Cell::Lstm, Cell::Gru] {
            let network = RecurrentConfig::new(5, 7, cell).with_num_layers(2).init(&device);
            let stepper = network.rows_stepper().unwrap();
            let x = Tensor::<3>::random([6, 3, 5], Distribution::Default, &device);
            let (first, state) = network.forward_time_major(x.clone().narrow(0, 0, 1), None, None);
            assert_eq!(first.dims(), [1, 3, 7]);
            let order = [2, 0, 2];
            let wanted_state = state.clone().select_rows(&order);
            let (wanted, _) = network.forward_time_major(x.clone().narrow(0, 1, 5), Some(wanted_state), None);
            let mut rows = RowsState::from(&state).select_rows(&order);
            for t in 0..5 {
                let step = values(x.clone().narrow(0, t + 1, 1).squeeze_dim::<2>(0));
                let wanted = values(wanted.clone().narrow(0, t, 1).squeeze_dim::<2>(0));
                for (seen, wanted) in stepper.step(&step, &mut rows).iter().zip(wanted) {
                    // The input's product adds in another order.
                    assert!((seen - wanted).abs() < 1e-6, "{cell}: {seen} and {wanted}");
                }
            }
        }
        assert!(RecurrentConfig::new(5, 6, Cell::PeepholeLstm).init(&device).rows_stepper().is_none());
    }
}
