//! The loop over a sequence in plain tensor operations, shared by the composed twins of all cells.
//! Autodiff does their backward pass.

use burn::tensor::{Bool, DType, Device, Tensor, TensorData, activation};

use crate::{Direction, Input, Outputs, Scan, unrolled::unbind};

/// Runs a cell written in plain tensor operations over a time-major sequence, on any backend and in
/// any element type.
///
/// `cell` maps the input `[B, W]` of a time step and the state, `N` tensors `[B, H]` with the
/// hidden state first, to the next state. Returns the hidden states `[T, B, H]` and the final
/// state. Past its length a row keeps its state, has output 0 and gets no gradient; a reversed scan
/// starts at each row's last valid step.
///
/// Memory with autodiff: everything that `cell` computes, at each of the `T` steps.
///
/// ```
/// # #[cfg(feature = "flex")] {
/// use burn::prelude::*;
/// use rekindle_kernels::{Input, Scan, walk};
///
/// // h_t = h_{t-1} / 2 + x_t
/// let input = Input::Projected(Tensor::ones([3, 1, 4], &Device::flex()));
/// let zero = Tensor::zeros([1, 4], &Device::flex());
/// let (hidden, [last]) = walk(input, &Scan::default(), [zero], |x, [h]| [h.clone() * 0.5 + x]);
/// assert_eq!((hidden.dims(), last.max().into_scalar::<f32>()), ([3, 1, 4], 1.75));
/// # }
/// ```
///
/// # Panics
/// If the state or the lengths do not fit the input.
pub fn walk<const N: usize>(
    input: Input,
    scan: &Scan,
    initial: [Tensor<2>; N],
    cell: impl Fn(Tensor<2>, &[Tensor<2>; N]) -> [Tensor<2>; N],
) -> Outputs<N> {
    let [steps, batch, _] = input.dims();
    let [_, hidden] = initial[0].dims();
    for state in &initial {
        assert!(
            state.dims() == [batch, hidden],
            "the state must have a row for each of the {batch} rows of the batch, [{batch}, {hidden}], but one is {:?}",
            state.dims()
        );
    }
    scan.check("walk", steps, batch);
    let device = initial[0].device();
    let inputs = step_inputs(input, scan, &device);

    let mut state = initial;
    let mut outputs = Vec::with_capacity(steps);
    for t in scan.order(steps) {
        let mut next = cell(inputs[t].clone(), &state);
        let mut output = next[0].clone();
        if let Some(padding) = padding(scan, t, &device) {
            let padding = padding.expand([batch, hidden]);
            output = output.mask_fill(padding.clone(), 0.0);
            let mut frozen = state.into_iter();
            next = next.map(|new| match frozen.next() {
                Some(old) => new.mask_where(padding.clone(), old),
                None => new,
            });
        }
        outputs.push(output);
        state = next;
    }
    if scan.direction == Direction::Reverse {
        outputs.reverse();
    }
    (Tensor::stack(outputs, 0), state)
}

/// The input `[B, W]` of each step, in time order.
fn step_inputs(input: Input, scan: &Scan, device: &Device) -> Vec<Tensor<2>> {
    let [steps, batch, width] = input.dims();
    let sequence = match input {
        Input::Projected(projection) => projection,
        Input::Tokens { table, tokens } => {
            table.select(0, tokens.reshape([steps * batch])).reshape([steps, batch, width])
        }
    };
    unbind(blank_padding(sequence, scan, device))
}

/// Zeroes the inputs past the rows' lengths. They do not affect the state, but a NaN there would
/// enter the weights' gradients as `0 * NaN`.
fn blank_padding(projection: Tensor<3>, scan: &Scan, device: &Device) -> Tensor<3> {
    let [steps, batch, width] = projection.dims();
    let masks: Option<Vec<_>> = (0..steps).map(|t| padded(scan, t)).collect();
    let Some(masks) = masks else {
        return projection;
    };
    let mask = TensorData::new(masks.concat(), [steps, batch, 1]);
    let mask = Tensor::<3, Bool>::from_data(mask, device).expand([steps, batch, width]);
    projection.mask_fill(mask, 0.0)
}

/// `[B, 1]`: mask of the rows that are past their length at step `t`, if there are any.
fn padding(scan: &Scan, t: usize, device: &Device) -> Option<Tensor<2, Bool>> {
    let padded = padded(scan, t)?;
    let batch = padded.len();
    padded.contains(&true).then(|| Tensor::from_data(TensorData::new(padded, [batch, 1]), device))
}

/// Whether each row is past its length at step `t`; `None` without lengths.
fn padded(scan: &Scan, t: usize) -> Option<Vec<bool>> {
    let lengths = scan.lengths.as_ref()?;
    Some(lengths.iter().map(|&length| t >= length).collect())
}

/// `σ(x)`. Some backends compute Burn's sigmoid in `f32`, whatever the element type; their tanh has
/// the precision of the tensor: `σ(x) = (tanh(x / 2) + 1) / 2`.
pub(crate) fn sigmoid(x: Tensor<2>) -> Tensor<2> {
    match x.dtype() {
        DType::F64 => x.mul_scalar(0.5).tanh().add_scalar(1.0).mul_scalar(0.5),
        _ => activation::sigmoid(x),
    }
}
