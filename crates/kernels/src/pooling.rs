//! Pooling over time: one vector for the hidden states of a sequence.

#[cfg(feature = "native-cpu")]
mod cpu;

use burn::tensor::{Bool, Device, Tensor, TensorData};

#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};

/// The largest value over the valid steps of each row, feature by feature: `y[b, f] = max_{t < lengths[b]} x[t, b, f]`.
/// The gradient goes to the first step that has it.
///
/// For `f32` on a CPU one operation that keeps the steps; elsewhere Burn's operations.
///
/// # Shapes
/// - `hidden` `[T, B, F]`, `lengths` of each row, in `1..=T`
/// - output `[B, F]`
///
/// # Panics
/// If there is not a length for each row, or one is not in `1..=T`.
pub fn max_over_time(hidden: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
    let [time, batch, _] = hidden.dims();
    assert!(lengths.len() == batch, "`lengths` must have one length per row, B = {batch}, got {}", lengths.len());
    for (row, &length) in lengths.iter().enumerate() {
        assert!((1..=time).contains(&length), "`lengths[{row}]` must be in 1..=T = 1..={time}, got {length}");
    }
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&hidden) {
        return Tensor::from_dispatch(run(cpu::MaxOverTime { lengths: lengths.into() }, [hidden.into_dispatch()]));
    }
    composed_max_over_time(hidden, lengths)
}

/// [`max_over_time`] in tensor operations: the specification that tests compare the native code with.
pub fn composed_max_over_time(hidden: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
    let [time, batch, features] = hidden.dims();
    let padding = padding(lengths, time, &hidden.device()).swap_dims(0, 1).unsqueeze_dim::<3>(2);
    // A finite value, so that no product with it is NaN.
    let valid = hidden.mask_fill(padding.expand([time, batch, features]), f32::MIN / 4.0);
    valid.max_dim(0).reshape([batch, features])
}

/// Padding mask `[B, T]`, true from each row's length on, of sequences of these lengths, padded to `time`.
pub fn padding(lengths: &[usize], time: usize, device: &Device) -> Tensor<2, Bool> {
    let padding: Vec<bool> = lengths.iter().flat_map(|&length| (0..time).map(move |t| t >= length)).collect();
    Tensor::from_data(TensorData::new(padding, [lengths.len(), time]), device)
}
