//! Reusable work buffers: new ones cost a training step a third of its time in page faults.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
};

/// A buffer that this many requests did not use is freed.
const IDLE_REQUESTS: u64 = 256;
/// Largest number of unused buffers.
const MAX_WAITING: usize = 64;

/// Unused buffers.
struct Pool {
    waiting: Vec<Waiting>,
    requests: u64,
}

struct Waiting {
    data: Vec<f32>,
    since: u64,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { waiting: Vec::new(), requests: 0 });

/// Runs `action` on the pool. A panic elsewhere leaves the pool consistent: no update is partial.
fn with_pool<R>(action: impl FnOnce(&mut Pool) -> R) -> R {
    action(&mut POOL.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A slice from the pool, with arbitrary contents.
pub(crate) struct Buffer(Vec<f32>);

impl Buffer {
    /// Takes a buffer of `len` elements.
    pub fn take(len: usize) -> Self {
        if len == 0 {
            return Self(Vec::new());
        }
        let (reused, _idle) = with_pool(|pool| (pool.best_fit(len), pool.expire()));
        let mut data = reused.unwrap_or_default();
        if data.capacity() < len {
            data = vec![0.0; len];
        }
        data.resize(len, 0.0);
        Self(data)
    }
}

impl Pool {
    /// The smallest buffer with at least `len` elements, and at most twice as many.
    fn best_fit(&mut self, len: usize) -> Option<Vec<f32>> {
        self.requests += 1;
        let fits = len..=2 * len;
        let index = (0..self.waiting.len())
            .filter(|&index| fits.contains(&self.waiting[index].data.capacity()))
            .min_by_key(|&index| self.waiting[index].data.capacity())?;
        Some(self.waiting.swap_remove(index).data)
    }

    /// Removes buffers that were not used in a while, to be freed outside the lock.
    fn expire(&mut self) -> Vec<Waiting> {
        let now = self.requests;
        self.waiting.extract_if(.., |buffer| now - buffer.since > IDLE_REQUESTS).collect()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.0);
        if data.capacity() == 0 {
            return;
        }
        let _surplus = with_pool(|pool| {
            let since = pool.requests;
            pool.waiting.push(Waiting { data, since });
            (pool.waiting.len() > MAX_WAITING).then(|| pool.waiting.remove(0))
        });
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({})", self.0.len())
    }
}

#[cfg(test)]
mod tests;
