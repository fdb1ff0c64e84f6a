//! Independent work in parallel, for tensors on the CPU.

use burn::tensor::Device;
use rayon::prelude::*;

use crate::device::is_cpu;

/// Runs `work` on each of `items`: in parallel on the pool's threads on a CPU backend, else one by one.
///
/// Each element-wise operation of Burn runs on one CPU thread; work with many of them is faster in parallel. The
/// results are in the order of the items and do not depend on the number of threads.
pub fn for_each<T: Send, R: Send>(device: &Device, items: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
    if items.len() > 1 && threads(device) > 1 {
        return items.into_par_iter().map(work).collect();
    }
    items.into_iter().map(work).collect()
}

/// Runs `work` on each of `items` on the pool's threads: for work on the host, whatever the device. The results are in
/// the order of the items.
pub fn on_host<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
    items.par_iter().map(work).collect()
}

/// Threads that [`for_each`] uses on a device.
pub fn threads(device: &Device) -> usize {
    if is_cpu(device) { rayon::current_num_threads() } else { 1 }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
