//! A project outside of Rekindle's workspace: a model, a PyTorch import and a task of its own.
#![forbid(unsafe_code)]

pub mod import;
pub mod model;
pub mod series;
pub mod task;

use burn::tensor::Device;

/// The device of the backend that is compiled in; of several, of wgpu before flex before ndarray.
// Burn has deprecated its ndarray backend; Rekindle supports it all the same.
#[allow(deprecated)]
pub fn device() -> Device {
    #[cfg(feature = "wgpu")]
    return Device::wgpu(burn::tensor::DeviceKind::DefaultDevice);
    #[cfg(all(feature = "flex", not(feature = "wgpu")))]
    return Device::flex();
    #[cfg(all(feature = "ndarray", not(any(feature = "flex", feature = "wgpu"))))]
    return Device::ndarray();
    #[cfg(not(any(feature = "flex", feature = "ndarray", feature = "wgpu")))]
    compile_error!("choose a backend: --features flex, ndarray or wgpu");
}
