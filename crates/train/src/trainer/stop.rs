//! Stopping a run.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::TaskError;

/// Asks a run to save a checkpoint and stop at the next step, or during an evaluation. Clones refer to the same run.
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
    pub(super) fn during<R>(&self, work: impl FnOnce() -> R) -> R {
        let before = HEARD.replace(Some(self.clone()));
        let done = work();
        HEARD.set(before);
        done
    }
}

thread_local! {
    /// The signal of the run that evaluates its model on this thread.
    static HEARD: RefCell<Option<StopSignal>> = const { RefCell::new(None) };
}

/// An evaluation was interrupted by a stop request. It is repeated when the run is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;

/// Returns an error if the run was asked to stop, to be passed on with `?`. Call it in every loop of an evaluation
/// that may be long. Outside of a run it never fails.
///
/// # Errors
///
/// [`Stopped`].
pub fn check_stop() -> Result<(), TaskError> {
    let stopped = HEARD.with_borrow(|heard| heard.as_ref().is_some_and(StopSignal::stopped));
    if stopped { Err(Stopped.into()) } else { Ok(()) }
}
