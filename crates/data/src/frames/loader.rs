//! Loading batches of frames ahead of the model.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{Clip, FrameFormat, Layout};
use crate::DataError;

/// Number of batches loaded ahead.
const AHEAD: usize = 4;

/// A batch of chunks side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameBatch {
    /// `T`, the length of the longest chunk in frames.
    pub time: usize,
    /// `[B, T, F]` row by row, with zeros past the end of a chunk.
    pub frames: Vec<f32>,
    /// The class of every frame, `[B, T]`; 0 past the end of a chunk and in clips without labels.
    pub labels: Vec<u32>,
    /// The class of the frame before each chunk, `[B]`; none if there is no such frame, or its class is unknown.
    pub previous: Vec<Option<u32>>,
    /// Frames of each row; 0 if the row has ended.
    pub lengths: Vec<usize>,
    /// The rows whose state is reset.
    pub begins: Vec<usize>,
    /// The clip of each row, and its first frame in this batch.
    pub places: Vec<Option<(usize, usize)>>,
}

/// The clips, and the batches in preparation.
#[derive(Debug)]
pub struct FrameLoader {
    clips: Arc<Vec<Clip>>,
    format: FrameFormat,
    workers: Option<Workers>,
}

#[derive(Debug)]
struct Workers {
    jobs: Sender<Job>,
    /// Batches in preparation, each with its layout and number.
    pending: VecDeque<(Arc<Layout>, usize, Receiver<Answer>)>,
}

/// A batch, or the error of reading it.
type Answer = Result<FrameBatch, DataError>;

struct Job {
    layout: Arc<Layout>,
    batch: usize,
    answer: Sender<Answer>,
}

impl FrameLoader {
    /// A loader that reads batches ahead on this many threads; on the caller's thread for 0.
    pub fn new(clips: Vec<Clip>, format: FrameFormat, workers: usize) -> Self {
        let clips = Arc::new(clips);
        let workers = (workers > 0).then(|| Workers::start(&clips, format, workers));
        Self { clips, format, workers }
    }

    /// The clips.
    pub fn clips(&self) -> &[Clip] {
        &self.clips
    }

    /// Returns a batch, and starts reading the batches that follow it in `layout`.
    ///
    /// # Errors
    ///
    /// When an image cannot be read or decoded.
    pub fn batch(&mut self, layout: &Arc<Layout>, batch: usize) -> Result<FrameBatch, DataError> {
        match &mut self.workers {
            None => read(&self.clips, self.format, layout, batch),
            Some(workers) => match workers.batch(layout, batch) {
                Some(batch) => batch,
                // The workers are gone, for instance a thread could not be started.
                None => read(&self.clips, self.format, layout, batch),
            },
        }
    }
}

impl Workers {
    fn start(clips: &Arc<Vec<Clip>>, format: FrameFormat, count: usize) -> Self {
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..count {
            let (clips, queue) = (clips.clone(), queue.clone());
            // If no more threads can be started, those that exist read, or the caller's.
            let _ = thread::Builder::new().name("frames".into()).spawn(move || {
                loop {
                    let job = queue.lock().map(|queue| queue.recv());
                    let Ok(Ok(Job { layout, batch, answer })) = job else { break };
                    // The receiver may be gone.
                    let _ = answer.send(read(&clips, format, &layout, batch));
                }
            });
        }
        Self { jobs, pending: VecDeque::new() }
    }

    fn batch(&mut self, layout: &Arc<Layout>, batch: usize) -> Option<Answer> {
        if !self.pending.front().is_some_and(|(of, number, _)| Arc::ptr_eq(of, layout) && *number == batch) {
            self.pending.clear();
        }
        let first = batch + self.pending.len();
        for number in first..(batch + AHEAD + 1).min(layout.batches().max(batch + 1)) {
            let (answer, receiver) = channel();
            self.jobs.send(Job { layout: layout.clone(), batch: number, answer }).ok()?;
            self.pending.push_back((layout.clone(), number, receiver));
        }
        let (_, _, receiver) = self.pending.pop_front()?;
        receiver.recv().ok()
    }
}

fn read(clips: &[Clip], format: FrameFormat, layout: &Layout, batch: usize) -> Answer {
    let chunks: Vec<_> = layout.batch(batch).collect();
    let (rows, size) = (chunks.len(), format.size());
    let time = layout.frames(batch);
    let mut out = FrameBatch {
        time,
        frames: vec![0.0; rows * time * size],
        labels: vec![0; rows * time],
        previous: vec![None; rows],
        lengths: vec![0; rows],
        begins: Vec::new(),
        places: vec![None; rows],
    };
    for (row, chunk) in chunks.into_iter().enumerate() {
        let Some(chunk) = chunk else { continue };
        let clip = &clips[chunk.clip];
        let range = chunk.start..chunk.start + chunk.len;
        let frames = &mut out.frames[row * time * size..][..chunk.len * size];
        clip.read(range.clone(), format, frames)?;
        if let Some(labels) = &clip.labels {
            out.labels[row * time..][..chunk.len].copy_from_slice(&labels[range]);
            out.previous[row] = chunk.start.checked_sub(1).map(|before| labels[before]);
        }
        out.lengths[row] = chunk.len;
        out.places[row] = Some((chunk.clip, chunk.start));
        if chunk.begins {
            out.begins.push(row);
        }
    }
    Ok(out)
}
