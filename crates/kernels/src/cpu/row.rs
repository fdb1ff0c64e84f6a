//! The product of a single row, as in sampling: it reads every weight once.
//!
//! Its panels are wider than those of [`tiles`](super::tiles), for enough independent sums, and it
//! adds in the same order.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    panels::{Panels, ROW_VECTORS},
    prefetch::Ahead,
    tiles::{Row, Start, tile},
};

impl Panels {
    /// `out += row · weight`, with the threads of the pool if the matrix is large; the result does
    /// not depend on their number. `arch` must be the instruction set that the matrix was packed
    /// for.
    ///
    /// # Panics
    /// If the size of `row` or `out` is not that of the matrix.
    pub fn times_row(&self, arch: Arch, row: &[f32], out: &mut [f32]) {
        assert_eq!([row.len(), out.len()], [self.depth, self.columns], "sizes of the row and of its product");
        let threads = if self.is_large() { rayon::current_num_threads() } else { 1 };
        if threads == 1 {
            return arch.dispatch(RowProduct { packed: &self.data, depth: self.depth, row, out });
        }
        let columns = self.columns.div_ceil(self.panel).div_ceil(threads) * self.panel;
        let parts = self.data.par_chunks(columns * self.depth).zip(out.par_chunks_mut(columns));
        parts.for_each(|(packed, out)| arch.dispatch(RowProduct { packed, depth: self.depth, row, out }));
    }
}

/// `out += row · weight` for adjacent panels of the matrix.
struct RowProduct<'a> {
    packed: &'a [f32],
    depth: usize,
    row: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for RowProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let panel = ROW_VECTORS * S::F32_LANES;
        for (packed, out) in self.packed.chunks_exact(panel * self.depth).zip(self.out.chunks_mut(panel)) {
            let row = Row { factors: self.row, start: Start::Output, at: 0 };
            let columns = 0..out.len();
            tile::<S, ROW_VECTORS, 1>(simd, packed, Ahead::nothing(packed), &[row], columns, out);
        }
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
