//! Independent work in parallel, for tensors on the CPU.
//!
//! [`side_by_side`] runs parts of a training step, each forward and back; with [`zero_with_gradient`] the sum of their
//! gradients becomes that of a loss.

#[cfg(feature = "native-cpu")]
mod cpu;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Device, Tensor};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::device::is_cpu;
use crate::rows::Rows;
#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};

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

/// Runs `parts` side by side, each on threads of its own: those of the present pool, shared among the parts. Returns
/// their results in order.
///
/// A part whose operations are too short for several threads runs them on one without waiting for the others.
///
/// # Panics
/// When a part does, or the system has no more threads.
pub fn side_by_side<R: Send>(parts: Vec<impl FnOnce() -> R + Send>) -> Vec<R> {
    if parts.len() < 2 {
        return parts.into_iter().map(|part| part()).collect();
    }
    let pools = pools(parts.len(), rayon::current_num_threads());
    let mut results: Vec<Option<R>> = parts.iter().map(|_| None).collect();
    let work = parts.into_iter().zip(&mut results).map(|(part, result)| move || *result = Some(part()));
    spawn(&pools, work);
    results.into_iter().map(|result| result.expect("each part has run")).collect()
}

/// 0, whose gradient with respect to `tensor` is `gradient`, of the same shape: `[1]`.
pub fn zero_with_gradient<const D: usize>(tensor: Tensor<D>, gradient: Tensor<D>) -> Tensor<1> {
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&tensor) && is_native_on_cpu(&gradient) {
        let inputs = [tensor, gradient].map(Tensor::into_dispatch);
        return Tensor::from_dispatch(run(cpu::Zero, inputs));
    }
    zero_with_gradient_composed(tensor, gradient)
}

/// [`zero_with_gradient`] in tensor operations: the specification that tests compare the native code with.
pub fn zero_with_gradient_composed<const D: usize>(tensor: Tensor<D>, gradient: Tensor<D>) -> Tensor<1> {
    ((tensor.clone() - tensor.detach()) * gradient.detach()).sum()
}

/// Starts each part on a pool, and waits for all.
fn spawn(pools: &[ThreadPool], mut parts: impl Iterator<Item = impl FnOnce() + Send> + Send) {
    if let (Some((pool, others)), Some(part)) = (pools.split_first(), parts.next()) {
        pool.in_place_scope(|scope| {
            scope.spawn(|_| part());
            spawn(others, parts);
        });
    }
}

/// Pools for `parts` parts that share `threads` threads; one each, if there are fewer. They are kept for the next time.
fn pools(parts: usize, threads: usize) -> Arc<Vec<ThreadPool>> {
    static POOLS: Mutex<BTreeMap<[usize; 2], Arc<Vec<ThreadPool>>>> = Mutex::new(BTreeMap::new());
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let pool = |part: usize| {
        let threads = Rows::part(threads, part, parts).count.max(1);
        ThreadPoolBuilder::new().num_threads(threads).build().expect("threads for a part of the work")
    };
    pools.entry([parts, threads]).or_insert_with(|| Arc::new((0..parts).map(pool).collect())).clone()
}

#[cfg(all(test, feature = "flex"))]
mod tests;
