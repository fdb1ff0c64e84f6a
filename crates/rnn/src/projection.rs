//! The product with `W_ih`, computed for the whole sequence before the time loop.

use burn::tensor::{Int, Tensor};
use rekindle_kernels::Input;
use rekindle_kernels::linear::linear;

use crate::SequenceInput;

/// Products with fewer output elements than this are padded with rows.
///
/// For a single row or a few elements, backends compute a product (or a sum) with other routines,
/// which add in another order. Above this size the order is the same for every row, so that a
/// single decoding step is bit-identical to one in a long sequence.
const SMALLEST_PRODUCT: usize = 257;

/// `W_ih x_t + bias` for every step of a time-major input.
///
/// `weight_ih` is `[G, I]`, `bias` is `[G]`.
pub(crate) fn project(input: SequenceInput, weight_ih: Tensor<2>, bias: Option<Tensor<1>>) -> Input {
    let [gate_rows, input_size] = weight_ih.dims();
    let [time, batch] = input.outer_dims();
    match input {
        // A short sequence uses few rows of the table.
        SequenceInput::OneHot { tokens } if time * batch <= input_size => {
            let rows = plus(weight_ih.select(1, flat(tokens)).transpose(), bias);
            Input::Projected(rows.reshape([time, batch, gate_rows]))
        }
        input => project_rows(input, weight_ih, bias, |rows| rows),
    }
}

/// `finish(W_ih x_t + bias)` for every step of a time-major input, where `finish` works row by row
/// on a matrix `[N, G]`.
pub(crate) fn project_rows(
    input: SequenceInput,
    weight_ih: Tensor<2>,
    bias: Option<Tensor<1>>,
    finish: impl FnOnce(Tensor<2>) -> Tensor<2>,
) -> Input {
    let [gate_rows, input_size] = weight_ih.dims();
    let [time, batch] = input.outer_dims();
    let steps = time * batch;
    let rows = match input {
        SequenceInput::OneHot { tokens } => {
            let table = finish(plus(weight_ih.transpose(), bias));
            return Input::Tokens { table, tokens };
        }
        SequenceInput::Embedded { table, tokens } if table.dims()[0] < steps => {
            let table = project_matrix(table, weight_ih, bias, finish);
            return Input::Tokens { table, tokens };
        }
        SequenceInput::Embedded { table, tokens } => table.select(0, flat(tokens)),
        SequenceInput::Dense(rows) => rows.reshape([steps, input_size]),
    };
    let rows = project_matrix(rows, weight_ih, bias, finish);
    Input::Projected(rows.reshape([time, batch, gate_rows]))
}

/// `W_ih x + bias` for every token, `[V, G]`: for the rows of an embedding table, or for one-hot
/// vectors.
#[cfg(any(feature = "flex", feature = "ndarray"))]
pub(crate) fn project_tokens(embedding: Option<Tensor<2>>, weight_ih: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    match embedding {
        Some(table) => project_matrix(table, weight_ih, bias, |rows| rows),
        None => plus(weight_ih.transpose(), bias),
    }
}

/// `finish(rows W_ihᵀ + bias)`: `[N, I]` to `[N, G]`.
fn project_matrix(
    rows: Tensor<2>,
    weight_ih: Tensor<2>,
    bias: Option<Tensor<1>>,
    finish: impl FnOnce(Tensor<2>) -> Tensor<2>,
) -> Tensor<2> {
    let [count, input_size] = rows.dims();
    let wanted = SMALLEST_PRODUCT.div_ceil(weight_ih.dims()[0]).max(2);
    if count >= wanted {
        return finish(linear(rows, weight_ih, bias));
    }
    let filler = Tensor::zeros([wanted - count, input_size], (&rows.device(), rows.dtype()));
    let rows = Tensor::cat(vec![rows, filler], 0);
    finish(linear(rows, weight_ih, bias)).narrow(0, 0, count)
}

/// `rows + bias`.
pub(crate) fn plus(rows: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    match bias {
        Some(bias) => rows + bias.unsqueeze(),
        None => rows,
    }
}

fn flat(tokens: Tensor<2, Int>) -> Tensor<1, Int> {
    let count = tokens.dims().iter().product::<usize>();
    tokens.reshape([count])
}
