//! Sums of outer products, `Σ_k a_k b_kᵀ`: the gradient of a weight matrix, from the gradients of
//! its outputs and from its inputs.
//!
//! Both factors have one row for each `k`, in the layout of the pass. A block of rows is packed at
//! a time, so that the data of a tile of the result is contiguous and in the nearest caches: one
//! factor in panels of a few vectors, the other in groups of the tile's height.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd, bytemuck};
use rayon::prelude::*;

use super::{
    blocks::PARALLEL_WORK,
    panels::{Lanes, panel_vectors},
    pool::Buffer,
    prefetch,
    tiles::tile_rows,
};

/// Rows packed at once: a panel of them stays in the L1 cache.
const DEPTH: usize = 192;
/// Largest number of columns of the first factor packed at once: with that many rows they stay in
/// the L2 cache. The other factor's panels are read once per block, in order.
const HEIGHT: usize = 768;

/// Some columns of a row-major matrix: `columns` of them in rows of `width`.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub data: &'a [f32],
    pub width: usize,
    pub first: usize,
    pub columns: usize,
}

impl<'a> Columns<'a> {
    /// All columns of a matrix.
    pub fn all(data: &'a [f32], width: usize) -> Self {
        Self { data, width, first: 0, columns: width }
    }

    /// The elements of a row.
    pub fn row(&self, k: usize) -> &'a [f32] {
        &self.data[k * self.width + self.first..][..self.columns]
    }
}

/// `out = Σ_k a(k) b(k)ᵀ` for `k` in `0..depth`; `out` is row-major, `[length of a(k), length of b(k)]`.
///
/// Each thread computes some rows of the result. The result does not depend on the number of
/// threads.
///
/// # Panics
/// If the sizes do not fit.
pub(crate) fn outer_products<'a>(
    arch: Arch,
    [depth, high]: [usize; 2],
    a: impl Fn(usize) -> &'a [f32] + Sync,
    b: impl Fn(usize) -> &'a [f32] + Sync,
    out: &mut [f32],
) {
    let width = out.len() / high;
    outer_products_in_columns(arch, [depth, high], a, b, out, 0..width);
}

/// [`outer_products`] into the columns `within` of `out`, of `high` rows. Its other columns are left as they are.
///
/// # Panics
/// If the sizes do not fit.
pub(crate) fn outer_products_in_columns<'a>(
    arch: Arch,
    [depth, high]: [usize; 2],
    a: impl Fn(usize) -> &'a [f32] + Sync,
    b: impl Fn(usize) -> &'a [f32] + Sync,
    out: &mut [f32],
    within: Range<usize>,
) {
    let width = out.len() / high;
    assert!(within.end <= width, "columns {within:?} of {width}");
    let work = depth * high * within.len();
    let threads = if work < PARALLEL_WORK { 1 } else { rayon::current_num_threads() };
    let tile = tile_rows(arch.dispatch(Lanes));
    let share = high.div_ceil(tile).div_ceil(threads) * tile;
    let part = |index: usize, out: &mut [f32]| {
        let columns = index * share..index * share + out.len() / width;
        let a = |k: usize| &a(k)[columns.clone()];
        arch.dispatch(OuterProducts { a, b: &b, depth, high: columns.len(), width, within: within.clone(), out });
    };
    if threads == 1 {
        part(0, out);
    } else {
        out.par_chunks_mut(share * width).enumerate().for_each(|(index, out)| part(index, out));
    }
}

/// A thread's part of the result.
struct OuterProducts<'a, F, G> {
    a: F,
    b: &'a G,
    depth: usize,
    /// Rows of the result.
    high: usize,
    /// Columns of `out`.
    width: usize,
    /// Those of the result.
    within: Range<usize>,
    out: &'a mut [f32],
}

impl<'b, F: Fn(usize) -> &'b [f32], G: Fn(usize) -> &'b [f32]> WithSimd for OuterProducts<'_, F, G> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (panel_vectors(S::F32_LANES), tile_rows(S::F32_LANES)) {
            (2, 11) => self.blocks::<S, 2, 11>(simd),
            (2, 6) => self.blocks::<S, 2, 6>(simd),
            (4, 6) => self.blocks::<S, 4, 6>(simd),
            (8, 6) => self.blocks::<S, 8, 6>(simd),
            sizes => unreachable!("no tile has {sizes:?} vectors and rows"),
        }
    }
}

impl<'b, F: Fn(usize) -> &'b [f32], G: Fn(usize) -> &'b [f32]> OuterProducts<'_, F, G> {
    #[inline(always)]
    fn blocks<S: Simd, const N: usize, const R: usize>(self, simd: S) {
        let Self { a, b, depth, high, width, within, out } = self;
        let wide = within.len();
        // Blocks of equal height, instead of a high one and a slow low one.
        let height = high.div_ceil(high.div_ceil(HEIGHT)).next_multiple_of(R);
        let panel = N * S::F32_LANES;
        let mut panels = Buffer::take(wide.next_multiple_of(panel) * DEPTH.min(depth));
        let mut groups = Buffer::take(height * DEPTH.min(depth));
        let mut blocks = Block::all([depth, high], [DEPTH, height]).peekable();
        while let Some(block) = blocks.next() {
            let deep = block.rows.len();
            if block.columns.start == 0 {
                pack(deep, panel, wide, &mut panels, |k| b(block.rows.start + k));
            }
            pack(deep, R, block.columns.len(), &mut groups, |k| &a(block.rows.start + k)[block.columns.clone()]);
            let out = &mut out[block.columns.start * width..block.columns.end * width];
            let (tiles, panels_wide) = (block.columns.len().div_ceil(R), wide.div_ceil(panel));
            // Prefetches the next block while this one is summed, some rows with each tile.
            let next = blocks.peek();
            let mut ahead = next.map_or(0..0, |next| next.rows.clone());
            let share = ahead.len().div_ceil(tiles * panels_wide);
            for index in 0..panels_wide {
                let columns = within.start + index * panel..within.end.min(within.start + (index + 1) * panel);
                let weights = S::as_simd_f32s(&panels[index * panel * deep..][..panel * deep]).0.as_chunks().0;
                for (factors, out) in groups.chunks_exact(R * deep).zip(out.chunks_mut(R * width)) {
                    if let Some(next) = next {
                        for k in ahead.by_ref().take(share) {
                            prefetch::to_read(&a(k)[next.columns.clone()]);
                            if next.columns.start == 0 {
                                prefetch::to_read(b(k));
                            }
                        }
                    }
                    out.chunks_exact_mut(width).for_each(|row| prefetch::to_write(&mut row[columns.clone()]));
                    let sums = accumulate::<S, N, R>(simd, factors.as_chunks().0, weights);
                    finish(simd, sums, out, width, columns.clone(), block.rows.start > 0);
                }
            }
        }
    }
}

/// The part of the first factor that is packed at once.
struct Block {
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Block {
    /// The blocks of a matrix: some rows, all their columns; then the next rows.
    fn all([rows, columns]: [usize; 2], [deep, high]: [usize; 2]) -> impl Iterator<Item = Self> {
        let parts = |len: usize, size: usize| (0..len).step_by(size).map(move |start| start..len.min(start + size));
        parts(rows, deep)
            .flat_map(move |rows| parts(columns, high).map(move |columns| Self { rows: rows.clone(), columns }))
    }
}

/// Packs `rows` rows of `columns` elements: `size` adjacent columns of all rows, then the next,
/// with zeros after the last.
#[inline(always)]
fn pack<'a>(rows: usize, size: usize, columns: usize, packed: &mut [f32], row: impl Fn(usize) -> &'a [f32]) {
    for k in 0..rows {
        let pieces = row(k)[..columns].chunks_exact(size);
        let rest = pieces.remainder();
        let mut places = packed[k * size..].chunks_mut(rows * size);
        for (piece, place) in pieces.zip(&mut places) {
            place[..size].copy_from_slice(piece);
        }
        if !rest.is_empty() {
            let place = places.next().expect("room for the columns that are left");
            place[..rest.len()].copy_from_slice(rest);
            place[rest.len()..size].fill(0.0);
        }
    }
}

/// `Σ_k a_k b_kᵀ` of a tile.
#[inline(always)]
fn accumulate<S: Simd, const N: usize, const R: usize>(
    simd: S,
    a: &[[f32; R]],
    b: &[[S::f32s; N]],
) -> [[S::f32s; N]; R] {
    let mut sums = [[simd.splat_f32s(0.0); N]; R];
    for (a, b) in a.iter().zip(b) {
        for (sums, &a) in sums.iter_mut().zip(a) {
            let a = simd.splat_f32s(a);
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum = simd.mul_add_e_f32s(a, b, *sum);
            }
        }
    }
    sums
}

/// Writes the sums of a tile, or adds them to the output.
#[inline(always)]
fn finish<S: Simd, const N: usize, const R: usize>(
    simd: S,
    sums: [[S::f32s; N]; R],
    out: &mut [f32],
    width: usize,
    columns: Range<usize>,
    add: bool,
) {
    if out.len() == R * width && columns.len() == N * S::F32_LANES {
        for (sums, out) in sums.iter().zip(out.chunks_exact_mut(width)) {
            let out = S::as_mut_simd_f32s(&mut out[columns.clone()]).0;
            for (out, &sum) in out.iter_mut().zip(sums) {
                *out = if add { simd.add_f32s(*out, sum) } else { sum };
            }
        }
    } else {
        // Through separate memory, as in the recurrent product.
        let padded = sums;
        for (sums, out) in padded.iter().zip(out.chunks_exact_mut(width)) {
            let sums: &[f32] = bytemuck::cast_slice(sums);
            for (out, &sum) in out[columns.clone()].iter_mut().zip(sums) {
                *out = if add { *out + sum } else { sum };
            }
        }
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
