//! How many kernels a GPU is given: with small batches, launching them is what takes the time.

#[cfg(feature = "native-gpu")]
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

#[cfg(feature = "native-gpu")]
use cubecl::logging::{LaunchObservation, LaunchObserver};

/// Does `action`, and counts the kernels that the process launches meanwhile, on all
/// GPUs and by all threads; none without a GPU backend.
///
/// A call waits for those of other threads to end.
#[cfg(feature = "native-gpu")]
pub fn count<R>(action: impl FnOnce() -> R) -> (R, usize) {
    // An observer is the process's, not the thread's.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let launches = Arc::new(Launches::default());
    let observation = LaunchObservation::new(launches.clone());
    let result = action();
    drop(observation);
    (result, launches.0.load(Ordering::Relaxed))
}

/// Does `action`; there is no GPU backend that could launch a kernel.
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
