//! Counting kernel launches, which dominate the time on a GPU with small batches.

#[cfg(feature = "native-gpu")]
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

#[cfg(feature = "native-gpu")]
use cubecl::logging::{LaunchObservation, LaunchObserver};

/// Runs `action` and counts the kernels launched meanwhile by the process, on all GPUs and by all
/// threads; none without a GPU backend.
///
/// Concurrent calls run one after the other.
#[cfg(feature = "native-gpu")]
pub fn count<R>(action: impl FnOnce() -> R) -> (R, usize) {
    // The observer belongs to the process, not to the thread.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let launches = Arc::new(Launches::default());
    let observation = LaunchObservation::new(launches.clone());
    let result = action();
    drop(observation);
    (result, launches.0.load(Ordering::Relaxed))
}

/// Runs `action`; no GPU backend could launch a kernel.
#[cfg(not(feature = "native-gpu"))]
pub fn count<R>(action: impl FnOnce() -> R) -> (R, usize) {
    (action(), 0)
}

#[cfg(feature = "native-gpu")]
#[derive(Default)]
struct Launches(AtomicUsize);

#[cfg(feature = "native-gpu")]
impl LaunchObserver for Launches {
    fn launched(&self, _: &'static str) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
