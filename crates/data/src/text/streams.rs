//! Batches for stateful training: every row continues where it stopped in the previous batch.

use std::ops::Range;

use super::cursor::Cursor;
use super::{Corpus, Vocabulary};
use crate::{DataError, ErrorKind, counted};

/// `B` contiguous streams over a range of tokens, read `T` time steps at a time.
///
/// The range is cut into `B` streams of `steps() * T` tokens each. Row `b` of batch `s` has time steps
/// `s*T .. (s+1)*T` of stream `b`, so that the final hidden state of a row is the initial one of the same row in the
/// next batch. Targets are the inputs shifted by one. Only tokens that do not fill a last batch are left out, fewer
/// than `B * T`.
///
/// Reading batches in order needs no search; any other batch is found through the sparse index, with the same result.
#[derive(Clone, Debug)]
pub struct Streams {
    corpus: Corpus,
    vocabulary: Vocabulary,
    start: usize,
    batch_size: usize,
    sequence_length: usize,
    steps: usize,
    /// The step of the cursors' positions, and the streams that are read.
    next: usize,
    read: Range<usize>,
    /// Those of the streams that are read.
    cursors: Vec<Cursor>,
}

/// The inputs and the targets of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamBatch {
    /// Token ids, `[B, T]` row by row.
    pub inputs: Vec<u32>,
    /// The token that follows each input, `[B, T]` row by row.
    pub targets: Vec<u32>,
}

impl Streams {
    /// Streams over a range of a corpus.
    ///
    /// # Errors
    /// [`ErrorKind::Setting`] for a batch size or sequence length of 0, and a range outside of the text;
    /// [`ErrorKind::TooLittle`] when the range has fewer than `B * T + 1` tokens; and those of
    /// [`Corpus::check_vocabulary`] for a vocabulary that does not fit.
    pub fn new(
        corpus: &Corpus,
        vocabulary: &Vocabulary,
        range: Range<usize>,
        batch_size: usize,
        sequence_length: usize,
    ) -> Result<Self, DataError> {
        for (what, size) in [("batch size", batch_size), ("sequence length", sequence_length)] {
            if size == 0 {
                return Err(ErrorKind::Setting.error(format!("the {what} is 0, and must be 1 or more")));
            }
        }
        corpus.check_vocabulary(vocabulary)?;
        corpus.check_range(&range)?;
        let tokens = range.len();
        let needed = batch_size.saturating_mul(sequence_length).saturating_add(1);
        if tokens < needed {
            let message = format!(
                "the text is too short: {}, and one batch of {} of {} needs {needed}; lower the batch size or the sequence length, or use more text",
                counted(tokens, "tokens"),
                counted(batch_size, "streams"),
                counted(sequence_length, "steps"),
            );
            return Err(ErrorKind::TooLittle.error(message));
        }
        let mut streams = Self {
            corpus: corpus.clone(),
            vocabulary: vocabulary.clone(),
            start: range.start,
            batch_size,
            sequence_length,
            // The last target takes one more token.
            steps: (tokens - 1) / (batch_size * sequence_length),
            next: 0,
            read: 0..batch_size,
            cursors: Vec::with_capacity(batch_size),
        };
        streams.seek(0);
        Ok(streams)
    }

    /// The number of batches in one pass over the range.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The number of tokens predicted in one pass.
    pub fn tokens(&self) -> usize {
        self.steps * self.batch_size * self.sequence_length
    }

    /// `B`, the number of streams.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// `T`, the time steps in one batch.
    pub fn sequence_length(&self) -> usize {
        self.sequence_length
    }

    /// Checks that the files of the next batch have not changed since they were opened.
    ///
    /// # Errors
    /// [`ErrorKind::Changed`] when one has.
    pub fn check(&self) -> Result<(), DataError> {
        self.cursors.iter().try_for_each(|cursor| cursor.check(self.corpus.scanned()))
    }

    /// Reads one batch.
    ///
    /// # Panics
    /// When `step` is not below [`Streams::steps`].
    pub fn batch(&mut self, step: usize) -> StreamBatch {
        self.rows(step, 0..self.batch_size)
    }

    /// Reads some rows of a batch.
    ///
    /// # Panics
    /// When `step` is not below [`Streams::steps`], or a row not below [`Streams::batch_size`].
    pub fn rows(&mut self, step: usize, rows: Range<usize>) -> StreamBatch {
        assert!(step < self.steps, "step {step} of {} steps", self.steps);
        assert!(rows.end <= self.batch_size, "rows {rows:?} of {} streams", self.batch_size);
        if step != self.next || rows != self.read {
            self.read = rows;
            self.seek(step);
        }
        let length = self.sequence_length;
        let mut inputs = vec![0; self.read.len() * length];
        let mut targets = vec![0; self.read.len() * length];
        let rows = inputs.chunks_exact_mut(length).zip(targets.chunks_exact_mut(length));
        for (cursor, (inputs, targets)) in self.cursors.iter_mut().zip(rows) {
            cursor.read(self.corpus.scanned(), &self.vocabulary, inputs);
            targets[..length - 1].copy_from_slice(&inputs[1..]);
            // The cursor stays before the last target, which is the first input of the next batch.
            cursor.clone().read(self.corpus.scanned(), &self.vocabulary, &mut targets[length - 1..]);
        }
        self.next = step + 1;
        StreamBatch { inputs, targets }
    }

    /// Moves every stream that is read to the start of a step.
    fn seek(&mut self, step: usize) {
        let stream_length = self.steps * self.sequence_length;
        let first = self.start + step * self.sequence_length;
        self.cursors.clear();
        self.cursors
            .extend(self.read.clone().map(|stream| Cursor::at(self.corpus.scanned(), first + stream * stream_length)));
        self.next = step;
    }
}
