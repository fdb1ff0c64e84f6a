//! The input of a step.

use std::sync::Arc;

use burn::backend::{TensorMetadata, tensor::FloatTensor};

use super::{
    blocks::Extent,
    tensors::{CpuBackend, Gates},
    tiles::Start,
};
use crate::{Scan, recurrence::InputTensors};

/// The tokens of a sequence, `[T, B]`, as indices of table rows.
#[derive(Clone, Debug)]
pub(crate) struct Symbols {
    pub ids: Arc<[usize]>,
    /// Rows of the table.
    pub vocabulary: usize,
}

impl Symbols {
    /// Takes the tokens. Those at padding are never read, and become 0 if the table has no such row.
    ///
    /// # Panics
    /// If a token of a valid step has no row in the table.
    fn new(tokens: Vec<i64>, batch: usize, vocabulary: usize, scan: &Scan) -> Self {
        let row = |(position, token): (usize, i64)| match usize::try_from(token) {
            Ok(row) if row < vocabulary => row,
            _ => {
                let (t, b) = (position / batch, position % batch);
                assert!(!scan.is_valid(t, b), "`tokens[{t}, {b}]` must be in 0..V = 0..{vocabulary}, got {token}");
                0
            }
        };
        let ids = tokens.into_iter().enumerate().map(row).collect();
        Self { ids, vocabulary }
    }
}

/// The input of a call.
#[derive(Clone, Debug)]
pub(crate) enum Reader<B: CpuBackend> {
    /// The projection is in the buffer that the gates overwrite.
    HandedOver,
    /// `[T, B, G]`.
    Projected(FloatTensor<B>),
    /// `[V, G]`, and the rows to read.
    Table(FloatTensor<B>, Symbols),
}

impl<B: CpuBackend> Reader<B> {
    /// The input of a call, with its numbers of steps and rows.
    ///
    /// # Panics
    /// If a token has no row in the table.
    pub fn new(input: InputTensors<B>, scan: &Scan) -> (Self, [usize; 2]) {
        match input {
            InputTensors::Projected(projection) => {
                let shape = projection.shape();
                let projection = B::contiguous(projection);
                (Reader::Projected(projection), [shape[0], shape[1]])
            }
            InputTensors::Tokens { table, tokens } => {
                let shape = tokens.shape();
                let vocabulary = table.shape()[0];
                let symbols = Symbols::new(B::integers(tokens), shape[1], vocabulary, scan);
                (Reader::Table(B::contiguous(table), symbols), [shape[0], shape[1]])
            }
        }
    }

    /// Gives up the projection for overwriting, if it has no other owner.
    pub fn hand_over(self) -> (Self, Option<FloatTensor<B>>) {
        match self {
            Reader::Projected(projection) if B::is_unique(&projection) => (Reader::HandedOver, Some(projection)),
            other => (other, None),
        }
    }

    /// A buffer for the gates of all steps, `[T, B, width]`: the projection itself if it has no
    /// other owner.
    pub fn keep_gates(self, extent: &Extent, width: usize) -> (Self, Gates<B>) {
        let shape = [extent.steps, extent.batch, width];
        let (reader, projection) = self.hand_over();
        let gates = match projection {
            Some(projection) => Gates::Tensor(projection),
            None => Gates::new(shape, matches!(reader, Reader::Projected(_))),
        };
        (reader, gates)
    }

    /// The input as slices.
    pub fn source(&self) -> Source<'_> {
        match self {
            Reader::HandedOver => Source::InPlace,
            Reader::Projected(projection) => Source::Projected(B::slice(projection)),
            Reader::Table(table, symbols) => Source::Table(B::slice(table), &symbols.ids),
        }
    }

    /// The tokens, if the input is a table.
    pub fn into_symbols(self) -> Option<Symbols> {
        match self {
            Reader::Table(_, symbols) => Some(symbols),
            Reader::HandedOver | Reader::Projected(_) => None,
        }
    }
}

/// The input of a step; rows are numbered `t * B + b`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// From the buffer that the gates are written to.
    InPlace,
    /// From `[T, B, G]`.
    Projected(&'a [f32]),
    /// From the rows `[V, G]` of a table.
    Table(&'a [f32], &'a [usize]),
}

impl<'a> Source<'a> {
    /// Row `row` of width `width`; `None` if it is in place.
    #[inline(always)]
    pub fn row(&self, row: usize, width: usize) -> Option<&'a [f32]> {
        match self {
            Source::InPlace => None,
            Source::Projected(values) => Some(&values[row * width..][..width]),
            Source::Table(table, ids) => Some(&table[ids[row] * width..][..width]),
        }
    }

    /// The initial values of row `row`'s sums.
    #[inline(always)]
    pub fn start(&self, row: usize, width: usize) -> Start<'a> {
        self.row(row, width).map_or(Start::Output, Start::From)
    }
}
