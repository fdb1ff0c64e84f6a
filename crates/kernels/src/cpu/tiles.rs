//! The recurrent product: a few rows of state times a weight matrix that is packed once per
//! sequence.
//!
//! A tile of a few rows by one panel of columns is summed in registers, along `k` from 0 to `K` for
//! any tile height: the result of a row does not depend on other rows.

use std::ops::Range;

use pulp::{Simd, WithSimd, bytemuck};
use rayon::prelude::*;

use super::{
    panels::{Panels, panel_vectors},
    prefetch::{self, Ahead},
};

/// Rows of a tile, by lanes per vector: 6 x 2 vectors of sums, 2 of weights and 1 of state fill 15 of the 16 registers
/// of AVX2, and 11 x 2 + 3 most of the 32 of AVX-512.
pub(super) const fn tile_rows(lanes: usize) -> usize {
    match lanes {
        16 => 11,
        _ => 6,
    }
}

/// A row of a product.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// The row's factors, as many as the matrix's depth.
    pub factors: &'a [f32],
    pub start: Start<'a>,
    /// The start of its result in the output.
    pub at: usize,
}

/// The initial values of a row's sums.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// Zero.
    Zero,
    /// The values in the output.
    Output,
    /// These values, one per column.
    From(&'a [f32]),
}

/// The product of some rows: `out = start + factors · weight`, for each row at its place.
///
/// # Panics
/// If the factors of a row, its initial values or the output are too short.
pub(crate) struct Product<'a> {
    /// The matrix, packed for the vectors in use.
    pub panels: &'a Panels,
    pub rows: &'a [Row<'a>],
    pub out: &'a mut [f32],
}

/// The [`Product`] of the rows with these indices.
#[inline(always)]
pub(crate) fn multiply<'a, S: Simd>(
    simd: S,
    rows: &[usize],
    row: impl Fn(usize) -> Row<'a>,
    panels: &Panels,
    out: &mut [f32],
) {
    let rows: Vec<Row> = rows.iter().map(|&r| row(r)).collect();
    simd.vectorize(Product { panels, rows: &rows, out });
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { panels, rows, out } = self;
        if panels.threads > 1 {
            share(simd, panels, panels.threads, rows, out);
        } else {
            simd.vectorize(Tiles { panels, part: 0..panels.count(), rows, out });
        }
    }
}

/// A product that this many threads share, whatever the panels say.
pub(crate) struct Shared<'a> {
    pub product: Product<'a>,
    pub threads: usize,
}

impl WithSimd for Shared<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Product { panels, rows, out } = self.product;
        share(simd, panels, self.threads, rows, out);
    }
}

/// Computes some columns of all rows on each of `threads` threads.
fn share<S: Simd>(simd: S, panels: &Panels, threads: usize, rows: &[Row], out: &mut [f32]) {
    let size = panels.count().div_ceil(threads);
    let make = |index: usize| {
        let part = index * size..panels.count().min((index + 1) * size);
        let columns = panels.columns_of(&part);
        let mut made = vec![0.0; rows.len() * columns.len()];
        let mut rows = rows.to_vec();
        for (index, row) in rows.iter_mut().enumerate() {
            row.start = row.start(out, &columns).map_or(Start::Zero, Start::From);
            row.at = index * columns.len();
        }
        simd.vectorize(Tiles { panels, part, rows: &rows, out: &mut made });
        (columns, made)
    };
    let parts: Vec<_> = (0..panels.count().div_ceil(size)).into_par_iter().map(make).collect();
    for (columns, made) in parts {
        for (row, made) in rows.iter().zip(made.chunks_exact(columns.len())) {
            out[row.at..][columns.clone()].copy_from_slice(made);
        }
    }
}

/// The columns of some panels.
struct Tiles<'a> {
    panels: &'a Panels,
    part: Range<usize>,
    rows: &'a [Row<'a>],
    /// The columns of these panels, from the start of each row's result on.
    out: &'a mut [f32],
}

impl WithSimd for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match panel_vectors(S::F32_LANES) {
            8 => tiles::<S, 8>(simd, self),
            4 => tiles::<S, 4>(simd, self),
            _ => tiles::<S, 2>(simd, self),
        }
    }
}

#[inline(always)]
fn tiles<S: Simd, const N: usize>(simd: S, Tiles { panels, part, rows, out }: Tiles) {
    let before = panels.columns_of(&part).start;
    let mut part = part;
    if let [row] = rows {
        // A single row has too few sums in a panel to hide the latency of an addition.
        while part.len() >= TOGETHER {
            let columns = panels.columns_of(&(part.start..part.start + TOGETHER));
            if columns.len() < TOGETHER * panels.panel {
                break;
            }
            let packed = std::array::from_fn(|number| panels.at(part.start + number));
            several_panels::<S, N>(simd, packed, row, columns.start - before..columns.end - before, out);
            part.start += TOGETHER;
        }
    }
    let first = part.start;
    for index in part.clone() {
        let (packed, columns) = (panels.at(index), panels.columns_of(&(index..index + 1)));
        // The first is read next if the matrix is multiplied again.
        let next = panels.at(if index + 1 < part.end { index + 1 } else { first });
        panel::<S, N>(simd, packed, Some(next), rows, columns.start - before..columns.end - before, out);
    }
}

/// Panels that are multiplied by a single row at once.
const TOGETHER: usize = 4;

/// One row by adjacent whole panels, which hold these `columns`.
///
/// # Panics
/// If the row is shorter than the panels' depth.
#[inline(always)]
fn several_panels<S: Simd, const N: usize>(
    simd: S,
    packed: [&[f32]; TOGETHER],
    row: &Row,
    columns: Range<usize>,
    out: &mut [f32],
) {
    let [a, b, c, d] = packed.map(|packed| S::as_simd_f32s(packed).0.as_chunks::<N>().0);
    assert!(row.factors.len() >= a.len(), "a row is as long as the matrix is deep");
    let mut sums = [[simd.splat_f32s(0.0); N]; TOGETHER];
    if let Some(start) = row.start(out, &columns) {
        sums.iter_mut().zip(S::as_simd_f32s(start).0.as_chunks().0).for_each(|(sums, start)| *sums = *start);
    }
    for ((((a, b), c), d), &x) in a.iter().zip(b).zip(c).zip(d).zip(row.factors) {
        let x = simd.splat_f32s(x);
        for (sums, weights) in sums.iter_mut().zip([a, b, c, d]) {
            for (sum, &weight) in sums.iter_mut().zip(weights) {
                *sum = simd.mul_add_e_f32s(x, weight, *sum);
            }
        }
    }
    let out = &mut out[row.at..][columns];
    S::as_mut_simd_f32s(out).0.as_chunks_mut().0.iter_mut().zip(sums).for_each(|(out, sums)| *out = sums);
}

/// [`panel`] with as many columns as [`panel_columns`](super::panels::panel_columns) has:
/// `out = start + factors · packed`.
#[inline(always)]
pub(crate) fn multiply_panel<S: Simd>(simd: S, packed: &[f32], rows: &[Row], columns: Range<usize>, out: &mut [f32]) {
    match panel_vectors(S::F32_LANES) {
        8 => panel::<S, 8>(simd, packed, None, rows, columns, out),
        4 => panel::<S, 4>(simd, packed, None, rows, columns, out),
        _ => panel::<S, 2>(simd, packed, None, rows, columns, out),
    }
}

/// All rows by one packed panel, which holds these `columns`. The `next` panel is prefetched meanwhile.
#[inline(always)]
fn panel<S: Simd, const N: usize>(
    simd: S,
    packed: &[f32],
    next: Option<&[f32]>,
    rows: &[Row],
    columns: Range<usize>,
    out: &mut [f32],
) {
    // Tiles of equal height: with at most six, 32 rows are two tiles of 6 and four of 5, instead of
    // five of 6 and a slow one of 2.
    let count = rows.len().div_ceil(tile_rows(S::F32_LANES));
    let depth = packed.len() / (N * S::F32_LANES);
    for number in 0..count {
        let ahead = match next {
            // A single tile takes no longer than reading the panel.
            Some(next) if count > 1 => Ahead::share(next, number, count, depth),
            _ => Ahead::nothing(packed),
        };
        let rows = &rows[number * rows.len() / count..(number + 1) * rows.len() / count];
        // Prefetches the result's memory while the tile is summed.
        for row in rows {
            prefetch::to_write(&mut out[row.at..][columns.clone()]);
        }
        macro_rules! height {
            ($($height:literal)*) => {
                match rows.len() {
                    $($height => tile::<S, N, $height>(simd, packed, ahead, rows, columns.clone(), out),)*
                    _ => unreachable!("a tile has at most 11 rows"),
                }
            };
        }
        height!(1 2 3 4 5 6 7 8 9 10 11);
    }
}

/// `R` rows by one packed panel of `N` vectors, with these `columns` of the matrix, while memory `ahead` is prefetched.
///
/// # Panics
/// If there are not `R` rows.
#[inline(always)]
pub(super) fn tile<S: Simd, const N: usize, const R: usize>(
    simd: S,
    packed: &[f32],
    ahead: Ahead,
    rows: &[Row],
    columns: Range<usize>,
    out: &mut [f32],
) {
    let (packed, _) = S::as_simd_f32s(packed);
    let (packed, _) = packed.as_chunks::<N>();
    let rows: &[Row; R] = rows.try_into().expect("as many rows as the tile is high");
    let mut sums = [[simd.splat_f32s(0.0); N]; R];
    if columns.len() == N * S::F32_LANES {
        for (sums, row) in sums.iter_mut().zip(rows) {
            if let Some(start) = row.start(out, &columns) {
                *sums = S::as_simd_f32s(start).0.as_chunks().0[0];
            }
        }
        let sums = accumulate(simd, packed, ahead, rows, sums);
        for (sums, row) in sums.iter().zip(rows) {
            let out = &mut out[row.at..][columns.clone()];
            S::as_mut_simd_f32s(out).0.as_chunks_mut().0[0] = *sums;
        }
    } else {
        // The last panel extends past the matrix: it is read and written through separate memory,
        // so that the sums of all others stay in registers.
        let mut padded = sums;
        for (padded, row) in padded.iter_mut().zip(rows) {
            if let Some(start) = row.start(out, &columns) {
                bytemuck::cast_slice_mut(padded)[..columns.len()].copy_from_slice(start);
            }
        }
        let padded = accumulate(simd, packed, ahead, rows, padded);
        for (padded, row) in padded.iter().zip(rows) {
            let out = &mut out[row.at..][columns.clone()];
            out.copy_from_slice(&bytemuck::cast_slice(padded)[..columns.len()]);
        }
    }
}

impl Row<'_> {
    /// The initial values of the sums of `columns`; `None` if they are 0.
    #[inline(always)]
    fn start<'a>(&self, out: &'a [f32], columns: &Range<usize>) -> Option<&'a [f32]>
    where
        Self: 'a,
    {
        match self.start {
            Start::Zero => None,
            Start::Output => Some(&out[self.at..][columns.clone()]),
            Start::From(values) => Some(&values[columns.clone()]),
        }
    }
}

/// Adds `factors[k] * packed[k]` to the sums of each row, for all `k` in order.
///
/// # Panics
/// If a row is shorter than the panel's depth.
#[inline(always)]
fn accumulate<S: Simd, const N: usize, const R: usize>(
    simd: S,
    packed: &[[S::f32s; N]],
    ahead: Ahead,
    rows: &[Row; R],
    mut sums: [[S::f32s; N]; R],
) -> [[S::f32s; N]; R] {
    for row in rows {
        assert!(row.factors.len() >= packed.len());
    }
    for (k, weights) in packed.iter().enumerate() {
        ahead.ask(k);
        for (sums, row) in sums.iter_mut().zip(rows) {
            // SAFETY: k is below the depth of the panel, and each row is at least that
            // long by the assertion above, which the compiler does not carry into the
            // loop: a check per row is a fifth of the loop's instructions.
            let x = simd.splat_f32s(unsafe { *row.factors.get_unchecked(k) });
            for (sum, &weight) in sums.iter_mut().zip(weights) {
                *sum = simd.mul_add_e_f32s(x, weight, *sum);
            }
        }
    }
    sums
}

#[cfg(all(test, feature = "flex"))]
mod tests;
