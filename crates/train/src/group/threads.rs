//! A group of threads of one process, to test that a task splits its batches rightly.

use std::rc::Rc;
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread;

use super::{Group, within};

/// Runs `work` on `size` threads, each as a process of one group; returns the results in the order of their numbers.
///
/// # Panics
///
/// When `work` panics. A panic on one of them while the others wait for it never ends: let `work` return its errors.
pub fn run<R: Send>(size: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let together = Arc::new(Together { barrier: Barrier::new(size), posts: Mutex::new(vec![Vec::new(); size]) });
    thread::scope(|scope| {
        let spawn = |rank: usize| {
            let (together, work) = (Arc::clone(&together), &work);
            scope.spawn(move || within(Rc::new(Thread { rank, size, together }), || work(rank)))
        };
        let threads: Vec<_> = (0..size).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread of the group panicked")).collect()
    })
}

/// What the threads have in common.
struct Together {
    barrier: Barrier,
    /// What each thread has to say.
    posts: Mutex<Vec<Vec<u8>>>,
}

/// A thread of a group.
struct Thread {
    rank: usize,
    size: usize,
    together: Arc<Together>,
}

impl Thread {
    /// Sums of values in the order of the threads.
    fn sums<const N: usize>(&self, bytes: &[u8], mut add: impl FnMut(usize, [u8; N])) {
        for post in self.gather(bytes) {
            let chunks = post.chunks_exact(N).map(|chunk| chunk.try_into().expect("exact chunks"));
            chunks.enumerate().for_each(|(at, chunk)| add(at, chunk));
        }
    }
}

impl Group for Thread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn host(&self) -> String {
        "localhost".to_owned()
    }

    fn sum(&self, values: &mut [f32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        values.fill(0.0);
        self.sums(&bytes, |at, chunk| values[at] += f32::from_le_bytes(chunk));
    }

    fn sum_exact(&self, values: &mut [f64]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        values.fill(0.0);
        self.sums(&bytes, |at, chunk| values[at] += f64::from_le_bytes(chunk));
    }

    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let posts = || self.together.posts.lock().unwrap_or_else(PoisonError::into_inner);
        posts()[self.rank] = bytes.to_vec();
        self.together.barrier.wait();
        let all = posts().clone();
        // None may post anew before all have read.
        self.together.barrier.wait();
        all
    }
}
