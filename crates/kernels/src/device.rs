//! What computes with the tensors of a device: code of our own for a CPU or a GPU, or neither.

use burn::{
    backend::DispatchDevice,
    tensor::{DType, Device, Tensor},
};

/// A kind of backend that this crate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Cpu,
    #[cfg(feature = "native-gpu")]
    Gpu,
}

fn kind(device: &Device) -> Option<Kind> {
    match device.clone().inner().as_dispatch() {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => Some(Kind::Cpu),
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => Some(Kind::Cpu),
        #[cfg(feature = "native-gpu")]
        DispatchDevice::Cube(_) => Some(Kind::Gpu),
        #[allow(unreachable_patterns, reason = "there are other devices when other backends are compiled in")]
        _ => None,
    }
}

/// Whether the extensions of this crate are there for the backend of a device.
pub(crate) fn is_known(device: &Device) -> bool {
    kind(device).is_some()
}

/// Whether a device is the CPU, in native code.
pub(crate) fn is_cpu(device: &Device) -> bool {
    kind(device) == Some(Kind::Cpu)
}

/// Whether a backend has code of its own for tensors like this one.
pub(crate) fn is_native<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32
        && match kind(&tensor.device()) {
            Some(Kind::Cpu) => true,
            #[cfg(feature = "native-gpu")]
            Some(Kind::Gpu) => runs_kernels(),
            None => false,
        }
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
