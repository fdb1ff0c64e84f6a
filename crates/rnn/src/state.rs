//! The state that is carried from step to step and from chunk to chunk.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use crate::{Cell, Error};

/// The state of one layer in one direction.
#[derive(Clone, Debug)]
pub struct LayerState {
    /// `h`, `[B, H]`.
    pub hidden: Tensor<2>,
    /// `c`, `[B, H]`, for the LSTM family.
    pub cell: Option<Tensor<2>>,
}

impl LayerState {
    /// Zeros for a batch, in the element type of `like` and on `device`.
    pub(crate) fn zeros(has_cell: bool, shape: [usize; 2], like: &Tensor<2>, device: &Device) -> Self {
        let hidden = Tensor::zeros(shape, (device, like.dtype()));
        Self { cell: has_cell.then(|| hidden.clone()), hidden }
    }

    /// `[h]`, or `[h, c]` for a cell with a cell state.
    ///
    /// # Panics
    ///
    /// If a cell state is required and missing.
    pub(crate) fn into_tensors<const N: usize>(self) -> [Tensor<2>; N] {
        let mut tensors = std::iter::once(self.hidden).chain(self.cell);
        std::array::from_fn(|_| tensors.next().expect("an LSTM layer needs a state with a cell state"))
    }

    /// The state from `[h]` or `[h, c]`.
    pub(crate) fn from_tensors<const N: usize>(tensors: [Tensor<2>; N]) -> Self {
        let mut tensors = tensors.into_iter();
        let hidden = tensors.next().expect("a state has a hidden state");
        Self { hidden, cell: tensors.next() }
    }

    /// Applies a function to each tensor.
    pub fn map(self, mut function: impl FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        Self { hidden: function(self.hidden), cell: self.cell.map(function) }
    }
}

/// The state of a whole [`Recurrent`](crate::Recurrent) network.
#[derive(Clone, Debug)]
pub struct State {
    /// In the order of PyTorch's `h_n`: layer 0, layer 0 reversed, layer 1, ...
    pub layers: Vec<LayerState>,
}

impl State {
    /// Applies a function to each tensor.
    pub fn map(self, mut function: impl FnMut(Tensor<2>) -> Tensor<2>) -> Self {
        Self { layers: self.layers.into_iter().map(|layer| layer.map(&mut function)).collect() }
    }

    /// Detaches the state from its history, so that gradients stop here, as truncated
    /// back-propagation does between chunks.
    pub fn detach(self) -> Self {
        self.map(Tensor::detach)
    }

    /// Moves the state to a device.
    pub fn to_device(self, device: &Device) -> Self {
        self.map(|tensor| tensor.to_device(device))
    }

    /// Number of rows in the batch.
    pub fn batch_size(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.hidden.dims()[0])
    }

    /// Sets these rows of the batch to zero and keeps the others, for rows where a new sequence
    /// starts.
    ///
    /// # Panics
    ///
    /// If a row is not in the batch.
    pub fn reset_rows(self, rows: &[usize]) -> Self {
        self.map(|tensor| reset_rows(tensor, rows))
    }

    /// Selects these rows as a new batch, in this order and with repetitions, as beam search does
    /// with its hypotheses.
    ///
    /// # Panics
    ///
    /// If a row is not in the batch.
    pub fn select_rows(self, rows: &[usize]) -> Self {
        let batch = self.batch_size();
        for &row in rows {
            check_row(row, batch);
        }
        let indices: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        self.map(|tensor| {
            let indices = TensorData::new(indices.clone(), [indices.len()]);
            let indices = Tensor::<1, Int>::from_data(indices, &tensor.device());
            tensor.select(0, indices)
        })
    }

    /// The hidden states of all layers, `[L*D, B, H]`: PyTorch's `h_n`.
    pub fn stacked_hidden(&self) -> Tensor<3> {
        Tensor::stack(self.layers.iter().map(|l| l.hidden.clone()).collect(), 0)
    }

    /// The cell states of all layers, `[L*D, B, H]`: PyTorch's `c_n`, for the
    /// LSTM family.
    pub fn stacked_cell(&self) -> Option<Tensor<3>> {
        let cells: Option<Vec<_>> = self.layers.iter().map(|l| l.cell.clone()).collect();
        cells.map(|cells| Tensor::stack(cells, 0))
    }

    /// The tensors for a checkpoint: `h` of each layer, followed by its `c`, if any.
    pub fn to_data(&self) -> Vec<TensorData> {
        self.layers
            .iter()
            .flat_map(|layer| [Some(&layer.hidden), layer.cell.as_ref()])
            .flatten()
            .map(Tensor::to_data)
            .collect()
    }

    /// The inverse of [`to_data`](Self::to_data) for a network of this cell. Values are
    /// bit-identical, and element types are kept.
    ///
    /// # Errors
    ///
    /// If there are too few or too many tensors, or one is not a matrix of the
    /// shape of the first.
    pub fn from_data(data: Vec<TensorData>, cell: Cell, device: &Device) -> Result<Self, Error> {
        let per_layer = if cell.has_cell_state() { 2 } else { 1 };
        if data.is_empty() || !data.len().is_multiple_of(per_layer) {
            return Err(Error::StateCount { cell, per_layer, found: data.len() });
        }
        let first = data[0].shape().to_vec();
        for (index, tensor) in data.iter().enumerate() {
            let found = tensor.shape().to_vec();
            if first.len() != 2 || found != first {
                let wanted = match first.len() {
                    2 => format!("{first:?}"),
                    _ => "[B, H]".to_owned(),
                };
                return Err(Error::StateShape { index, found, wanted });
            }
        }
        let mut tensors = data.into_iter().map(|data| {
            let dtype = data.dtype();
            Tensor::<2>::from_data(data, (device, dtype))
        });
        let mut layers = Vec::new();
        while let Some(hidden) = tensors.next() {
            let cell = if per_layer == 2 { tensors.next() } else { None };
            layers.push(LayerState { hidden, cell });
        }
        Ok(Self { layers })
    }
}

/// Sets these rows of `[B, F]` to zero, for other states than a [`State`].
///
/// # Panics
///
/// If a row is not in the batch.
pub fn reset_rows(tensor: Tensor<2>, rows: &[usize]) -> Tensor<2> {
    if rows.is_empty() {
        return tensor;
    }
    let shape = tensor.dims();
    let mut reset = vec![false; shape[0]];
    for &row in rows {
        check_row(row, shape[0]);
        reset[row] = true;
    }
    let mask = Tensor::<2, Bool>::from_data(TensorData::new(reset, [shape[0], 1]), &tensor.device());
    tensor.mask_fill(mask.expand(shape), 0.0)
}

fn check_row(row: usize, batch: usize) {
    assert!(row < batch, "row {row} is not in the batch of {batch} rows");
}
