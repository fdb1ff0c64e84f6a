//! The products and sums after the backward pass.

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    blocks::Extent,
    cell::{Place, States},
    lanes::{Lanewise, update},
    outer::{Columns, outer_products, outer_products_in_columns},
    prefetch,
    source::Symbols,
    tensors::{CpuBackend, Gates},
};
use crate::{Scan, native::Parts};

/// `weight_gradient = Σ_t d_tᵀ h_{t-1}`, one product for the whole sequence.
///
/// `d` `[T, B, width]` has the gradients of the recurrent products, 0 past a row's length; `states`
/// are the hidden states; `out` `[columns, H]` is overwritten.
pub(crate) fn weight_gradient(extent: &Extent, scan: &Scan, d: Columns, states: States, out: &mut [f32]) {
    let Extent { steps, batch, .. } = *extent;
    let state_read = |position| states.before(Place::new(extent, scan, position / batch, position % batch));
    outer_products(extent.arch, [steps * batch, d.columns], |k| d.row(k), state_read, out);
}

/// `Xᵀ Y` `[I, O]` of matrices that come in parts with some of their rows, `[.., I]` and `[.., O]`, without joining
/// them.
pub(crate) fn product_over_rows<B: CpuBackend>(x: Vec<FloatTensor<B>>, y: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    let [x, y] = [x, y].map(|parts| parts.into_iter().map(B::contiguous).collect::<Vec<_>>());
    let [inputs, outputs] = [&x, &y].map(|parts| parts[0].shape()[1]);
    if inputs * outputs == 0 {
        return B::zeros([inputs, outputs]);
    }
    let [x, y] = [(&x, inputs), (&y, outputs)].map(|(parts, width)| rows::<B>(parts, width));
    assert_eq!(x.len(), y.len(), "rows of both factors");
    // Threads share the rows of the result, and each packs the whole factor that is its columns: the smaller one.
    let turned = outputs > inputs;
    let [(a, high), (b, wide)] = if turned { [(y, outputs), (x, inputs)] } else { [(x, inputs), (y, outputs)] };
    let mut sums = vec![0.0; high * wide];
    outer_products(Arch::new(), [a.len(), high], |k| a[k], |k| b[k], &mut sums);
    let sums = B::from_elements(sums, [high, wide].into());
    if turned { B::float_transpose(sums) } else { sums }
}

/// `Yᵀ X` `[O, I]`, where each of `parts` has rows of some columns of `X`, from a first one on, and of `Y`; 0 in
/// columns without a part.
pub(crate) fn products_in_columns<B: CpuBackend>(parts: Parts<B>, [outputs, inputs]: [usize; 2]) -> FloatTensor<B> {
    let mut sums = vec![0.0; outputs * inputs];
    for (first, [x, y]) in parts {
        let [x, y] = [x, y].map(|parts| parts.into_iter().map(B::contiguous).collect::<Vec<_>>());
        let width = x[0].shape()[1];
        if outputs * width > 0 {
            let [x, y] = [(&x, width), (&y, outputs)].map(|(parts, width)| rows::<B>(parts, width));
            assert_eq!(x.len(), y.len(), "rows of both factors");
            let size = [x.len(), outputs];
            outer_products_in_columns(Arch::new(), size, |k| y[k], |k| x[k], &mut sums, first..first + width);
        }
    }
    B::from_elements(sums, [outputs, inputs].into())
}

/// The rows of all parts.
fn rows<B: CpuBackend>(parts: &[FloatTensor<B>], width: usize) -> Vec<&[f32]> {
    parts.iter().flat_map(|part| B::slice(part).chunks_exact(width)).collect()
}

/// The gradient of the input from that of the gates: the table's gradient for a table, else the
/// gates' own.
pub(crate) fn input_gradient<B: CpuBackend>(
    extent: &Extent,
    scan: &Scan,
    symbols: Option<&Symbols>,
    mut d: Gates<B>,
) -> FloatTensor<B> {
    let Some(symbols) = symbols else {
        return d.into_tensor().expect("a projected input leaves its gates in a tensor");
    };
    let d = d.slice_mut();
    let width = d.len() / symbols.ids.len();
    let mut table = B::zeros([symbols.vocabulary, width]);
    table_gradient(extent, scan, symbols, d, B::slice_mut(&mut table));
    table
}

/// `table_gradient[v] = Σ d[t, b]` over the valid positions of token `v`, in time order for any
/// number of threads; `d` is `[T, B, width]`, `out` `[V, width]`.
pub(crate) fn table_gradient(extent: &Extent, scan: &Scan, symbols: &Symbols, d: &[f32], out: &mut [f32]) {
    let width = out.len() / symbols.vocabulary;
    let batch = extent.batch;
    // Positions sorted by token: those of v are at ends[v - 1]..ends[v].
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
        let positions = &positions[starts[v]..starts[v + 1]];
        extent.arch.dispatch(RowSum { d, positions, sum });
    });
}

/// The sum of the rows at some positions.
struct RowSum<'a> {
    d: &'a [f32],
    positions: &'a [usize],
    sum: &'a mut [f32],
}

impl WithSimd for RowSum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.sum.len();
        let row = |position: usize| &self.d[position * width..][..width];
        self.sum.fill(0.0);
        for (index, &position) in self.positions.iter().enumerate() {
            if let Some(&next) = self.positions.get(index + 1) {
                prefetch::to_read(row(next));
            }
            update(simd, Add, [row(position)], [&mut *self.sum]);
        }
    }
}

#[derive(Clone, Copy)]
struct Add;

impl Lanewise<1, 1> for Add {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, [d]: [S::f32s; 1], [sum]: [S::f32s; 1]) -> [S::f32s; 1] {
        [simd.add_f32s(sum, d)]
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
