//! Numbers from the device to the host, where a failure of the device is heard of.

use burn::backend::ExecutionError;
use burn::tensor::{Int, Tensor};

/// A device failed at something that it was asked for: that or anything before.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeviceError {
    /// A buffer did not fit into its memory.
    #[error("the device has not enough memory for this batch: give a smaller one (--batch-size)")]
    OutOfMemory(#[source] ExecutionError),
    /// It failed, or is gone.
    #[error("the device failed")]
    Failed(#[source] ExecutionError),
}

impl From<ExecutionError> for DeviceError {
    /// A device says in words alone that it has no memory left.
    fn from(error: ExecutionError) -> Self {
        let reason = error.to_string().to_lowercase();
        match ["can't allocate", "out of memory", "outofmemory"].iter().any(|words| reason.contains(words)) {
            true => Self::OutOfMemory(error),
            false => Self::Failed(error),
        }
    }
}

/// The numbers of a tensor, in row-major order.
///
/// # Errors
///
/// When the device has failed.
pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, DeviceError> {
    let data = tensor.try_into_data()?.convert::<f32>();
    Ok(data.try_into_vec().expect("converted to f32"))
}

/// The whole number in a tensor of one element.
///
/// # Errors
///
/// When the device has failed.
pub(crate) fn whole_number(tensor: Tensor<1, Int>) -> Result<i64, DeviceError> {
    let data = tensor.try_into_data()?;
    Ok(data.iter::<i64>().next().expect("a tensor of one element"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_memory_is_told_from_other_failures_of_a_device() {
        let is_lack = |error: ExecutionError| matches!(DeviceError::from(error), DeviceError::OutOfMemory(_));
        let error = |reason: &str| ExecutionError::with_context(reason);
        assert!(is_lack(error("An IO error happened\nCaused by:\n  can't allocate buffer of size: 16384000000")));
        assert!(is_lack(error("Out of memory launching kernel 7")));
        assert!(!is_lack(error("skipped `SliceAssignKernel`: it needed memory 4128, which carried the failure")));
        assert!(!is_lack(ExecutionError::device_poisoned("an illegal memory access")));
    }
}
