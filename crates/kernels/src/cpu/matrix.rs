//! Matrix products on slices.

use std::{mem::MaybeUninit, ops::Range};

use gemm::{Parallelism, gemm};
use rayon::prelude::*;

use super::blocks::PARALLEL_WORK;

/// Rows of a result that pay for another thread.
const THREAD_ROWS: usize = 16;

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
}

/// `a b`, with `row` added to each row if there is one; row-major, `[rows of a, columns of b]`.
///
/// Each thread computes some rows of the result independently: the matrix library's own threads
/// would synchronise dozens of times, which is slow on a busy machine. The result does not depend
/// on the number of threads.
///
/// # Panics
/// If the sizes do not fit.
pub(crate) fn product(a: Matrix, b: Matrix, row: Option<&[f32]>) -> Vec<f32> {
    let len = a.rows * b.columns;
    let mut out = Vec::with_capacity(len);
    let onto = row.map_or(Onto::Nothing, Onto::Row);
    multiply_rows(a, b, &mut out.spare_capacity_mut()[..len], onto);
    // SAFETY: a product writes all of its elements.
    unsafe { out.set_len(len) };
    out
}

/// Adds `a b` to `out`, row-major, on this thread.
///
/// # Panics
/// If the sizes do not fit.
pub(crate) fn add_product(a: Matrix, b: Matrix, out: &mut [f32]) {
    // SAFETY: initialised elements may be written again.
    let out = unsafe { &mut *(std::ptr::from_mut(out) as *mut [MaybeUninit<f32>]) };
    multiply(a, b, out, Onto::Sums, Parallelism::None);
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

/// Writes each element of `out`, some rows on each thread.
fn multiply_rows(a: Matrix, b: Matrix, out: &mut [MaybeUninit<f32>], onto: Onto) {
    let work = a.rows * a.columns * b.columns;
    let threads = if work < PARALLEL_WORK { 1 } else { rayon::current_num_threads() };
    if threads == 1 || a.rows < threads * THREAD_ROWS {
        let parallelism = if threads == 1 { Parallelism::None } else { Parallelism::Rayon(threads) };
        return multiply(a, b, out, onto, parallelism);
    }
    let share = a.rows.div_ceil(threads);
    out.par_chunks_mut(share * b.columns).enumerate().for_each(|(index, out)| {
        let rows = index * share..a.rows.min((index + 1) * share);
        multiply(a.slice_rows(rows), b, out, onto, Parallelism::None);
    });
}

/// Writes each element of `out` in one call. With [`Onto::Sums`] all of them must be initialised.
fn multiply(a: Matrix, b: Matrix, out: &mut [MaybeUninit<f32>], onto: Onto, parallelism: Parallelism) {
    assert!(a.columns == b.rows && out.len() == a.rows * b.columns, "sizes of a product");
    if let Onto::Row(row) = onto {
        out.chunks_exact_mut(b.columns).for_each(|out| _ = out.write_copy_of_slice(row));
    }
    // SAFETY: a matrix lies within its slice: its only constructor divides the length of the slice
    // into rows, and transposing it or taking fewer rows keeps it inside. The result is a whole
    // slice by the assertion above, and is only read if it has been written.
    unsafe {
        gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr().cast::<f32>(),
            1,
            b.columns as isize,
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
