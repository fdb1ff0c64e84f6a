//! The product with `W_ih`, taken for the whole sequence before the time loop.

use burn::module::Param;
use burn::tensor::{Int, Tensor};
use rekindle_kernels::Input;

use crate::SequenceInput;

/// Products of fewer output elements than this are given more rows.
///
/// Backends compute a product of a single row, or of a handful of elements, by
/// other routines, which add in another order. Above this size they have one
/// order for every row, so that a step decoded alone has the bits that it has
/// inside a long sequence.
const SMALLEST_PRODUCT: usize = 257;

/// `W_ih x_t + bias` for every step of a time-major input.
///
/// `weight_ih` is `[G, I]`, `bias` is `[G]`.
pub(crate) fn project(input: SequenceInput, weight_ih: Tensor<2>, bias: Option<Tensor<1>>) -> Input {
    project_rows(input, weight_ih, |rows| match bias {
        Some(bias) => rows + bias.unsqueeze(),
        None => rows,
    })
}

/// `finish(W_ih x_t)` for every step of a time-major input, where `finish`
/// works on the rows of a matrix `[N, G]` one by one.
///
/// # Panics
///
/// If the input has not the layer's number of features.
pub(crate) fn project_rows(
    input: SequenceInput,
    weight_ih: Tensor<2>,
    finish: impl FnOnce(Tensor<2>) -> Tensor<2>,
) -> Input {
    let [gate_rows, input_size] = weight_ih.dims();
    if let Some(features) = input.features() {
        assert!(features == input_size, "the input has {features} features a step, but the layer takes {input_size}");
    }
    let [time, batch] = input.outer_dims();
    let steps = time * batch;
    let rows = match input {
        SequenceInput::Dense(rows) => product(rows.reshape([steps, input_size]), weight_ih),
        SequenceInput::Embedded { table, tokens } if table.dims()[0] < steps => {
            let table = finish(product(table, weight_ih));
            return Input::Tokens { table, tokens };
        }
        SequenceInput::Embedded { table, tokens } => product(table.select(0, flat(tokens)), weight_ih),
        SequenceInput::OneHot { tokens } if input_size < steps => {
            let table = finish(weight_ih.transpose());
            return Input::Tokens { table, tokens };
        }
        SequenceInput::OneHot { tokens } => weight_ih.select(1, flat(tokens)).transpose(),
    };
    Input::Projected(finish(rows).reshape([time, batch, gate_rows]))
}

/// `b_ih + b_hh`, for cells that add both outside of any gate.
pub(crate) fn summed_bias(bias_ih: &Option<Param<Tensor<1>>>, bias_hh: &Option<Param<Tensor<1>>>) -> Option<Tensor<1>> {
    let (ih, hh) = (bias_ih.as_ref()?, bias_hh.as_ref()?);
    Some(ih.val() + hh.val())
}

/// `rows W_ihᵀ`: `[N, I]` to `[N, G]`.
fn product(rows: Tensor<2>, weight_ih: Tensor<2>) -> Tensor<2> {
    let [count, input_size] = rows.dims();
    let gate_rows = weight_ih.dims()[0];
    let weight = weight_ih.transpose();
    let wanted = SMALLEST_PRODUCT.div_ceil(gate_rows).max(2);
    if count >= wanted {
        return rows.matmul(weight);
    }
    let filler = Tensor::zeros([wanted - count, input_size], (&rows.device(), rows.dtype()));
    Tensor::cat(vec![rows, filler], 0).matmul(weight).narrow(0, 0, count)
}

fn flat(tokens: Tensor<2, Int>) -> Tensor<1, Int> {
    let count = tokens.dims().iter().product::<usize>();
    tokens.reshape([count])
}
