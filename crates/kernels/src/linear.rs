//! `y = W x + b` of many rows: the layers before and after a recurrence.
//!
//! ```text
//! Y = X Wᵀ + b
//! ∂L/∂X = ∂L/∂Y W,  ∂L/∂W = (∂L/∂Y)ᵀ X,  ∂L/∂b = Σ ∂L/∂Y
//! ```
//!
//! For `f32` on a CPU it is one operation: the products run on all threads without synchronising,
//! their sums start from the bias, and a gradient has the layout of its weight. Everywhere else it
//! is Burn's product and sum, in the thread's [`precision`](crate::precision).

#[cfg(feature = "native-cpu")]
mod cpu;

use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::Tensor;

use crate::layout::contiguous;
use crate::precision::product;

#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};

/// `rows W^T + bias`.
///
/// # Shapes
/// - `rows` `[N, I]`, `weight` `[O, I]`, `bias` `[O]`
/// - output `[N, O]`
///
/// A weight `[I, O]`, as in Burn's `Linear`, is passed as `weight.transpose()`, which is free.
///
/// # Panics
/// If the shapes do not fit.
pub fn linear(rows: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let [[_, rows_in], [out, weight_in]] = [rows.dims(), weight.dims()];
    assert!(rows_in == weight_in, "`rows` must be [N, I] = [N, {weight_in}], got {:?}", rows.dims());
    if let Some(bias) = &bias {
        assert!(bias.dims() == [out], "`bias` must be [O] = [{out}], got {:?}", bias.dims());
    }
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&rows) && is_native_on_cpu(&weight) {
        let bias = bias.unwrap_or_else(|| Tensor::zeros([out], (&rows.device(), rows.dtype())));
        let inputs = [rows.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
        return Tensor::from_dispatch(run(cpu::Linear, inputs));
    }
    composed(rows, weight, bias)
}

/// [`linear`] of a layer of Burn's, along the last dimension of `input` `[.., I]`: `[.., O]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn apply<const D: usize>(layer: &Linear, input: Tensor<D>) -> Tensor<D> {
    let mut shape = input.dims();
    let [width, out] = layer.weight.dims();
    let rows: usize = shape[..D - 1].iter().product();
    assert!(shape[D - 1] == width, "`input` must be [.., I] = [.., {width}], got {shape:?}");
    let rows = contiguous(input).reshape([rows, width]);
    shape[D - 1] = out;
    linear(rows, layer.weight.val().transpose(), layer.bias.as_ref().map(Param::val)).reshape(shape)
}

/// [`linear`] in tensor operations: the specification that tests compare the native code with.
pub fn composed(rows: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let product = product(rows, weight.transpose());
    match bias {
        Some(bias) => product + bias.unsqueeze(),
        None => product,
    }
}
