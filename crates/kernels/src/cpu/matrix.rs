//! Products of matrices that lie in slices.

use std::{mem::MaybeUninit, ops::Range};

use gemm::{Parallelism, gemm};
use rayon::prelude::*;

use super::blocks::PARALLEL_WORK;

/// Rows of a result that are worth a thread of their own.
const THREAD_ROWS: usize = 16;

/// A matrix that lies in a slice by rows or by columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix that fills a slice with rows of `columns` numbers.
    pub fn filling(data: &'a [f32], columns: usize) -> Self {
        Self { data, rows: data.len() / columns, columns, row_stride: columns, column_stride: 1 }
    }

    /// The matrix turned over.
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
}

/// `a b`, with `row` added to each row if there is one; row-major, `[rows of a, columns of b]`.
///
/// Each thread makes some rows of the result, all by itself: the product's own threads
/// would meet dozens of times, which a busy machine makes slow. Numbers do not depend on
/// how many threads there are.
///
/// # Panics
/// If the sizes do not fit.
pub(crate) fn product(a: Matrix, b: Matrix, row: Option<&[f32]>) -> Vec<f32> {
    let len = a.rows * b.columns;
    let mut out = Vec::with_capacity(len);
    multiply_rows(a, b, &mut out.spare_capacity_mut()[..len], row);
    // SAFETY: a product writes all of its elements.
    unsafe { out.set_len(len) };
    out
}

/// Writes each element of `out`, some rows on each thread.
fn multiply_rows(a: Matrix, b: Matrix, out: &mut [MaybeUninit<f32>], row: Option<&[f32]>) {
    let work = a.rows * a.columns * b.columns;
    let threads = if work < PARALLEL_WORK { 1 } else { rayon::current_num_threads() };
    if threads == 1 || a.rows < threads * THREAD_ROWS {
        let parallelism = if threads == 1 { Parallelism::None } else { Parallelism::Rayon(threads) };
        return multiply(a, b, out, row, parallelism);
    }
    let share = a.rows.div_ceil(threads);
    out.par_chunks_mut(share * b.columns).enumerate().for_each(|(index, out)| {
        let rows = index * share..a.rows.min((index + 1) * share);
        multiply(a.slice_rows(rows), b, out, row, Parallelism::None);
    });
}

/// Writes each element of `out` in one call.
fn multiply(a: Matrix, b: Matrix, out: &mut [MaybeUninit<f32>], row: Option<&[f32]>, parallelism: Parallelism) {
    assert!(a.columns == b.rows && out.len() == a.rows * b.columns, "sizes of a product");
    if let Some(row) = row {
        out.chunks_exact_mut(b.columns).for_each(|out| _ = out.write_copy_of_slice(row));
    }
    // SAFETY: a matrix lies within its slice, whose length the only way to make one divides into
    // rows, which neither turning it over nor taking fewer rows undoes; the result is a whole
    // slice by the assertion above, and only read if it has been written.
    unsafe {
        gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr().cast::<f32>(),
            1,
            b.columns as isize,
            row.is_some(),
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
