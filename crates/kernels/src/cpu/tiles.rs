//! The recurrent product: a few rows of state times a weight matrix that was packed
//! once for the whole sequence.
//!
//! A tile of a few rows by one panel of columns is summed in registers, along `k` from 0
//! to `K` whatever the tile's height: a row's result does not depend on the rows beside it.

use std::ops::Range;

use pulp::{Simd, WithSimd, bytemuck};
use rayon::prelude::*;

use super::{
    panels::{Panels, panel_vectors},
    prefetch,
};

/// Rows of a tile, by the lanes of a vector: 6 x 2 vectors of sums, 2 of weights and 1 of state fill 15 of the
/// 16 registers of AVX2, and 11 x 2 + 3 most of the 32 of AVX-512.
pub(super) const fn tile_rows(lanes: usize) -> usize {
    match lanes {
        16 => 11,
        _ => 6,
    }
}

/// A row of a product.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// What is multiplied by the matrix: as many numbers as that is deep.
    pub factors: &'a [f32],
    pub start: Start<'a>,
    /// Where its result begins in the output.
    pub at: usize,
}

/// Where the sums of a row start.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// From zero.
    Zero,
    /// From what the output holds.
    Output,
    /// From these values, one per column.
    From(&'a [f32]),
}

/// The product of some rows: `out = start + factors · weight`, for each row from its place on.
///
/// # Panics
/// If the factors of a row, the values that it starts from or the output are too short.
pub(crate) struct Product<'a> {
    /// The matrix, packed for the vectors that the product is run with.
    pub panels: &'a Panels,
    pub rows: &'a [Row<'a>],
    pub out: &'a mut [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { panels, rows, out } = self;
        if panels.threads > 1 {
            share(simd, panels, rows, out);
        } else {
            simd.vectorize(Tiles { panels, part: 0..panels.count(), rows, out });
        }
    }
}

/// Makes some columns of all rows on each thread.
fn share<S: Simd>(simd: S, panels: &Panels, rows: &[Row], out: &mut [f32]) {
    let size = panels.count().div_ceil(panels.threads);
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
    /// The columns of these panels, from the place of each row on.
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
    // Tiles of even height: in sixes, 32 rows are two tiles of 6 and four of 5, not five
    // of 6 and a slow one of 2.
    let count = rows.len().div_ceil(tile_rows(S::F32_LANES));
    let before = panels.columns_of(&part).start;
    for index in part {
        let (packed, columns) = (panels.at(index), panels.columns_of(&(index..index + 1)));
        let columns = columns.start - before..columns.end - before;
        for number in 0..count {
            let rows = &rows[number * rows.len() / count..(number + 1) * rows.len() / count];
            // The place of the result comes from memory while the tile is summed.
            for row in rows {
                prefetch::to_write(&mut out[row.at..][columns.clone()]);
            }
            macro_rules! height {
                ($($height:literal)*) => {
                    match rows.len() {
                        $($height => tile::<S, N, $height>(simd, packed, rows, columns.clone(), out),)*
                        _ => unreachable!("a tile has at most 11 rows"),
                    }
                };
            }
            height!(1 2 3 4 5 6 7 8 9 10 11);
        }
    }
}

/// `R` rows by one packed panel of `N` vectors, which holds these `columns` of the matrix.
///
/// # Panics
/// If there are not `R` rows.
#[inline(always)]
pub(super) fn tile<S: Simd, const N: usize, const R: usize>(
    simd: S,
    packed: &[f32],
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
        let sums = accumulate(simd, packed, rows, sums);
        for (sums, row) in sums.iter().zip(rows) {
            let out = &mut out[row.at..][columns.clone()];
            S::as_mut_simd_f32s(out).0.as_chunks_mut().0[0] = *sums;
        }
    } else {
        // The last panel reaches beyond the matrix: what is there comes and goes by way of
        // memory, a place of its own, so that the sums of all others can stay in registers.
        let mut padded = sums;
        for (padded, row) in padded.iter_mut().zip(rows) {
            if let Some(start) = row.start(out, &columns) {
                bytemuck::cast_slice_mut(padded)[..columns.len()].copy_from_slice(start);
            }
        }
        let padded = accumulate(simd, packed, rows, padded);
        for (padded, row) in padded.iter().zip(rows) {
            let out = &mut out[row.at..][columns.clone()];
            out.copy_from_slice(&bytemuck::cast_slice(padded)[..columns.len()]);
        }
    }
}

impl Row<'_> {
    /// The values that the sums of `columns` start from; `None` if they are 0.
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
/// If a row is shorter than the panel is deep.
#[inline(always)]
fn accumulate<S: Simd, const N: usize, const R: usize>(
    simd: S,
    packed: &[[S::f32s; N]],
    rows: &[Row; R],
    mut sums: [[S::f32s; N]; R],
) -> [[S::f32s; N]; R] {
    for row in rows {
        assert!(row.factors.len() >= packed.len());
    }
    for (k, weights) in packed.iter().enumerate() {
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
mod tests {
    use super::*;
    use crate::cpu::{
        panels::Orientation,
        testing::{architectures, numbers},
    };

    /// `rows` of `a`, each to the place that it has there.
    fn rows_of<'a>(
        a: &'a [f32],
        depth: usize,
        columns: usize,
        rows: &[usize],
        start: impl Fn(usize) -> Start<'a>,
    ) -> Vec<Row<'a>> {
        let row = |&r: &usize| Row { factors: &a[r * depth..][..depth], start: start(r), at: r * columns };
        rows.iter().map(row).collect()
    }

    #[test]
    fn products_of_all_heights_and_odd_sizes_are_those_of_the_plain_sum() {
        for (depth, columns) in [(1, 1), (5, 17), (16, 16), (37, 100), (64, 33)] {
            let weight = numbers(depth * columns, 1);
            let transposed: Vec<f32> =
                (0..columns * depth).map(|index| weight[index % depth * columns + index / depth]).collect();
            for arch in architectures() {
                let plain = Panels::pack(arch, &weight, columns, Orientation::Plain);
                let turned = Panels::pack(arch, &transposed, depth, Orientation::Transposed);
                for height in 0..15 {
                    // Every second row, so that the rows between must stay as they are.
                    let rows: Vec<usize> = (0..height).map(|r| 2 * r).collect();
                    let all = 2 * height;
                    let (a, start) = (numbers(all * depth, 2), numbers(all * columns, 3));
                    let before = numbers(all * columns, 4);
                    // Some rows of each kind of start.
                    let rows = rows_of(&a, depth, columns, &rows, |r| match r % 3 {
                        0 => Start::Zero,
                        1 => Start::Output,
                        _ => Start::From(&start[r * columns..][..columns]),
                    });
                    for panels in [&plain, &turned] {
                        let mut out = before.clone();
                        arch.dispatch(Product { panels, rows: &rows, out: &mut out });
                        for (index, (&seen, &before)) in out.iter().zip(&before).enumerate() {
                            let (r, column) = (index / columns, index % columns);
                            let sum: f64 = (0..depth)
                                .map(|k| f64::from(a[r * depth + k]) * f64::from(weight[k * columns + column]))
                                .sum();
                            let wanted = match r % 6 {
                                0 => sum,
                                4 => sum + f64::from(before),
                                2 => sum + f64::from(start[index]),
                                _ => f64::from(before),
                            };
                            // At most 64 additions of numbers below 0.25, each rounded.
                            assert!((f64::from(seen) - wanted).abs() < 5e-6, "{seen}, wanted {wanted}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_in_any_company() {
        let (depth, columns, height) = (37, 41, 13);
        let weight = numbers(depth * columns, 1);
        let (a, start) = (numbers(height * depth, 2), numbers(height * columns, 3));
        for arch in architectures() {
            let panels = Panels::pack(arch, &weight, columns, Orientation::Plain);
            let walk = |rows: &[usize]| {
                let mut out = vec![0.5; height * columns];
                let rows = rows_of(&a, depth, columns, rows, |r| Start::From(&start[r * columns..]));
                arch.dispatch(Product { panels: &panels, rows: &rows, out: &mut out });
                out
            };
            let together = walk(&(0..height).collect::<Vec<_>>());
            for r in 0..height {
                let row = r * columns..(r + 1) * columns;
                assert_eq!(walk(&[r])[row.clone()], together[row]);
            }
        }
    }

    #[test]
    fn threads_that_share_a_product_give_its_bits() {
        // With fewer panels than threads, and with as many threads as panels and a narrow one.
        for (depth, columns, height) in [(5, 17, 3), (37, 300, 4), (16, 128, 1)] {
            let weight = numbers(depth * columns, 1);
            let (a, start) = (numbers(height * depth, 2), numbers(height * columns, 3));
            let all: Vec<usize> = (0..height).collect();
            let rows = rows_of(&a, depth, columns, &all, |r| match r % 3 {
                0 => Start::From(&start[r * columns..]),
                1 => Start::Output,
                _ => Start::Zero,
            });
            for arch in architectures() {
                let made = |threads| {
                    let panels = Panels::pack(arch, &weight, columns, Orientation::Plain).shared_by(threads);
                    let mut out = vec![0.5; height * columns];
                    arch.dispatch(Product { panels: &panels, rows: &rows, out: &mut out });
                    out
                };
                assert_eq!(made(1), made(3), "{depth} by {columns}");
            }
        }
    }
}
