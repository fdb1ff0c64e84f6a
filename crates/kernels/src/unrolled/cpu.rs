//! Products with a matrix that all steps of a loop share.

use std::sync::Arc;

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use pulp::Arch;

use crate::cpu::{
    matrix::{multiply_packed, sum_of_rows, threads_of},
    once::{Once, Pass},
    operation::Operation,
    panels::{Orientation, Panels},
    tensors::CpuBackend,
    tiles::Start,
};

/// `rows W`, of `rows` `[N, I]` and `W` `[I, O]`, which gets no gradient.
#[derive(Clone, Debug)]
pub(super) struct Product(pub Arc<Once<Panels>>);

/// `sum + rows W`, of `sum` `[N, O]` or `[1, O]`, `rows` and `W`, which gets no gradient.
#[derive(Clone, Debug)]
pub(super) struct AddProduct(pub Arc<Once<Panels>>);

impl Operation<2> for Product {
    type Saved<B: CpuBackend> = Factor<B>;

    fn forward<B: CpuBackend>(self, [rows, matrix]: [FloatTensor<B>; 2]) -> (FloatTensor<B>, Factor<B>) {
        let factor = Factor::<B>::new(matrix, self.0);
        let [count, width] = [rows.shape()[0], factor.shape()[1]];
        let mut out = vec![0.0; count * width];
        factor.add_product(Pass::Forward, &B::contiguous(rows), Start::Zero, &mut out);
        (B::from_elements(out, [count, width].into()), factor)
    }

    fn backward<B: CpuBackend>(
        factor: Factor<B>,
        d: FloatTensor<B>,
        [rows, _]: [bool; 2],
    ) -> [Option<FloatTensor<B>>; 2] {
        [rows.then(|| factor.rows_gradient(d)), None]
    }
}

impl Operation<3> for AddProduct {
    /// The matrix, and whether all rows begin with the same one.
    type Saved<B: CpuBackend> = (Factor<B>, bool);

    fn forward<B: CpuBackend>(self, [sum, rows, matrix]: [FloatTensor<B>; 3]) -> (FloatTensor<B>, Self::Saved<B>) {
        let factor = Factor::<B>::new(matrix, self.0);
        let [count, width] = [rows.shape()[0], factor.shape()[1]];
        let (rows, shared) = (B::contiguous(rows), sum.shape()[0] == 1 && count != 1);
        if shared {
            let (row, mut out) = (B::contiguous(sum), vec![0.0; count * width]);
            factor.add_product(Pass::Forward, &rows, Start::From(B::slice(&row)), &mut out);
            return (B::from_elements(out, [count, width].into()), (factor, shared));
        }
        let mut sum = B::owned(sum);
        factor.add_product(Pass::Forward, &rows, Start::Output, B::slice_mut(&mut sum));
        (sum, (factor, shared))
    }

    fn backward<B: CpuBackend>(
        (factor, shared): Self::Saved<B>,
        d: FloatTensor<B>,
        [sum, rows, _]: [bool; 3],
    ) -> [Option<FloatTensor<B>>; 3] {
        let of_sum = || match shared {
            true => {
                let (width, d) = (factor.shape()[1], B::contiguous(d.clone()));
                B::from_elements(sum_of_rows(B::slice(&d), width), [1, width].into())
            }
            false => d.clone(),
        };
        [sum.then(of_sum), rows.then(|| factor.rows_gradient(d)), None]
    }
}

/// The matrix of a loop.
#[derive(Clone, Debug)]
pub(super) struct Factor<B: CpuBackend> {
    /// Contiguous.
    tensor: FloatTensor<B>,
    /// Whether `tensor` is `[O, I]`.
    turned: bool,
    packed: Arc<Once<Panels>>,
}

impl<B: CpuBackend> Factor<B> {
    /// Takes a matrix `[I, O]`.
    fn new(matrix: FloatTensor<B>, packed: Arc<Once<Panels>>) -> Self {
        if B::is_contiguous(&matrix) {
            return Self { tensor: matrix, turned: false, packed };
        }
        Self { tensor: B::contiguous(B::float_transpose(matrix)), turned: true, packed }
    }

    /// `[I, O]`.
    fn shape(&self) -> [usize; 2] {
        let shape = self.tensor.shape();
        if self.turned { [shape[1], shape[0]] } else { [shape[0], shape[1]] }
    }

    /// `out = start + rows W`, or by `Wᵀ` in the backward pass.
    fn add_product(&self, pass: Pass, rows: &FloatTensor<B>, start: Start, out: &mut [f32]) {
        let arch = Arch::new();
        let orientation = match (pass, self.turned) {
            (Pass::Forward, false) | (Pass::Backward, true) => Orientation::Plain,
            (Pass::Forward, true) | (Pass::Backward, false) => Orientation::Transposed,
        };
        let width = self.tensor.shape()[1];
        let panels = self.packed.get::<B>(pass, &self.tensor, |matrix| Panels::pack(arch, matrix, width, orientation));
        let rows = B::slice(rows);
        multiply_packed(arch, rows, &panels, start, out, threads_of(rows.len() * panels.columns()));
    }

    /// `d Wᵀ`.
    fn rows_gradient(&self, d: FloatTensor<B>) -> FloatTensor<B> {
        let [count, width] = [d.shape()[0], self.shape()[0]];
        let mut out = vec![0.0; count * width];
        self.add_product(Pass::Backward, &B::contiguous(d), Start::Zero, &mut out);
        B::from_elements(out, [count, width].into())
    }
}
