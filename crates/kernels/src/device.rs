//! The devices and backends with native code.

#[cfg(feature = "native")]
use burn::backend::DispatchDevice;
use burn::tensor::Device;
#[cfg(feature = "native")]
use burn::tensor::{DType, Tensor};

#[cfg(feature = "native-cpu")]
use crate::cpu::tensors::CpuBackend;

/// Whether a device is the CPU, on a backend with native code.
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

/// Whether our kernels run on a GPU; `None` for other devices.
#[cfg(feature = "native")]
#[allow(unreachable_patterns, reason = "as above")]
fn gpu(device: &Device) -> Option<bool> {
    match device.clone().inner().as_dispatch() {
        #[cfg(feature = "native-gpu")]
        DispatchDevice::Cube(_) => Some(runs_kernels()),
        _ => None,
    }
}

/// Whether this crate has extensions for the backend of a device.
#[cfg(feature = "native")]
pub(crate) fn is_known(device: &Device) -> bool {
    is_cpu(device) || gpu(device).is_some()
}

/// Whether the tensor's backend has native code for it.
#[cfg(feature = "native")]
pub(crate) fn is_native<const D: usize>(tensor: &Tensor<D>) -> bool {
    let device = tensor.device();
    tensor.dtype() == DType::F32 && (is_cpu(&device) || gpu(&device) == Some(true))
}

/// Whether the CPU has native code for the tensor.
#[cfg(feature = "native-cpu")]
pub(crate) fn is_native_on_cpu<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && is_cpu(&tensor.device())
}

/// Whether our kernels on a GPU take the tensor.
#[cfg(feature = "native-gpu")]
pub(crate) fn is_native_on_gpu<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && gpu(&tensor.device()) == Some(true)
}

/// Whether the CPU has native code for products of the tensor that is faster than the backend's.
#[cfg(feature = "native-cpu")]
#[allow(unreachable_patterns, deprecated, reason = "as above; Burn has deprecated its ndarray backend")]
pub(crate) fn has_native_product<const D: usize>(tensor: &Tensor<D>) -> bool {
    let faster = match tensor.device().inner().as_dispatch() {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => <burn::backend::Flex as CpuBackend>::NATIVE_PRODUCT,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => <burn::backend::NdArray as CpuBackend>::NATIVE_PRODUCT,
        _ => false,
    };
    faster && is_native_on_cpu(tensor)
}

/// Whether our kernels can use the tensors of Burn's GPU backend.
///
/// With Burn's feature `fusion` they cannot: there a tensor is part of a stream of operations to be
/// fused, and the composed twin is recorded in that stream.
#[cfg(feature = "native-gpu")]
pub(crate) fn runs_kernels() -> bool {
    use std::any::TypeId;

    use burn::backend::tensor::FloatTensor;
    TypeId::of::<FloatTensor<burn_cubecl::Cube>>() == TypeId::of::<burn_cubecl::tensor::CubeTensor>()
}
