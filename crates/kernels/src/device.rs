//! What computes with the tensors of a device.

#[cfg(feature = "native")]
use burn::backend::DispatchDevice;
use burn::tensor::Device;
#[cfg(feature = "native")]
use burn::tensor::{DType, Tensor};

/// Whether a device is the CPU, by a backend that this crate runs native code on.
#[allow(unreachable_patterns, reason = "there are other devices when other backends are compiled in")]
pub fn is_cpu(device: &Device) -> bool {
    match device.clone().inner().as_dispatch() {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => true,
        _ => false,
    }
}

/// Of a GPU, whether kernels of our own run on it; `None` for other devices.
#[cfg(feature = "native")]
#[allow(unreachable_patterns, reason = "as above")]
fn gpu(device: &Device) -> Option<bool> {
    match device.clone().inner().as_dispatch() {
        #[cfg(feature = "native-gpu")]
        DispatchDevice::Cube(_) => Some(runs_kernels()),
        _ => None,
    }
}

/// Whether the extensions of this crate are there for the backend of a device.
#[cfg(feature = "native")]
pub(crate) fn is_known(device: &Device) -> bool {
    is_cpu(device) || gpu(device).is_some()
}

/// Whether a backend has code of its own for tensors like this one.
#[cfg(feature = "native")]
pub(crate) fn is_native<const D: usize>(tensor: &Tensor<D>) -> bool {
    let device = tensor.device();
    tensor.dtype() == DType::F32 && (is_cpu(&device) || gpu(&device) == Some(true))
}

/// Whether the CPU computes with tensors like this one in native code.
#[cfg(feature = "native-cpu")]
pub(crate) fn is_native_on_cpu<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && is_cpu(&tensor.device())
}

/// Whether kernels of our own can be given the tensors of Burn's backend for GPUs.
///
/// With Burn's feature `fusion` they cannot: there a tensor is a place in a stream of
/// operations yet to be fused, and the composed twin has its place in that stream.
#[cfg(feature = "native-gpu")]
fn runs_kernels() -> bool {
    use std::any::TypeId;

    use burn::backend::tensor::FloatTensor;
    TypeId::of::<FloatTensor<burn_cubecl::Cube>>() == TypeId::of::<burn_cubecl::tensor::CubeTensor>()
}
