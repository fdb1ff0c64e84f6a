//! Work on several independent things at once, where tensors live on the CPU.

use burn::tensor::Device;
use rayon::prelude::*;

use crate::device::is_cpu;

/// Does `work` with each of `items`: on a CPU backend side by side with the threads of the pool, else in turn.
///
/// Burn's element-wise operations run on one thread of a CPU each; work of which many are a part gains by this. The results
/// do not depend on the number of threads, and are in the order of the items.
pub fn for_each<T: Send, R: Send>(device: &Device, items: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
    if items.len() > 1 && is_cpu(device) && rayon::current_num_threads() > 1 {
        return items.into_par_iter().map(work).collect();
    }
    items.into_iter().map(work).collect()
}

#[cfg(all(test, feature = "flex"))]
mod tests;
