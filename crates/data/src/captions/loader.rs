//! Pictures of batches, decoded ahead.

use std::thread::{self, JoinHandle};

use super::{Augmentation, Pictures};
use crate::DataError;

/// A picture that is wanted.
type Wanted = (String, Option<Augmentation>);

/// A thread that decodes pictures, `[N, F]` of bytes.
type Decoding = JoinHandle<Result<Vec<u8>, DataError>>;

/// Decodes batches of pictures on threads of its own, each while the model works on the one before.
#[derive(Debug)]
pub struct PictureLoader {
    pictures: Pictures,
    side: usize,
    workers: usize,
    ahead: Option<(Vec<Wanted>, Decoding)>,
}

impl PictureLoader {
    /// Pictures of `side` by `side` pixels, decoded by `workers` threads, one at least.
    pub fn new(pictures: Pictures, side: usize, workers: usize) -> Self {
        Self { pictures, side, workers: workers.max(1), ahead: None }
    }

    /// The pixels of `now` `[B, 3, side, side]`; `next` is begun, to be asked for next.
    ///
    /// # Errors
    ///
    /// When a picture cannot be read or decoded.
    ///
    /// # Panics
    ///
    /// When a decoder panics.
    pub fn load(&mut self, now: Vec<Wanted>, next: Vec<Wanted>) -> Result<Vec<u8>, DataError> {
        let pixels = match self.ahead.take() {
            Some((wanted, thread)) if wanted == now => {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
            _ => decode(&self.pictures, self.side, self.workers, &now),
        };
        if !next.is_empty() {
            let (pictures, side, workers, wanted) = (self.pictures.clone(), self.side, self.workers, next.clone());
            let thread = thread::spawn(move || decode(&pictures, side, workers, &wanted));
            self.ahead = Some((next, thread));
        }
        pixels
    }
}

fn decode(pictures: &Pictures, side: usize, workers: usize, wanted: &[Wanted]) -> Result<Vec<u8>, DataError> {
    let share = wanted.len().div_ceil(workers).max(1);
    let parts: Vec<Result<Vec<u8>, DataError>> = thread::scope(|scope| {
        let part = |wanted: &'_ [Wanted]| {
            let mut pixels = Vec::with_capacity(wanted.len() * 3 * side * side);
            for (name, augmentation) in wanted {
                pixels.extend(pictures.pixels(name, side, *augmentation)?);
            }
            Ok(pixels)
        };
        let threads: Vec<_> = wanted.chunks(share).map(|wanted| scope.spawn(move || part(wanted))).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).collect()
    });
    parts.into_iter().collect::<Result<Vec<_>, _>>().map(|parts| parts.concat())
}
