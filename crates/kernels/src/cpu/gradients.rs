//! The products and sums that follow the walk backwards.

use burn::backend::tensor::FloatTensor;
use gemm::{Parallelism, gemm};
use rayon::prelude::*;

use super::{
    blocks::Extent,
    pool::Buffer,
    source::Symbols,
    tensors::{CpuBackend, Gates},
};
use crate::{Direction, Scan};

/// A part of the columns of a row-major matrix: `columns` of them in rows of `width`.
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
}

/// `weight_gradient = Σ_t d_tᵀ h_{t-1}`, one product for the whole sequence.
///
/// `d` `[T, B, width]` holds the gradients of the recurrent products, 0 past a row's
/// length; `hidden` `[T, B, H]`, `h0` `[B, H]`; `out` `[columns, H]` is overwritten.
pub(crate) fn weight_gradient(
    extent: &Extent,
    scan: &Scan,
    d: Columns,
    (hidden, h0): (&[f32], &[f32]),
    out: &mut [f32],
) {
    let (steps, batch) = (extent.steps, extent.batch);
    let inner = (steps - 1) * batch;
    // Step t read the hidden state of its neighbour: the same rows, one step apart.
    let (d_rows, h_rows) = match scan.direction {
        Direction::Forward => (batch.., 0..inner),
        Direction::Reverse => (0.., batch..steps * batch),
    };
    let later = Columns { data: &d.data[d_rows.start * d.width..], ..d };
    let h = &hidden[h_rows.start * extent.hidden..h_rows.end * extent.hidden];
    if steps > 1 {
        transposed_product(later, h, inner, out, false);
    }

    // The first step of each row read h0.
    let mut first = Buffer::take(batch * d.columns);
    for (b, row) in first.chunks_exact_mut(d.columns).enumerate() {
        let index = scan.first(b, steps) * batch + b;
        row.copy_from_slice(&d.data[index * d.width + d.first..][..d.columns]);
    }
    let first = Columns::all(&first, d.columns);
    transposed_product(first, h0, batch, out, steps > 1);
}

/// `out = aᵀ b`, or `out += aᵀ b`, over `rows` rows; `out` is `[a.columns, b's columns]`.
fn transposed_product(a: Columns, b: &[f32], rows: usize, out: &mut [f32], accumulate: bool) {
    let (m, n) = (a.columns, out.len() / a.columns);
    assert!(a.first + m <= a.width && rows * n <= b.len() && m * n == out.len());
    assert!(rows == 0 || (rows - 1) * a.width + a.first + m <= a.data.len());
    let threads = match rayon::current_num_threads() {
        1 => Parallelism::None,
        threads => Parallelism::Rayon(threads),
    };
    // SAFETY: the left operand reads `a.data[k * width + first + i]` for k < rows and
    // i < m, the right one `b[k * n + j]` and the result `out[i * n + j]` for j < n, all
    // within their slices by the assertions above.
    unsafe {
        gemm(
            m,
            n,
            rows,
            out.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            a.data.as_ptr().wrapping_add(a.first),
            a.width as isize,
            1,
            b.as_ptr(),
            1,
            n as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            threads,
        );
    }
}

/// The gradient of the input from that of the gates: of the table if the input was
/// looked up, else the gates' own.
pub(crate) fn input_gradient<B: CpuBackend>(
    extent: &Extent,
    scan: &Scan,
    symbols: Option<&Symbols>,
    mut d: Gates<B>,
    like: &FloatTensor<B>,
) -> FloatTensor<B> {
    let Some(symbols) = symbols else {
        return d.into_tensor().expect("a projected input leaves its gates in a tensor");
    };
    let d = d.slice_mut();
    let width = d.len() / symbols.ids.len();
    let mut table = B::zeros([symbols.vocabulary, width], like);
    table_gradient(extent, scan, symbols, d, B::slice_mut(&mut table));
    table
}

/// `table_gradient[v] = Σ d[t, b]` over the valid positions that hold symbol `v`, in
/// order of time, whatever the number of threads; `d` is `[T, B, width]`, `out` `[V, width]`.
pub(crate) fn table_gradient(extent: &Extent, scan: &Scan, symbols: &Symbols, d: &[f32], out: &mut [f32]) {
    let width = out.len() / symbols.vocabulary;
    let batch = extent.batch;
    // Positions sorted by symbol: those of v stand at ends[v - 1]..ends[v].
    let valid = || (0..symbols.ids.len()).filter(|p| scan.is_valid(p / batch, p % batch));
    let mut ends = vec![0; symbols.vocabulary + 1];
    valid().for_each(|position| ends[symbols.ids[position] + 1] += 1);
    for v in 1..ends.len() {
        ends[v] += ends[v - 1];
    }
    let starts = ends.clone();
    let mut positions = vec![0; ends[symbols.vocabulary]];
    for position in valid() {
        let slot = &mut ends[symbols.ids[position]];
        positions[*slot] = position;
        *slot += 1;
    }
    out.par_chunks_exact_mut(width).enumerate().for_each(|(v, sum)| {
        sum.fill(0.0);
        for position in &positions[starts[v]..starts[v + 1]] {
            let row = &d[position * width..][..width];
            sum.iter_mut().zip(row).for_each(|(sum, d)| *sum += d);
        }
    });
}
