//! Matrix products on slices.

use std::{marker::PhantomData, mem::MaybeUninit, ops::Range};

use gemm::{Parallelism, gemm};
use pulp::Arch;
use rayon::prelude::*;

use super::{
    blocks::PARALLEL_WORK,
    panels::{Orientation, Panels},
    tiles::{Product, Row, Start},
};

/// A thread's rows of a result are a multiple of this.
const THREAD_ROWS: usize = 16;

/// A thread's columns of a result are a multiple of this, which is one of a tile's columns.
const THREAD_COLUMNS: usize = 64;

/// Numbers of the rows that are multiplied by all panels before the next rows: a part of a core's own cache.
const BLOCK: usize = 1 << 16;

/// The fewest of these rows.
const MIN_BLOCK_ROWS: usize = 44;

/// Rows of a thread from which the threads share the packing of all columns, instead of packing some each.
const BLOCK_ROWS: usize = 256;

/// A matrix in a slice, row-major or column-major.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix that covers a slice, with rows of `columns` elements.
    pub fn filling(data: &'a [f32], columns: usize) -> Self {
        Self { data, rows: data.len() / columns, columns, row_stride: columns, column_stride: 1 }
    }

    /// The transposed matrix.
    pub fn transpose(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Some of its rows.
    fn slice_rows(self, rows: Range<usize>) -> Self {
        Self { data: &self.data[rows.start * self.row_stride..], rows: rows.len(), ..self }
    }

    /// Some of its columns.
    fn slice_columns(self, columns: Range<usize>) -> Self {
        self.transpose().slice_rows(columns).transpose()
    }

    /// Whether rows are contiguous.
    fn is_row_major(&self) -> bool {
        self.column_stride == 1
    }
}

/// `a b`, with `row` added to each row if there is one; row-major, `[rows of a, columns of b]`.
///
/// Each thread computes a part of the result independently: the matrix library's own threads would synchronise dozens
/// of times, which is slow on a busy machine. The result does not depend on the number of threads.
///
/// # Panics
/// If the sizes do not fit.
pub(crate) fn product(a: Matrix, b: Matrix, row: Option<&[f32]>) -> Vec<f32> {
    assert!(a.columns == b.rows, "sizes of a product");
    let (rows, columns) = (a.rows, b.columns);
    let threads = threads_of(rows * a.columns * columns);
    if a.is_row_major() && !b.is_row_major() && rows > 1 {
        return by_panels(a, b, row, threads);
    }
    let onto = row.map_or(Onto::Nothing, Onto::Row);
    let mut out = Vec::with_capacity(rows * columns);
    let place = Place::of(&mut out.spare_capacity_mut()[..rows * columns], columns);
    if threads == 1 {
        multiply(a, b, place, onto, Parallelism::None);
    } else if rows >= columns {
        parts(rows, threads, THREAD_ROWS).for_each(|part| {
            multiply(a.slice_rows(part.clone()), b, place.slice_rows(part), onto, Parallelism::None);
        });
    } else {
        parts(columns, threads, THREAD_COLUMNS).for_each(|part| {
            let (b, place) = (b.slice_columns(part.clone()), place.slice_columns(part.clone()));
            multiply(a, b, place, onto.slice(part), Parallelism::None);
        });
    }
    // SAFETY: a product writes all of its elements.
    unsafe { out.set_len(rows * columns) };
    out
}

/// [`product`] on this thread.
pub(crate) fn product_here(a: Matrix, b: Matrix) -> Vec<f32> {
    assert!(a.columns == b.rows, "sizes of a product");
    if a.is_row_major() && !b.is_row_major() && a.rows > 1 {
        return by_panels(a, b, None, 1);
    }
    let mut out = vec![0.0; a.rows * b.columns];
    add_product(a, b, &mut out);
    out
}

/// The threads that share this many multiplications.
pub(crate) fn threads_of(work: usize) -> usize {
    if work < PARALLEL_WORK { 1 } else { rayon::current_num_threads() }
}

/// `0..len` in a part for each of `threads`, which are multiples of `unit` long.
fn parts(len: usize, threads: usize, unit: usize) -> impl ParallelIterator<Item = Range<usize>> {
    let share = len.div_ceil(threads).next_multiple_of(unit);
    (0..len.div_ceil(share)).into_par_iter().map(move |index| index * share..len.min((index + 1) * share))
}

/// [`product`] of a row-major `a` and the transpose of a row-major matrix, whose rows are packed as they are read: the
/// matrix library is slow at it.
fn by_panels(a: Matrix, b: Matrix, row: Option<&[f32]>, threads: usize) -> Vec<f32> {
    let (arch, depth, columns) = (Arch::new(), a.columns, b.columns);
    let mut out = vec![0.0; a.rows * columns];
    if out.is_empty() || depth == 0 {
        if let Some(row) = row {
            out.chunks_exact_mut(columns.max(1)).for_each(|out| out.copy_from_slice(row));
        }
        return out;
    }
    let start = row.map_or(Start::Zero, Start::From);
    let rows = &a.data[..a.rows * depth];
    if threads == 1 || a.rows >= threads * BLOCK_ROWS {
        let panels = Panels::pack(arch, b.data, depth, Orientation::Transposed);
        multiply_packed(arch, rows, &panels, start, &mut out, threads);
        return out;
    }
    let made = parts(columns, threads, THREAD_COLUMNS).map(|part| {
        let panels = Panels::pack(arch, &b.data[part.start * depth..part.end * depth], depth, Orientation::Transposed);
        let start = row.map_or(Start::Zero, |row| Start::From(&row[part.clone()]));
        let mut made = vec![0.0; a.rows * part.len()];
        multiply_packed(arch, rows, &panels, start, &mut made, 1);
        (part, made)
    });
    for (part, made) in made.collect::<Vec<_>>() {
        let rows = out.chunks_exact_mut(columns).zip(made.chunks_exact(part.len()));
        rows.for_each(|(out, made)| out[part.clone()].copy_from_slice(made));
    }
    out
}

/// `out = start + rows · panels`, with rows as long as the panels are deep; a part of them on each of `threads`.
///
/// # Panics
/// If the sizes do not fit.
pub(crate) fn multiply_packed(
    arch: Arch,
    rows: &[f32],
    panels: &Panels,
    start: Start,
    out: &mut [f32],
    threads: usize,
) {
    let (depth, columns) = (panels.depth, panels.columns());
    let count = rows.len() / depth;
    assert!(rows.len() == count * depth && out.len() == count * columns, "sizes of a product");
    if count == 0 {
        return;
    }
    // As many rows as stay in a core's own cache while every panel is read.
    let most = (BLOCK / depth).max(MIN_BLOCK_ROWS);
    let share = count.div_ceil(count.div_ceil(most).next_multiple_of(threads));
    let part = |(rows, out): (&[f32], &mut [f32])| {
        let row = |(index, factors)| Row { factors, start, at: index * columns };
        let rows: Vec<Row> = rows.chunks_exact(depth).enumerate().map(row).collect();
        arch.dispatch(Product { panels, rows: &rows, out });
    };
    if threads == 1 {
        rows.chunks(share * depth).zip(out.chunks_mut(share * columns)).for_each(part);
    } else {
        rows.par_chunks(share * depth).zip(out.par_chunks_mut(share * columns)).for_each(part);
    }
}

/// Adds `a b` to `out`, row-major, on this thread.
///
/// # Panics
/// If the sizes do not fit.
pub(crate) fn add_product(a: Matrix, b: Matrix, out: &mut [f32]) {
    assert!(a.columns == b.rows && out.len() == a.rows * b.columns, "sizes of a product");
    // SAFETY: initialised elements may be written again.
    let out = unsafe { &mut *(std::ptr::from_mut(out) as *mut [MaybeUninit<f32>]) };
    multiply(a, b, Place::of(out, b.columns), Onto::Sums, Parallelism::None);
}

/// Adds `a b` to `out`, row-major; each thread computes some rows.
///
/// # Panics
/// If the sizes do not fit.
pub(crate) fn add_product_on_threads(a: Matrix, b: Matrix, out: &mut [f32]) {
    assert!(a.columns == b.rows && out.len() == a.rows * b.columns, "sizes of a product");
    let share = a.rows.div_ceil(threads_of(a.columns * out.len())).next_multiple_of(THREAD_ROWS);
    if share >= a.rows {
        return add_product(a, b, out);
    }
    out.par_chunks_mut(share * b.columns).enumerate().for_each(|(index, out)| {
        let rows = index * share..a.rows.min((index + 1) * share);
        add_product(a.slice_rows(rows), b, out);
    });
}

/// Adds the rows of `matrix`, as long as `sums`, to it: in row order, for any number of threads.
pub(crate) fn add_rows(matrix: &[f32], sums: &mut [f32]) {
    let columns = sums.len();
    sums.par_chunks_mut(THREAD_COLUMNS).enumerate().for_each(|(index, sums)| {
        for row in matrix.chunks_exact(columns) {
            let row = &row[index * THREAD_COLUMNS..][..sums.len()];
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
    });
}

/// The sum of the rows of `matrix`, of `columns` elements each, as by [`add_rows`].
pub(crate) fn sum_of_rows(matrix: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    add_rows(matrix, &mut sums);
    sums
}

/// Overwrites `out` with `a b`, row-major, in one call of the matrix library.
///
/// # Panics
/// If the sizes do not fit.
pub(crate) fn write_library_product(a: Matrix, b: Matrix, out: &mut [f32], parallelism: Parallelism) {
    assert!(a.columns == b.rows && out.len() == a.rows * b.columns, "sizes of a product");
    // SAFETY: initialised elements may be written again.
    let out = unsafe { &mut *(std::ptr::from_mut(out) as *mut [MaybeUninit<f32>]) };
    multiply(a, b, Place::of(out, b.columns), Onto::Nothing, parallelism);
}

/// The initial value of a product's sums.
#[derive(Clone, Copy)]
enum Onto<'a> {
    /// Zero: the output is not read.
    Nothing,
    /// This row, for each row of the result.
    Row(&'a [f32]),
    /// The values in the output.
    Sums,
}

impl Onto<'_> {
    /// Those of some columns.
    fn slice(self, columns: Range<usize>) -> Self {
        match self {
            Onto::Row(row) => Onto::Row(&row[columns]),
            other => other,
        }
    }
}

/// A part of a product's output, of which each thread writes another.
#[derive(Clone, Copy)]
struct Place<'a> {
    first: *mut f32,
    rows: usize,
    columns: usize,
    /// From the start of a row to that of the next.
    stride: usize,
    output: PhantomData<&'a mut [MaybeUninit<f32>]>,
}

// SAFETY: threads write parts that do not overlap: `parts` are ranges one after another.
unsafe impl Send for Place<'_> {}
// SAFETY: as above.
unsafe impl Sync for Place<'_> {}

impl<'a> Place<'a> {
    /// The whole output, with rows of `columns` elements.
    fn of(output: &'a mut [MaybeUninit<f32>], columns: usize) -> Self {
        let rows = output.len().checked_div(columns).unwrap_or(0);
        Self { first: output.as_mut_ptr().cast(), rows, columns, stride: columns, output: PhantomData }
    }

    fn slice_rows(self, rows: Range<usize>) -> Self {
        assert!(rows.end <= self.rows, "rows of an output");
        Self { first: self.first.wrapping_add(rows.start * self.stride), rows: rows.len(), ..self }
    }

    fn slice_columns(self, columns: Range<usize>) -> Self {
        assert!(columns.end <= self.columns, "columns of an output");
        Self { first: self.first.wrapping_add(columns.start), columns: columns.len(), ..self }
    }
}

/// Writes each element of `out` in one call. With [`Onto::Sums`] all of them must be initialised.
fn multiply(a: Matrix, b: Matrix, out: Place, onto: Onto, parallelism: Parallelism) {
    assert!(a.columns == b.rows && [out.rows, out.columns] == [a.rows, b.columns], "sizes of a product");
    if let Onto::Row(row) = onto {
        assert!(row.len() == out.columns, "a number for each column");
        for index in 0..out.rows {
            // SAFETY: the row lies within the output, and no other part overlaps it.
            unsafe { std::ptr::copy_nonoverlapping(row.as_ptr(), out.first.add(index * out.stride), row.len()) };
        }
    }
    // SAFETY: a matrix lies within its slice: its only constructor divides the length of the slice
    // into rows, and transposing it or taking fewer rows keeps it inside. So does the place of the
    // result, which is only read if it has been written.
    unsafe {
        gemm(
            a.rows,
            b.columns,
            a.columns,
            out.first,
            1,
            out.stride as isize,
            !matches!(onto, Onto::Nothing),
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests;
