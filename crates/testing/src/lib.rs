//! Devices, threads, random numbers, comparisons and other programs for the tests of the workspace.
#![forbid(unsafe_code)]

mod close;
mod needed;
mod numbers;
mod python;

pub use close::{assert_close, values};
pub use needed::there;
pub use numbers::Numbers;
pub use python::onnxruntime;

use burn::tensor::Device;

/// The devices of the CPU backends that are compiled in: those that native code runs on.
// Burn has deprecated its ndarray backend; here it is supported all the same.
#[allow(deprecated)]
pub fn cpus() -> Vec<Device> {
    vec![
        #[cfg(feature = "flex")]
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ]
}

/// Runs `action` in a pool with this many threads.
///
/// # Panics
///
/// When the threads cannot be started.
pub fn on_threads<R: Send>(threads: usize, action: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads can be started").install(action)
}

/// A device of every backend that is compiled in, those of [`cpus`] first.
///
/// `wgpu` uses a real GPU if there is one, else a software GPU such as Mesa's lavapipe. Without either, tests skip it
/// and say so.
pub fn devices() -> Vec<Device> {
    #[allow(unused_mut, reason = "without wgpu there is nothing to add")]
    let mut devices = cpus();
    #[cfg(feature = "wgpu")]
    devices.extend(wgpu());
    devices
}

/// The first device of `wgpu`.
#[cfg(feature = "wgpu")]
fn wgpu() -> Option<Device> {
    let found = Device::enumerate(burn::tensor::DeviceType::Wgpu).into_vec().into_iter().next();
    if found.is_none() {
        eprintln!("wgpu finds no device here, not even a software one: nothing is tested on it");
    }
    found
}
