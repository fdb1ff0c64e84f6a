//! Several processes that train one model: data-parallel training.
//!
//! ```text
//! every process has the same weights, and a part of the rows of each batch
//! for every step:
//!   each:      the means of its rows, and over how many things they are
//!   together:  the numbers of things of the whole batch                    a sum of a few numbers
//!   each:      back-propagation of Σ_k (n_k / N_k) mean_k                   its share of the loss of the whole batch
//!   together:  the gradients of the whole batch                            a sum of all gradients
//!   each:      the same clipping, and the same step of the optimizer
//! ```
//!
//! So the losses are those of one process, up to the order of sums. A [`Group`] has what the processes do together; the
//! crate `rekindle-mpi` has the one for MPI, and [`threads`] one for tests. [`within`] makes the processes of a
//! thread's work known.

mod alike;
mod flat;
mod step;
pub mod threads;

use std::cell::RefCell;
use std::rc::Rc;

use rekindle_kernels::rows::Rows;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::TaskError;
pub(crate) use alike::{Greeting, check_alike};
pub(crate) use flat::{Flat, digest};
pub(crate) use step::OfStep;

/// Processes that work together. Each calls the same functions in the same order.
pub trait Group {
    /// The number of this process, from 0. The process 0 prints and writes.
    fn rank(&self) -> usize;

    /// Number of processes.
    fn size(&self) -> usize;

    /// The machine of this process.
    fn host(&self) -> String;

    /// Replaces `values` by their sums over all processes, the same on each.
    fn sum(&self, values: &mut [f32]);

    /// The same in double precision.
    fn sum_exact(&self, values: &mut [f64]);

    /// The bytes of every process, in the order of their numbers.
    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>>;
}

thread_local! {
    static PRESENT: RefCell<Option<Rc<dyn Group>>> = const { RefCell::new(None) };
}

/// Runs `action` as the work of this process of `group`.
///
/// The group belongs to the thread: work that `action` hands to other threads is that of one process.
pub fn within<R>(group: Rc<dyn Group>, action: impl FnOnce() -> R) -> R {
    /// Restores the group, also after a panic.
    struct Before(Option<Rc<dyn Group>>);
    impl Drop for Before {
        fn drop(&mut self) {
            PRESENT.set(self.0.take());
        }
    }
    let _before = Before(PRESENT.replace((group.size() > 1).then_some(group)));
    action()
}

/// The group of this thread's work; none if there is one process.
pub fn present() -> Option<Rc<dyn Group>> {
    PRESENT.with_borrow(Clone::clone)
}

/// Runs `action` as the work of one process.
pub(crate) fn alone<R>(action: impl FnOnce() -> R) -> R {
    let group = PRESENT.take();
    let done = action();
    PRESENT.set(group);
    done
}

/// The share of a process in the work of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The number of the process, from 0.
    pub rank: usize,
    /// Number of processes.
    pub size: usize,
}

impl Share {
    /// All of it: the share of one process.
    pub const ALL: Self = Self { rank: 0, size: 1 };

    /// The share of this process in `group`; all of it if there is none.
    pub fn of(group: Option<&dyn Group>) -> Self {
        group.map_or(Self::ALL, |group| Self { rank: group.rank(), size: group.size() })
    }

    /// The share of this process in the present [group](present).
    pub fn present() -> Self {
        Self::of(present().as_deref())
    }

    /// The rows of a batch of `all` rows that this process has. They may be none.
    pub fn rows(self, all: usize) -> Rows {
        Rows::part(all, self.rank, self.size)
    }

    /// Whether this process prints and writes.
    pub fn is_first(self) -> bool {
        self.rank == 0
    }
}

/// The values of all processes, in the order of their numbers.
pub(crate) fn exchange<R: Serialize + DeserializeOwned>(group: &dyn Group, ours: &R) -> Result<Vec<R>, TaskError> {
    let mut bytes = Vec::new();
    ciborium::into_writer(ours, &mut bytes)?;
    let read = |bytes: Vec<u8>| Ok(ciborium::from_reader(&bytes[..])?);
    group.gather(&bytes).into_iter().map(read).collect()
}

/// The results of `work` on pieces `0..count`, in their order; processes share the pieces. The result must not depend
/// on which of them are done together.
///
/// # Errors
///
/// Those of `work`, and of results that cannot be written in CBOR.
pub fn shared<R: Serialize + DeserializeOwned>(
    count: usize,
    mut work: impl FnMut(usize) -> Result<R, TaskError>,
) -> Result<Vec<R>, TaskError> {
    let Some(group) = present() else { return (0..count).map(work).collect() };
    let (rank, size) = (group.rank(), group.size());
    // Every size-th piece: pieces are sorted by length, and all processes get long and short ones.
    let ours = (rank..count).step_by(size).map(&mut work).collect::<Result<Vec<R>, _>>()?;
    let mut all: Vec<_> = exchange(&*group, &ours)?.into_iter().map(Vec::into_iter).collect();
    Ok((0..count).map(|piece| all[piece % size].next().expect("each process has done its pieces")).collect())
}

#[cfg(test)]
mod tests;
