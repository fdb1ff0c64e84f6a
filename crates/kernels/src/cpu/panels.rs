//! Weight matrices packed once for many products.
//!
//! A panel holds a few adjacent columns of the matrix, all `K` rows consecutively, so that a
//! product reads memory in order.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::pool::Buffer;

/// Packing does not pay for a second thread below this many weights.
const PARALLEL_PACK: usize = 1 << 17;

/// Weights that do not fit into a core's own cache: a product with few rows takes as long as
/// reading them, and it pays to share the reading among threads.
pub(super) const SHARED_WEIGHTS: usize = 1 << 19;

/// Vectors in a panel's row, by lanes per vector: enough independent sums to hide the latency of an
/// addition, and no more than fit into the registers.
pub(super) const fn panel_vectors(lanes: usize) -> usize {
    match lanes {
        1 => 8,
        4 => 4,
        _ => 2,
    }
}

/// Columns of a panel, by the lanes of a vector.
pub(crate) const fn panel_columns(lanes: usize) -> usize {
    panel_vectors(lanes) * lanes
}

/// Vectors in a panel's row for a product with a single row: enough independent sums to hide the
/// latency of an addition.
pub(super) const ROW_VECTORS: usize = 8;

/// How a weight matrix is read: `weight` is row-major `[rows, columns]`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Orientation {
    /// The product is `a · weightᵀ`: `K` = columns.
    Transposed,
    /// The product is `a · weight`: `K` = rows.
    Plain,
}

/// A weight matrix packed for a [`Product`](super::tiles::Product) or for
/// [`times_row`](Panels::times_row).
#[derive(Debug)]
pub(crate) struct Panels {
    pub(super) data: Buffer,
    /// Columns of a panel.
    pub(super) panel: usize,
    pub(super) depth: usize,
    pub(super) columns: usize,
    /// Number of threads that share each product.
    pub(super) threads: usize,
}

/// Elements in a vector of the instruction set.
pub(crate) struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

impl Panels {
    /// Packs `weight`, whose rows have `width` columns, for the vectors of `arch`.
    pub fn pack(arch: Arch, weight: &[f32], width: usize, orientation: Orientation) -> Self {
        let lanes = arch.dispatch(Lanes);
        Self::pack_by(panel_columns(lanes), weight, width, orientation)
    }

    /// The same for [`times_row`](Self::times_row).
    pub fn pack_for_row(arch: Arch, weight: &[f32], width: usize, orientation: Orientation) -> Self {
        Self::pack_by(ROW_VECTORS * arch.dispatch(Lanes), weight, width, orientation)
    }

    /// Columns of the product.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Whether reading the weights takes long enough to be shared among threads.
    pub fn is_large(&self) -> bool {
        self.data.len() >= SHARED_WEIGHTS
    }

    /// Lets this many threads of the pool share each product.
    pub fn shared_by(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Number of panels.
    pub(super) fn count(&self) -> usize {
        self.columns.div_ceil(self.panel)
    }

    /// A panel.
    pub(super) fn at(&self, index: usize) -> &[f32] {
        &self.data[index * self.panel * self.depth..][..self.panel * self.depth]
    }

    /// The columns in some panels.
    pub(super) fn columns_of(&self, panels: &Range<usize>) -> Range<usize> {
        let edge = |panel: usize| self.columns.min(panel * self.panel);
        edge(panels.start)..edge(panels.end)
    }

    /// Packs `weight` in panels of `panel` columns.
    fn pack_by(panel: usize, weight: &[f32], width: usize, orientation: Orientation) -> Self {
        let rows = weight.len() / width;
        let (depth, columns) = match orientation {
            Orientation::Transposed => (width, rows),
            Orientation::Plain => (rows, width),
        };
        let mut data = Buffer::take(columns.div_ceil(panel) * panel * depth);
        let fill = |(index, packed): (usize, &mut [f32])| {
            let first = index * panel;
            let used = panel.min(columns - first);
            if used < panel {
                packed.fill(0.0);
            }
            match orientation {
                Orientation::Plain => {
                    for (packed, row) in packed.chunks_exact_mut(panel).zip(weight.chunks_exact(width)) {
                        packed[..used].copy_from_slice(&row[first..][..used]);
                    }
                }
                Orientation::Transposed => {
                    transpose(&weight[first * width..][..used * width], width, packed, panel);
                }
            }
        };
        if weight.len() < PARALLEL_PACK || rayon::current_num_threads() == 1 {
            data.chunks_exact_mut(panel * depth).enumerate().for_each(fill);
        } else {
            data.par_chunks_exact_mut(panel * depth).enumerate().for_each(fill);
        }
        Self { data, panel, depth, columns, threads: 1 }
    }
}

/// Elements of a row that are transposed before the next rows: what they are written to stays in the nearest cache.
const TRANSPOSED: usize = 64;

/// Writes the rows of `from`, each `width` long, as the first columns of `to`, whose rows are
/// `panel` long.
fn transpose(from: &[f32], width: usize, to: &mut [f32], panel: usize) {
    // Four rows at a time, for one store instead of four.
    let (fours, rest) = from.split_at(from.len() / (4 * width) * 4 * width);
    let done = fours.len() / width;
    for (block, to) in to.chunks_mut(TRANSPOSED * panel).enumerate() {
        let (first, len) = (block * TRANSPOSED, to.len() / panel);
        for (index, rows) in fours.chunks_exact(4 * width).enumerate() {
            let row = |number: usize| &rows[number * width + first..][..len];
            let values = row(0).iter().zip(row(1)).zip(row(2)).zip(row(3));
            for (to, (((a, b), c), d)) in to.chunks_exact_mut(panel).zip(values) {
                to[4 * index..][..4].copy_from_slice(&[*a, *b, *c, *d]);
            }
        }
        for (index, row) in rest.chunks_exact(width).enumerate() {
            for (to, value) in to.chunks_exact_mut(panel).zip(&row[first..][..len]) {
                to[done + index] = *value;
            }
        }
    }
}
