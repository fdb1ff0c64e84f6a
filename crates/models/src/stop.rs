//! Stopping work that takes long: a run, a search, an analysis.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks work to stop at the next step; a run saves a checkpoint before. Clones refer to the same work.
#[derive(Clone, Debug, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Requests the stop.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether a stop has been requested.
    pub fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Makes [`check_stop`] check this signal while `work` runs on this thread.
    pub fn during<R>(&self, work: impl FnOnce() -> R) -> R {
        let before = HEARD.replace(Some(self.clone()));
        let done = work();
        HEARD.set(before);
        done
    }
}

thread_local! {
    /// The signal of the work on this thread.
    static HEARD: RefCell<Option<StopSignal>> = const { RefCell::new(None) };
}

/// The work was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;

/// Returns an error if the work on this thread was asked to stop, to be passed on with `?`. Call it in every loop that
/// may be long, such as that of an evaluation. Outside of [`StopSignal::during`] it never fails.
///
/// # Errors
///
/// [`Stopped`].
pub fn check_stop() -> Result<(), Stopped> {
    let stopped = HEARD.with_borrow(|heard| heard.as_ref().is_some_and(StopSignal::stopped));
    if stopped { Err(Stopped) } else { Ok(()) }
}
