//! The recurrent product: a few rows of state times a weight matrix that was packed
//! once for the whole sequence.
//!
//! A panel holds a few neighbouring columns of the matrix, all of its `K` rows one
//! after another, so that the product reads memory in order. A tile of a few rows
//! by one panel of columns is summed in registers, along `k` from 0 to `K` whatever
//! the tile's height: a row's result does not depend on the rows beside it.
//!
//! One row alone, as in sampling, reads every weight once: [`Panels::times_row`] has wider
//! panels, for enough sums in flight, and adds in the same order.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::pool::Buffer;

/// Rows of a tile: 6 x 2 vectors of sums, 2 of weights and 1 of state fill 15 of the
/// 16 registers of AVX2, and 11 x 2 + 3 most of the 32 of AVX-512.
const fn tile_rows<S: Simd>() -> usize {
    match S::F32_LANES {
        16 => 11,
        _ => 6,
    }
}
/// Below this many weights packing is not worth a second thread.
const PARALLEL_PACK: usize = 1 << 17;

/// Vectors in a panel's row, by the lanes of a vector: enough sums in flight to hide
/// the latency of an addition, and no more than the registers hold.
const fn panel_vectors<S: Simd>() -> usize {
    match S::F32_LANES {
        1 => 8,
        4 => 4,
        _ => 2,
    }
}

/// Vectors in a panel's row for a product with a single row: enough sums in flight to
/// hide the latency of an addition.
const ROW_VECTORS: usize = 8;
/// Below this many weights a product with a single row is not worth waking a second thread.
const PARALLEL_ROW: usize = 1 << 19;

/// How a weight matrix is read: `weight` is row-major `[rows, columns]`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Orientation {
    /// The product is `a · weightᵀ`: `K` = columns.
    Transposed,
    /// The product is `a · weight`: `K` = rows.
    Plain,
}

/// A weight matrix packed for [`product`] or for [`Panels::times_row`].
#[derive(Debug)]
pub(crate) struct Panels {
    data: Buffer,
    /// Columns of a panel.
    panel: usize,
    depth: usize,
    columns: usize,
}

struct PanelWidth;

impl WithSimd for PanelWidth {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        panel_vectors::<S>() * S::F32_LANES
    }
}

struct RowPanelWidth;

impl WithSimd for RowPanelWidth {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        ROW_VECTORS * S::F32_LANES
    }
}

impl Panels {
    /// Packs `weight`, whose rows have `width` columns, for the vectors of `arch`.
    pub fn pack(arch: Arch, weight: &[f32], width: usize, orientation: Orientation) -> Self {
        Self::pack_by(arch.dispatch(PanelWidth), weight, width, orientation)
    }

    /// Packs `weight`, `[columns of the product, width]`, for [`times_row`](Self::times_row)
    /// with the vectors of `arch`.
    pub fn pack_for_row(arch: Arch, weight: &[f32], width: usize) -> Self {
        Self::pack_by(arch.dispatch(RowPanelWidth), weight, width, Orientation::Transposed)
    }

    /// Columns of the product.
    pub fn columns(&self) -> usize {
        self.columns
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
        Self { data, panel, depth, columns }
    }

    /// `out += row · weight`, with the threads of the pool if the matrix is large; the
    /// numbers do not depend on their count. `arch` is the one that the matrix was packed
    /// for.
    ///
    /// # Panics
    /// If `row` or `out` has not the size of the matrix.
    pub fn times_row(&self, arch: Arch, row: &[f32], out: &mut [f32]) {
        assert_eq!([row.len(), out.len()], [self.depth, self.columns], "sizes of the row and of its product");
        let threads = if self.data.len() < PARALLEL_ROW { 1 } else { rayon::current_num_threads() };
        if threads == 1 {
            return arch.dispatch(RowProduct { packed: &self.data, depth: self.depth, row, out });
        }
        let columns = self.columns.div_ceil(self.panel).div_ceil(threads) * self.panel;
        let parts = self.data.par_chunks(columns * self.depth).zip(out.par_chunks_mut(columns));
        parts.for_each(|(packed, out)| arch.dispatch(RowProduct { packed, depth: self.depth, row, out }));
    }
}

/// `out += row · weight` for neighbouring panels of the matrix.
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
            let columns = 0..out.len();
            let (packed, _) = S::as_simd_f32s(packed);
            let (packed, _) = packed.as_chunks::<ROW_VECTORS>();
            let mut sums = [simd.splat_f32s(0.0); ROW_VECTORS];
            begin(simd, Start::Output, out, &columns, &mut sums);
            let [sums] = accumulate(simd, packed, [self.row], [sums]);
            finish(simd, out, &columns, sums);
        }
    }
}

/// Writes the rows of `from`, each `width` long, as the first columns of `to`, whose rows
/// are `panel` long.
fn transpose(from: &[f32], width: usize, to: &mut [f32], panel: usize) {
    // Four rows at a time, for one store where there would be four.
    let (fours, rest) = from.split_at(from.len() / (4 * width) * 4 * width);
    for (index, rows) in fours.chunks_exact(4 * width).enumerate() {
        let (ab, cd) = rows.split_at(2 * width);
        let ((a, b), (c, d)) = (ab.split_at(width), cd.split_at(width));
        let values = a.iter().zip(b).zip(c).zip(d);
        for (to, (((a, b), c), d)) in to.chunks_exact_mut(panel).zip(values) {
            to[4 * index..][..4].copy_from_slice(&[*a, *b, *c, *d]);
        }
    }
    let done = fours.len() / width;
    for (index, row) in rest.chunks_exact(width).enumerate() {
        for (to, value) in to.chunks_exact_mut(panel).zip(row) {
            to[done + index] = *value;
        }
    }
}

/// Where the sums of a row of the product start.
pub(crate) enum Start<'a> {
    /// From zero.
    Zero,
    /// From what the output holds.
    Output,
    /// From these values, one per column.
    From(&'a [f32]),
}

/// `out[r] = start(r) + a(r) · weight` for each `r` of `rows`, where `out[r]` is
/// `out[r * stride..]`, as wide as the packed matrix.
#[inline(always)]
pub(crate) fn product<'a, S: Simd>(
    simd: S,
    panels: &Panels,
    rows: &[usize],
    operands: (impl Fn(usize) -> &'a [f32], impl Fn(usize) -> Start<'a>),
    out: (&mut [f32], usize),
) {
    match panel_vectors::<S>() {
        8 => tiles::<S, 8>(simd, panels, rows, operands, out),
        4 => tiles::<S, 4>(simd, panels, rows, operands, out),
        _ => tiles::<S, 2>(simd, panels, rows, operands, out),
    }
}

#[inline(always)]
fn tiles<'a, S: Simd, const N: usize>(
    simd: S,
    panels: &Panels,
    rows: &[usize],
    (a, start): (impl Fn(usize) -> &'a [f32], impl Fn(usize) -> Start<'a>),
    (out, stride): (&mut [f32], usize),
) {
    let panel = N * S::F32_LANES;
    // Tiles of even height: in sixes, 32 rows are two tiles of 6 and four of 5, not five
    // of 6 and a slow one of 2.
    let count = rows.len().div_ceil(tile_rows::<S>());
    for (index, packed) in panels.data.chunks_exact(panel * panels.depth).enumerate() {
        let first = index * panel;
        let columns = first..panels.columns.min(first + panel);
        let (packed, _) = S::as_simd_f32s(packed);
        let (packed, _) = packed.as_chunks::<N>();
        for tile in 0..count {
            let rows = &rows[tile * rows.len() / count..(tile + 1) * rows.len() / count];
            macro_rules! height {
                ($($rows:literal)*) => {
                    match rows.len() {
                        $($rows => {
                            let rows: [usize; $rows] = std::array::from_fn(|r| rows[r]);
                            let mut sums = [[simd.splat_f32s(0.0); N]; $rows];
                            for (sums, &r) in sums.iter_mut().zip(&rows) {
                                begin(simd, start(r), &out[r * stride..], &columns, sums);
                            }
                            let sums = accumulate::<S, N, $rows>(simd, packed, rows.map(&a), sums);
                            for (r, sums) in rows.into_iter().zip(sums) {
                                finish(simd, &mut out[r * stride..], &columns, sums);
                            }
                        })*
                        _ => {}
                    }
                };
            }
            height!(1 2 3 4 5 6 7 8 9 10 11);
        }
    }
}

/// Puts the sums of a row and a panel, which are 0, where they start.
#[inline(always)]
fn begin<S: Simd, const N: usize>(simd: S, start: Start, out: &[f32], columns: &Range<usize>, sums: &mut [S::f32s; N]) {
    let from = match start {
        Start::Zero => return,
        Start::Output => &out[columns.clone()],
        Start::From(values) => &values[columns.clone()],
    };
    let (body, tail) = S::as_simd_f32s(from);
    for (sum, &value) in sums.iter_mut().zip(body) {
        *sum = value;
    }
    if let Some(sum) = sums.get_mut(body.len()) {
        *sum = simd.partial_load_f32s(tail);
    }
}

/// Writes the sums of a row and a panel.
#[inline(always)]
fn finish<S: Simd, const N: usize>(simd: S, out: &mut [f32], columns: &Range<usize>, sums: [S::f32s; N]) {
    let (body, tail) = S::as_mut_simd_f32s(&mut out[columns.clone()]);
    let full = body.len();
    for (slot, &sum) in body.iter_mut().zip(&sums) {
        *slot = sum;
    }
    if let Some(&sum) = sums.get(full) {
        simd.partial_store_f32s(tail, sum);
    }
}

/// Adds `a[r][k] * packed[k]` to the sums of each row, for all `k` in order.
///
/// # Panics
/// If a row is shorter than the panel is deep.
#[inline(always)]
fn accumulate<S: Simd, const N: usize, const R: usize>(
    simd: S,
    packed: &[[S::f32s; N]],
    a: [&[f32]; R],
    mut sums: [[S::f32s; N]; R],
) -> [[S::f32s; N]; R] {
    for row in a {
        assert!(row.len() >= packed.len());
    }
    for (k, weights) in packed.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(a) {
            // SAFETY: k is below the depth of the panel, and each row is at least that
            // long by the assertion above, which the compiler does not carry into the
            // loop: a check per row is a fifth of the loop's instructions.
            let x = simd.splat_f32s(unsafe { *row.get_unchecked(k) });
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
    use crate::cpu::testing::{architectures, numbers};

    struct Product<'a> {
        panels: &'a Panels,
        rows: &'a [usize],
        a: &'a [f32],
        start: &'a [f32],
        out: &'a mut [f32],
    }

    impl WithSimd for Product<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let (depth, columns) = (self.panels.depth, self.panels.columns);
            let a = |r: usize| &self.a[r * depth..][..depth];
            // One row of each kind of start.
            let start = |r: usize| match r % 3 {
                0 => Start::Zero,
                1 => Start::Output,
                _ => Start::From(&self.start[r * columns..][..columns]),
            };
            product(simd, self.panels, self.rows, (a, start), (self.out, columns));
        }
    }

    struct OneRow<'a> {
        panels: &'a Panels,
        row: &'a [f32],
        out: &'a mut [f32],
    }

    impl WithSimd for OneRow<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let operands = (|_| self.row, |_| Start::Output);
            product(simd, self.panels, &[0], operands, (self.out, self.panels.columns));
        }
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
                    for panels in [&plain, &turned] {
                        let mut out = before.clone();
                        arch.dispatch(Product { panels, rows: &rows, a: &a, start: &start, out: &mut out });
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
    fn a_row_packed_for_alone_has_the_bits_of_the_product_of_many() {
        // The last is large enough for two threads.
        for (depth, columns) in [(1, 1), (5, 17), (37, 100), (64, 129), (700, 1000)] {
            let weight = numbers(depth * columns, 1);
            let (row, start) = (numbers(depth, 2), numbers(columns, 3));
            for arch in architectures() {
                let panels = Panels::pack(arch, &weight, depth, Orientation::Transposed);
                let mut among = start.clone();
                arch.dispatch(OneRow { panels: &panels, row: &row, out: &mut among });
                let mut alone = start.clone();
                Panels::pack_for_row(arch, &weight, depth).times_row(arch, &row, &mut alone);
                assert_eq!(alone, among, "{depth} by {columns}");
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
                arch.dispatch(Product { panels: &panels, rows, a: &a, start: &start, out: &mut out });
                out
            };
            let together = walk(&(0..height).collect::<Vec<_>>());
            for r in 0..height {
                let row = r * columns..(r + 1) * columns;
                assert_eq!(walk(&[r])[row.clone()], together[row]);
            }
        }
    }
}
