//! The products and sums that follow the walk backwards.

use burn::backend::tensor::FloatTensor;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{
    blocks::Extent,
    lanes::{Lanewise, update},
    outer::{Columns, outer_products},
    prefetch,
    source::Symbols,
    tensors::{CpuBackend, Gates},
};
use crate::Scan;

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
    let Extent { arch, steps, batch, hidden: width, .. } = *extent;
    let state_read = |position: usize| {
        let b = position % batch;
        match scan.previous(position / batch, b, steps) {
            Some(t) => &hidden[(t * batch + b) * width..][..width],
            None => &h0[b * width..][..width],
        }
    };
    outer_products(arch, d, state_read, steps * batch, out);
}

/// The gradient of the input from that of the gates: of the table if the input was
/// looked up, else the gates' own.
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
mod tests {
    use pulp::Arch;

    use super::*;
    use crate::{Direction, cpu::testing::numbers};

    /// `T = 3`, `B = 2`, `H = 5`; the first row has two valid steps.
    const EXTENT: Extent = Extent { arch: Arch::Scalar, steps: 3, batch: 2, gates: 1, hidden: 5 };

    fn scan(direction: Direction) -> Scan {
        Scan { direction, lengths: Some(vec![2, 3]) }
    }

    /// Gradients of the gates, 0 in the padding.
    fn gates(width: usize) -> Vec<f32> {
        let mut d = numbers(6 * width, 1);
        d[4 * width..5 * width].fill(0.0);
        d
    }

    #[test]
    fn the_weight_gradient_pairs_each_step_with_the_state_it_read() {
        let (width, hidden) = (7, EXTENT.hidden);
        let d = gates(width);
        let mut states = numbers(6 * hidden, 2);
        states[4 * hidden..5 * hidden].fill(0.0);
        let h0 = numbers(2 * hidden, 3);
        for direction in [Direction::Forward, Direction::Reverse] {
            let scan = scan(direction);
            let columns = Columns { columns: 3, first: 2, ..Columns::all(&d, width) };
            // What is there already must not show through.
            let mut seen = vec![9.0; 3 * hidden];
            weight_gradient(&EXTENT, &scan, columns, (&states, &h0), &mut seen);
            for (index, &seen) in seen.iter().enumerate() {
                let (gate, unit) = (index / hidden + 2, index % hidden);
                let mut wanted = 0.0;
                for (t, b) in [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1)] {
                    let h = match scan.previous(t, b, 3) {
                        Some(t) => states[(2 * t + b) * hidden + unit],
                        None => h0[b * hidden + unit],
                    };
                    wanted += d[(2 * t + b) * width + gate] * h;
                }
                // Five products of order 0.1.
                assert!((seen - wanted).abs() < 1e-6, "{direction:?}: {seen}, wanted {wanted}");
            }
        }
    }

    #[test]
    fn the_table_gradient_sums_the_valid_positions_of_each_symbol() {
        let d = gates(2);
        let symbols = Symbols { ids: [3, 1, 3, 3, 1, 0].into(), vocabulary: 5 };
        let mut table = vec![9.0; 10];
        table_gradient(&EXTENT, &scan(Direction::Forward), &symbols, &d, &mut table);
        let at = |position: usize, column: usize| d[2 * position + column];
        for column in 0..2 {
            let wanted = [at(5, column), at(1, column), 0.0, at(0, column) + at(2, column) + at(3, column), 0.0];
            let seen: Vec<f32> = table.iter().skip(column).step_by(2).copied().collect();
            assert_eq!(seen, wanted);
        }
    }
}
