//! Initialising a model with the weights of another.

use std::collections::BTreeMap;

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use rekindle_rnn::Recurrent;
use rekindle_weights::{StateDict, Strictness, WeightTensor};

use crate::char_lm::CharLm;
use crate::host::values;

/// A mismatch between a model and the one whose weights it starts from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// A parameter has another shape.
    #[error("{parameter} is {wanted:?} here and {found:?} there: cell, layers, hidden and embedding must be the same")]
    Shape {
        /// Its PyTorch name.
        parameter: String,
        /// The shape in the model to initialise.
        wanted: Vec<usize>,
        /// The shape in the other model.
        found: Vec<usize>,
    },
    /// Only one of the models has a parameter.
    #[error(
        "only one of the models has {parameter}: cell, layers, hidden, embedding, attention and tied must be the same"
    )]
    Missing {
        /// Its PyTorch name.
        parameter: String,
    },
}

/// `model`, with its own dropout and other settings of training, and the weights of `source`.
///
/// The cells are the caller's to compare: several have parameters of the same names and shapes.
///
/// # Errors
///
/// When the models have other parameters, or parameters of other shapes.
pub fn with_weights_of<M: StateDict>(model: M, source: &M) -> Result<M, TransferError> {
    let (here, there) = (model.state_dict(), source.state_dict());
    let only = |name: &String| !(here.contains_key(name) && there.contains_key(name));
    if let Some(name) = here.keys().chain(there.keys()).find(|name| only(name)) {
        return Err(TransferError::Missing { parameter: name.clone() });
    }
    for (name, tensor) in &here {
        same_shape(name, tensor.shape().to_vec(), there[name].shape().to_vec())?;
    }
    Ok(loaded(model, &there))
}

/// Checks that two recurrent stacks, if there are any, have the same cell: several have weights of the same shapes.
pub(crate) fn same_cell(here: Option<&Recurrent>, there: Option<&Recurrent>) -> Result<(), TransferError> {
    let cell = |stack: Option<&Recurrent>| stack.map_or("none", |stack| stack.cell().name());
    if cell(here) != cell(there) {
        return Err(TransferError::Missing { parameter: format!("the cell {}", cell(here)) });
    }
    Ok(())
}

/// Checks that two recurrent stacks, if there are any, have the same cell and sizes.
pub(crate) fn same_stack(here: Option<&Recurrent>, there: Option<&Recurrent>) -> Result<(), TransferError> {
    same_cell(here, there)?;
    let sizes = |stack: &Recurrent| {
        let directions = stack.output_size() / stack.hidden_size();
        vec![stack.layers.len(), directions, stack.input_size(), stack.hidden_size()]
    };
    let [here, there] = [here, there].map(|stack| stack.map(sizes).unwrap_or_default());
    same_shape("[layers, directions, input, hidden]", here, there)
}

/// Checks that a parameter, or a list of sizes, is the same in two models.
pub(crate) fn same_shape(parameter: &str, wanted: Vec<usize>, found: Vec<usize>) -> Result<(), TransferError> {
    if wanted == found {
        return Ok(());
    }
    Err(TransferError::Shape { parameter: parameter.to_owned(), wanted, found })
}

/// The embeddings of `source`, `[V, E]`, for a model whose embeddings are `width` wide.
///
/// # Errors
///
/// When it has none, or theirs is another width.
pub(crate) fn embeddings_of(source: &CharLm, width: usize) -> Result<Tensor<2>, TransferError> {
    let missing = || TransferError::Missing { parameter: "embedding.weight".to_owned() };
    let table = source.embedding.as_ref().ok_or_else(missing)?.val();
    same_shape("embedding.weight [.., embedding]", vec![width], vec![table.dims()[1]])?;
    Ok(table)
}

/// `stack` with the weights of `source`, a stack that reads forward, in its forward direction; its reverse direction
/// stays as it is.
///
/// Where a layer of `stack` reads more than that of `source` does (the states of the reverse direction, say), the first
/// columns of its input matrix are those of `source` and the others are zeros, so that it computes what `source` does.
///
/// # Errors
///
/// When cell, number of layers, hidden size or the width of the embeddings differ.
pub(crate) fn with_forward(stack: Recurrent, source: &Recurrent) -> Result<Recurrent, TransferError> {
    same_cell(Some(&stack), Some(source))?;
    let mut weights = stack.state_dict();
    for (name, there) in source.state_dict() {
        let here = weights.get_mut(&name).ok_or_else(|| TransferError::Missing { parameter: name.clone() })?;
        *here = if name.starts_with("weight_ih") {
            widened(&name, there, here.shape())?
        } else {
            same_shape(&name, here.shape().to_vec(), there.shape().to_vec())?;
            there
        };
    }
    let layers = [&stack, source].map(|stack| stack.layers.len());
    same_shape("[layers]", vec![layers[0]], vec![layers[1]])?;
    Ok(loaded(stack, &weights))
}

/// The matrix `there` with columns of zeros after its own, in the shape `wanted`.
fn widened(name: &str, there: WeightTensor, wanted: &[usize]) -> Result<WeightTensor, TransferError> {
    let (&[rows, columns], &[_, own]) = (wanted, there.shape()) else {
        return same_shape(name, wanted.to_vec(), there.shape().to_vec()).map(|()| there);
    };
    if columns < own {
        return Err(TransferError::Shape {
            parameter: name.to_owned(),
            wanted: wanted.to_vec(),
            found: there.shape().to_vec(),
        });
    }
    same_shape(name, vec![rows, own], there.shape().to_vec())?;
    let zeros = std::iter::repeat_n(0.0, columns - own);
    let values = there.values().chunks(own).flat_map(|row| row.iter().copied().chain(zeros.clone())).collect();
    Ok(WeightTensor::new(wanted.to_vec(), values).expect("each row has as many columns as wanted"))
}

/// `module` with these values of all its parameters.
pub(crate) fn loaded<M: StateDict>(module: M, weights: &BTreeMap<String, WeightTensor>) -> M {
    module.load_state_dict(weights, Strictness::Strict).expect("names and shapes are those of the module").0
}

/// `parameter` after `change` of its values.
pub(crate) fn changed<const D: usize>(
    parameter: Param<Tensor<D>>,
    change: impl FnOnce(&mut [f32]),
) -> Param<Tensor<D>> {
    parameter.map(|tensor| {
        let (device, shape, trained) = (tensor.device(), tensor.dims(), tensor.is_require_grad());
        let mut all = values(tensor);
        change(&mut all);
        let tensor = Tensor::from_data(TensorData::new(all, shape), &device);
        if trained { tensor.require_grad() } else { tensor }
    })
}

/// `table` with rows of `source`, rows of the same width, times `factor`: row `known[v]` for row `v`; a row without one
/// stays as it is.
pub(crate) fn with_rows<const D: usize>(
    table: Param<Tensor<D>>,
    source: &[f32],
    known: &[Option<u32>],
    factor: f32,
) -> Param<Tensor<D>> {
    let width: usize = table.dims()[1..].iter().product();
    changed(table, |rows| {
        for (row, there) in rows.chunks_mut(width).zip(known) {
            if let Some(there) = there {
                let there = &source[*there as usize * width..][..width];
                row.iter_mut().zip(there).for_each(|(here, there)| *here = factor * there);
            }
        }
    })
}
