//! Decoding batches of images ahead of the model.

use std::thread::{self, JoinHandle};

use super::{Augmentation, Pictures};
use crate::DataError;

/// A requested image.
type Wanted = (String, Option<Augmentation>);

/// A thread that decodes images, `[N, F]` bytes.
type Decoding = JoinHandle<Result<Vec<u8>, DataError>>;

/// Decodes batches of images on its own threads, each while the model processes the previous batch.
#[derive(Debug)]
pub struct PictureLoader {
    pictures: Pictures,
    side: usize,
    workers: usize,
    ahead: Option<(Vec<Wanted>, Decoding)>,
}

impl PictureLoader {
    /// A loader of images of `side` by `side` pixels, decoded by at most `workers` threads; with 0 by the calling one,
    /// when a batch is needed.
    pub fn new(pictures: Pictures, side: usize, workers: usize) -> Self {
        Self { pictures, side, workers, ahead: None }
    }

    /// The pixels of `now` `[B, 3, side, side]`; starts decoding `next`, the batch of the next call.
    ///
    /// # Errors
    ///
    /// When an image cannot be read or decoded.
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
        if !next.is_empty() && self.workers > 0 {
            let (pictures, side, workers, wanted) = (self.pictures.clone(), self.side, self.workers, next.clone());
            let thread = thread::spawn(move || decode(&pictures, side, workers, &wanted));
            self.ahead = Some((next, thread));
        }
        pixels
    }
}

fn decode(pictures: &Pictures, side: usize, workers: usize, wanted: &[Wanted]) -> Result<Vec<u8>, DataError> {
    let share = wanted.len().div_ceil(workers.max(1)).max(1);
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
