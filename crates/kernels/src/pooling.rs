//! The largest hidden state of a sequence, feature by feature.
//!
//! ```text
//! y[b, f] = max_t x[t, b, f]                 t < lengths[b]
//! ∂L/∂x[t, b, f] = ∂L/∂y[b, f] at the first t of the maximum, else 0
//! ```
//!
//! For `f32` on a CPU it is one operation that reads `x` once, and allocates nothing of its size in the forward pass.
//! Everywhere else it is Burn's maximum of masked values.

#[cfg(feature = "native-cpu")]
mod cpu;

use burn::tensor::{Bool, Device, Tensor, TensorData};

use crate::Scan;
#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};

/// Where a row has ended, in [`composed`]: a finite value, so that no product with it is NaN.
const PADDING: f32 = f32::MIN / 4.0;

/// The maximum over the time steps of each row.
///
/// # Shapes
/// - `hidden` `[T, B, F]`; row `b` has `lengths[b]` time steps, `1..=T`
/// - output `[B, F]`
///
/// # Panics
/// If a length does not fit.
pub fn max_over_time(hidden: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
    let [time, batch, _] = hidden.dims();
    let scan = Scan { lengths: Some(lengths.to_vec()), ..Scan::default() };
    scan.check("max_over_time", time, batch);
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&hidden) {
        return Tensor::from_dispatch(run(cpu::Max::new(lengths), [hidden.into_dispatch()]));
    }
    composed(hidden, lengths)
}

/// [`max_over_time`] in tensor operations: the specification that tests compare the native code with.
pub fn composed(hidden: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
    let [time, batch, features] = hidden.dims();
    let ended = padding(lengths, time, &hidden.device()).swap_dims(0, 1).unsqueeze_dim::<3>(2);
    let hidden = hidden.mask_fill(ended.expand([time, batch, features]), PADDING);
    hidden.max_dim(0).reshape([batch, features])
}

/// The padding `[B, T]` of sequences of these lengths in a batch of `time` steps: true from each row's length on.
pub fn padding(lengths: &[usize], time: usize, device: &Device) -> Tensor<2, Bool> {
    let ended: Vec<bool> = lengths.iter().flat_map(|&length| (0..time).map(move |t| t >= length)).collect();
    Tensor::from_data(TensorData::new(ended, [lengths.len(), time]), device)
}
