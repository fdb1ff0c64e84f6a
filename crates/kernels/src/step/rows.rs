//! A step of several rows side by side, as in a search.

use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};

use super::cell::{Gates, RowWork};
use super::{Cell, elements};
use crate::cpu::lanes::{Lanewise, update};
use crate::cpu::panels::{Orientation, Panels};
use crate::cpu::tiles::{Product, Row, Start};
use crate::{cpu::activation, rnn::Activation};

/// `Y = X Wᵀ + b` with `W` packed once, for any number of rows.
#[derive(Debug)]
pub struct PackedRows {
    arch: Arch,
    weight: Panels,
    /// `I`
    width: usize,
    /// `[O]`; zeros if the layer has none.
    bias: Vec<f32>,
}

impl PackedRows {
    /// Packs `weight` `[O, I]`, and takes `bias` `[O]`. `None` if the weights are not `f32` on a CPU backend.
    ///
    /// # Panics
    /// If the bias is not as long as the matrix has rows.
    pub fn new(weight: Tensor<2>, bias: Option<Tensor<1>>) -> Option<Self> {
        let [rows, width] = weight.dims();
        let arch = Arch::new();
        let bias = match bias {
            Some(bias) => elements(bias)?,
            None => vec![0.0; rows],
        };
        assert_eq!(bias.len(), rows, "`bias` must have the shape [O] = [{rows}] of the rows of `weight`");
        let weight = Panels::pack(arch, &elements(weight)?, width, Orientation::Transposed);
        Some(Self { arch, weight, width, bias })
    }

    /// The same of a matrix that lies the other way, `[I, O]`: `Y = X W + b`.
    ///
    /// # Panics
    /// If the bias is not as long as the matrix has columns.
    pub fn plain(weight: Tensor<2>, bias: Option<Tensor<1>>) -> Option<Self> {
        let [width, columns] = weight.dims();
        let arch = Arch::new();
        let bias = match bias {
            Some(bias) => elements(bias)?,
            None => vec![0.0; columns],
        };
        assert_eq!(bias.len(), columns, "`bias` must have the shape [O] = [{columns}] of the columns of `weight`");
        let weight = Panels::pack(arch, &elements(weight)?, columns, Orientation::Plain);
        Some(Self { arch, weight, width, bias })
    }

    /// `[N, O]` of `x` `[N, I]`.
    ///
    /// # Panics
    /// If `x` is not of whole rows.
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        assert!(x.len().is_multiple_of(self.width), "{} numbers are no rows of {}", x.len(), self.width);
        let mut y = vec![0.0; x.len() / self.width * self.bias.len()];
        multiply(self.arch, x.chunks_exact(self.width), &self.weight, Start::From(&self.bias), &mut y);
        y
    }
}

/// `out = start + x · weight` for each of the rows `x`.
fn multiply<'a>(arch: Arch, x: impl Iterator<Item = &'a [f32]>, weight: &Panels, start: Start<'a>, out: &mut [f32]) {
    let row = |(r, factors)| Row { factors, start, at: r * weight.columns() };
    let rows: Vec<Row> = x.enumerate().map(row).collect();
    arch.dispatch(Product { panels: weight, rows: &rows, out });
}

/// The recurrence of a layer for any number of rows; their states are the caller's.
#[derive(Debug)]
pub struct CellRows {
    arch: Arch,
    weight_hh: Panels,
    width: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Rnn(Activation),
    Lstm,
    Gru {
        /// `[3H]`: `b_h`.
        bias: Vec<f32>,
    },
}

impl CellRows {
    /// `None` if the weights are not `f32` on a CPU backend.
    ///
    /// # Panics
    /// If `weight_hh` is not `[G, H]`, or the bias of a GRU not `[3H]`.
    pub fn new(cell: Cell, weight_hh: Tensor<2>) -> Option<Self> {
        let [rows, width] = weight_hh.dims();
        let gates = cell.gates();
        assert_eq!(rows, gates * width, "`weight_hh` must have the shape [G, H] = [{gates}H, H]: H is {width}");
        let kind = match cell {
            Cell::Rnn(activation) => Kind::Rnn(activation),
            Cell::Lstm => Kind::Lstm,
            Cell::Gru { bias_hh } => {
                let bias = match bias_hh {
                    Some(bias) => elements(bias)?,
                    None => vec![0.0; rows],
                };
                assert_eq!(bias.len(), rows, "`bias_hh` must have the shape [G] = [{rows}]");
                Kind::Gru { bias }
            }
        };
        let arch = Arch::new();
        let weight_hh = Panels::pack(arch, &elements(weight_hh)?, width, Orientation::Transposed);
        Some(Self { arch, weight_hh, width, kind })
    }

    /// A step of all rows: from their input projections `[N, G]`, which are used up, and states `[N, H]` to the next
    /// states. `cell` is that of an LSTM, and not read by others.
    ///
    /// # Panics
    /// If the sizes do not go together.
    pub fn step(&self, gates: &mut [f32], hidden: &mut [f32], cell: &mut [f32]) {
        let width = self.width;
        let stride = self.weight_hh.columns();
        assert_eq!(gates.len() * width, hidden.len() * stride, "projections and states are of as many rows");
        let mut candidates = Vec::new();
        if let Kind::Gru { bias } = &self.kind {
            // The reset gate scales the candidate's recurrent part before its input joins.
            for row in gates.chunks_exact_mut(stride) {
                candidates.extend_from_slice(&row[2 * width..]);
                row[2 * width..].copy_from_slice(&bias[2 * width..]);
            }
        }
        multiply(self.arch, hidden.chunks_exact(width), &self.weight_hh, Start::Output, gates);
        for (r, (gates, hidden)) in gates.chunks_exact_mut(stride).zip(hidden.chunks_exact_mut(width)).enumerate() {
            let row = r * width..(r + 1) * width;
            let work = match &self.kind {
                Kind::Rnn(activation) => RowWork::Rnn(*activation),
                Kind::Lstm => RowWork::Lstm { cell: &mut cell[row] },
                Kind::Gru { bias } => RowWork::Gru { bias, candidate: &mut candidates[row] },
            };
            self.arch.dispatch(Gates { work, gates, hidden });
        }
    }
}

/// `tanh` of every number.
pub fn tanh(x: &mut [f32]) {
    Arch::new().dispatch(Tanh { x });
}

struct Tanh<'a> {
    x: &'a mut [f32],
}

impl WithSimd for Tanh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        update(simd, TanhLanes, [], [self.x]);
    }
}

#[derive(Clone, Copy)]
struct TanhLanes;

impl Lanewise<0, 1> for TanhLanes {
    #[inline(always)]
    fn step<S: Simd>(self, simd: S, _: [S::f32s; 0], [x]: [S::f32s; 1]) -> [S::f32s; 1] {
        [activation::tanh(simd, x)]
    }
}

/// Attention by the scalar product: `a = softmax(scale · M q)` and `c = aᵀ M`, for `memory` `M` `[S, F]`, `query` `q`
/// `[F]`, `weights` `a` `[S]` and `context` `c` `[F]`.
///
/// # Panics
/// If the sizes do not go together.
pub fn attend(query: &[f32], memory: &[f32], scale: f32, weights: &mut [f32], context: &mut [f32]) {
    assert_eq!(memory.len(), query.len() * weights.len(), "sizes of the query, the weights and the memory");
    assert_eq!(query.len(), context.len(), "sizes of the query and the context");
    Arch::new().dispatch(Attend { query, memory, scale, weights, context });
}

struct Attend<'a> {
    query: &'a [f32],
    memory: &'a [f32],
    scale: f32,
    weights: &'a mut [f32],
    context: &'a mut [f32],
}

impl WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (q, q_tail) = S::as_simd_f32s(self.query);
        for (weight, row) in self.weights.iter_mut().zip(self.memory.chunks_exact(self.query.len())) {
            let (row, row_tail) = S::as_simd_f32s(row);
            let mut sums = [simd.splat_f32s(0.0); 4];
            let (fours, rest) = q.as_chunks::<4>();
            let (row_fours, row_rest) = row.as_chunks::<4>();
            for (q, row) in fours.iter().zip(row_fours) {
                for i in 0..4 {
                    sums[i] = simd.mul_add_e_f32s(q[i], row[i], sums[i]);
                }
            }
            for (&q, &row) in rest.iter().zip(row_rest) {
                sums[0] = simd.mul_add_e_f32s(q, row, sums[0]);
            }
            let sum = simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
            let tail: f32 = q_tail.iter().zip(row_tail).map(|(q, row)| q * row).sum();
            *weight = self.scale * (simd.reduce_sum_f32s(sum) + tail);
        }
        let largest = self.weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        self.weights.iter_mut().for_each(|weight| *weight = (*weight - largest).exp());
        let sum: f32 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|weight| *weight /= sum);
        self.context.fill(0.0);
        let (context, context_tail) = S::as_mut_simd_f32s(self.context);
        for (&weight, row) in self.weights.iter().zip(self.memory.chunks_exact(self.query.len())) {
            let (row, row_tail) = S::as_simd_f32s(row);
            let lanes = simd.splat_f32s(weight);
            for (sum, &row) in context.iter_mut().zip(row) {
                *sum = simd.mul_add_e_f32s(lanes, row, *sum);
            }
            context_tail.iter_mut().zip(row_tail).for_each(|(sum, row)| *sum += weight * row);
        }
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::activation::softmax;
    use burn::tensor::{Device, TensorData};

    use super::super::{CellStepper, PackedLinear};
    use super::*;
    use crate::cpu::testing::numbers;

    fn tensor<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
        Tensor::from_data(TensorData::new(numbers(shape.iter().product(), seed), shape), &Device::flex())
    }

    #[test]
    fn rows_have_the_bits_of_one_row_alone() {
        for width in [1, 5, 33] {
            for count in [1, 3, 14] {
                let cells = [
                    Cell::Rnn(Activation::Tanh),
                    Cell::Lstm,
                    Cell::Gru { bias_hh: Some(tensor([3 * width], 3)) },
                    Cell::Gru { bias_hh: None },
                ];
                for cell in cells {
                    let stride = cell.gates() * width;
                    let weight = tensor([stride, width], 1);
                    let rows = CellRows::new(cell.clone(), weight.clone()).unwrap();
                    let mut alone = CellStepper::new(cell, weight).unwrap();
                    let projections = numbers(count * stride, 4);
                    let before = [numbers(count * width, 5), numbers(count * width, 6)];
                    let (mut gates, [mut hidden, mut memory]) = (projections.clone(), before.clone());
                    rows.step(&mut gates, &mut hidden, &mut memory);
                    for r in 0..count {
                        let row = r * width..(r + 1) * width;
                        alone.set_state(&before[0][row.clone()], Some(&before[1][row.clone()]));
                        assert_eq!(alone.step(&projections[r * stride..][..stride]), &hidden[row.clone()]);
                        assert!(alone.cell().is_none_or(|cell| cell == &memory[row]));
                    }
                }
            }
            let (weight, bias) = (tensor([17, width], 1), tensor([17], 2));
            let layer = PackedRows::new(weight.clone(), Some(bias.clone())).unwrap();
            let plain = PackedRows::plain(weight.clone().transpose(), Some(bias.clone())).unwrap();
            let alone = PackedLinear::new(weight, Some(bias)).unwrap();
            let x = numbers(7 * width, 3);
            assert_eq!(layer.apply(&x), plain.apply(&x));
            let mut y = vec![0.0; 17];
            for (x, seen) in x.chunks_exact(width).zip(layer.apply(&x).chunks_exact(17)) {
                alone.apply(x, &mut y);
                assert_eq!(y, seen);
            }
        }
    }

    #[test]
    fn attention_is_that_of_tensors() {
        for [positions, width] in [[1, 3], [7, 100], [13, 64]] {
            let (query, memory) = (numbers(width, 1), numbers(positions * width, 2));
            let (mut weights, mut context) = (vec![0.0; positions], vec![f32::NAN; width]);
            attend(&query, &memory, 0.7, &mut weights, &mut context);
            let (q, m) = (tensor([width, 1], 1), tensor([positions, width], 2));
            let wanted = softmax(m.clone().matmul(q) * 0.7, 0);
            let wanted_context = wanted.clone().transpose().matmul(m);
            for (seen, wanted) in [(&weights, elements(wanted)), (&context, elements(wanted_context))] {
                for (seen, wanted) in seen.iter().zip(wanted.unwrap()) {
                    // A hundred terms below 0.25, each rounded.
                    assert!((seen - wanted).abs() < 5e-6, "{seen} and {wanted}");
                }
            }
        }
        let mut x = [0.5, -2.0, 9.0];
        tanh(&mut x);
        assert!(x.iter().zip([0.5_f32, -2.0, 9.0]).all(|(seen, x)| (seen - x.tanh()).abs() < 1e-6));
    }
}
