//! Copying tensors to and from the host. Reading them reports device failures.

#[cfg(test)]
mod tests;

use burn::backend::ExecutionError;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// A device failure, in this operation or an earlier one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeviceError {
    /// A buffer did not fit into its memory.
    #[error("the device has not enough memory for this batch: give a smaller one (--batch-size)")]
    OutOfMemory(#[source] ExecutionError),
    /// The device failed or is gone.
    #[error("the device failed")]
    Failed(#[source] ExecutionError),
}

impl From<ExecutionError> for DeviceError {
    /// The device reports exhausted memory in its message only.
    fn from(error: ExecutionError) -> Self {
        let reason = error.to_string().to_lowercase();
        match ["can't allocate", "out of memory", "outofmemory"].iter().any(|words| reason.contains(words)) {
            true => Self::OutOfMemory(error),
            false => Self::Failed(error),
        }
    }
}

/// The values of a tensor, in row-major order.
///
/// # Errors
///
/// When the device has failed.
pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, DeviceError> {
    let data = tensor.try_into_data()?.convert::<f32>();
    Ok(data.try_into_vec().expect("converted to f32"))
}

/// The values of a tensor, row by row along its last dimension.
pub(crate) fn rows<const D: usize>(tensor: Tensor<D>) -> Result<Vec<Vec<f32>>, DeviceError> {
    let width = tensor.dims()[D - 1];
    Ok(numbers(tensor)?.chunks(width).map(<[f32]>::to_vec).collect())
}

/// The values of a tensor, in row-major order. Panics if the device fails.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_into_vec().expect("converted to f32")
}

/// Tokens or positions as a tensor, `[N]`.
pub(crate) fn ids(numbers: impl IntoIterator<Item = u32>, device: &Device) -> Tensor<1, Int> {
    let numbers: Vec<i64> = numbers.into_iter().map(i64::from).collect();
    let count = numbers.len();
    Tensor::from_data(TensorData::new(numbers, [count]), device)
}

/// The integer in a tensor of one element.
///
/// # Errors
///
/// When the device has failed.
pub(crate) fn whole_number(tensor: Tensor<1, Int>) -> Result<i64, DeviceError> {
    let data = tensor.try_into_data()?;
    Ok(data.iter::<i64>().next().expect("a tensor of one element"))
}
