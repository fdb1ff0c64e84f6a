//! Arranging frames in batches.

use std::ops::Range;

use rand::seq::SliceRandom;

use crate::batches::epoch_rng;

/// Consecutive frames of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The index of the clip.
    pub clip: usize,
    /// Its first frame.
    pub start: usize,
    /// Number of frames.
    pub len: usize,
    /// Whether the state is reset before this chunk, at the start of a clip or of a row.
    pub begins: bool,
}

/// The batches of a pass: rows of chunks, side by side. Chunk `k` of every row is batch `k`, so that the state at the
/// end of a row is the initial state of the same row in the next batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    rows: Vec<Vec<Chunk>>,
    time: usize,
    /// Of a part of another layout, the frames of each batch of the whole.
    of_whole: Option<Vec<usize>>,
}

impl Layout {
    /// Every clip whole in one row, with rows of similar lengths: each frame is read once, from the state after all
    /// frames before it. Batches have at most `batch_size` rows and `time` frames.
    pub fn whole_clips(lengths: &[usize], batch_size: usize, time: usize) -> Self {
        let time = time.clamp(1, lengths.iter().copied().max().unwrap_or(1).max(1));
        let mut longest_first: Vec<usize> = (0..lengths.len()).collect();
        longest_first.sort_by_key(|&clip| std::cmp::Reverse(lengths[clip]));
        let mut rows = vec![Vec::new(); batch_size.clamp(1, lengths.len().max(1))];
        for clip in longest_first {
            let shortest = rows.iter_mut().min_by_key(|row| row.len()).expect("there is a row");
            shortest.extend(chunks_of(clip, lengths[clip], time));
        }
        Self { rows, time, of_whole: None }
    }

    /// Some of its rows alone, in batches of as many frames as those of the whole.
    ///
    /// # Panics
    ///
    /// When a row is not in the layout.
    #[must_use]
    pub fn part(&self, rows: Range<usize>) -> Self {
        let of_whole = (0..self.batches()).map(|batch| self.frames(batch)).collect();
        Self { rows: self.rows[rows].to_vec(), time: self.time, of_whole: Some(of_whole) }
    }

    /// Frames of the longest chunk in a batch, at least 1.
    pub fn frames(&self, batch: usize) -> usize {
        let longest = || self.batch(batch).flatten().map(|chunk| chunk.len).max().unwrap_or(1);
        self.of_whole.as_ref().and_then(|frames| frames.get(batch).copied()).unwrap_or_else(longest)
    }

    /// Number of batches.
    pub fn batches(&self) -> usize {
        self.rows.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// `B`, number of rows.
    pub fn batch_size(&self) -> usize {
        self.rows.len()
    }

    /// `T`, the largest number of frames in a chunk.
    pub fn time(&self) -> usize {
        self.time
    }

    /// The chunk of each row in a batch; none if the row has ended.
    pub fn batch(&self, batch: usize) -> impl Iterator<Item = Option<Chunk>> + '_ {
        self.rows.iter().map(move |row| row.get(batch).copied())
    }
}

/// Training batches, with another order of the clips in every epoch.
///
/// The chunks of all clips, one after the other, are cut into `B` rows of equal length. A cut may fall within a clip,
/// which then continues in the next row from a state of zeros; that keeps all rows filled even with a few long clips.
/// An epoch's layout is a function of the seed and the epoch only.
#[derive(Clone, Debug)]
pub struct TrainingPlan {
    lengths: Vec<usize>,
    batch_size: usize,
    time: usize,
    batches: usize,
    seed: u64,
}

impl TrainingPlan {
    /// A plan for clips of these lengths, in batches of `batch_size` rows and `time` frames at most.
    pub fn new(lengths: Vec<usize>, batch_size: usize, time: usize, seed: u64) -> Self {
        let time = time.clamp(1, lengths.iter().copied().max().unwrap_or(1).max(1));
        let chunks: usize = lengths.iter().map(|length| length.div_ceil(time)).sum();
        let batches = chunks.div_ceil(batch_size.max(1)).max(1);
        // Fewer rows if some would be empty.
        let batch_size = chunks.div_ceil(batches).max(1);
        Self { lengths, batch_size, time, batches, seed }
    }

    /// Batches per epoch.
    pub fn batches(&self) -> usize {
        self.batches
    }

    /// `B`, number of rows of each batch.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The layout of an epoch.
    pub fn epoch(&self, epoch: u64) -> Layout {
        let mut rng = epoch_rng(self.seed, epoch);
        let mut clips: Vec<usize> = (0..self.lengths.len()).collect();
        clips.shuffle(&mut rng);
        let chunks: Vec<Chunk> =
            clips.into_iter().flat_map(|clip| chunks_of(clip, self.lengths[clip], self.time)).collect();
        let mut rows: Vec<Vec<Chunk>> = chunks.chunks(self.batches).map(<[Chunk]>::to_vec).collect();
        for row in &mut rows {
            row[0].begins = true;
        }
        rows.resize(self.batch_size, Vec::new());
        Layout { rows, time: self.time, of_whole: None }
    }
}

fn chunks_of(clip: usize, length: usize, time: usize) -> impl Iterator<Item = Chunk> {
    let starts = (0..length).step_by(time);
    starts.map(move |start| Chunk { clip, start, len: time.min(length - start), begins: start == 0 })
}
