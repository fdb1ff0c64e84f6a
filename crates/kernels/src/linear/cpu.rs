//! The linear layer's products over slices.

use burn::backend::{TensorMetadata, tensor::FloatTensor};

use crate::cpu::{
    matrix::{Matrix, product, sum_of_rows},
    operation::Operation,
    tensors::CpuBackend,
};

/// `rows W^T + bias` of `rows`, `W` and `bias`.
#[derive(Clone, Debug)]
pub(super) struct Linear;

impl Operation<3> for Linear {
    /// The contiguous rows, and the weight.
    type Saved<B: CpuBackend> = (FloatTensor<B>, Weight<B>);

    fn forward<B: CpuBackend>(
        self,
        [rows, weight, bias]: [FloatTensor<B>; 3],
    ) -> (FloatTensor<B>, (FloatTensor<B>, Weight<B>)) {
        let (rows, weight, bias) = (B::contiguous(rows), Weight::new(weight), B::contiguous(bias));
        let (count, [width, _]) = (rows.shape()[0], weight.shape());
        let out = product(matrix::<B>(&rows), weight.matrix().transpose(), Some(B::slice(&bias)));
        (B::from_elements(out, [count, width].into()), (rows, weight))
    }

    fn backward<B: CpuBackend>(
        (rows, weight): (FloatTensor<B>, Weight<B>),
        d: FloatTensor<B>,
        wanted: [bool; 3],
    ) -> [Option<FloatTensor<B>>; 3] {
        let d = B::contiguous(d);
        [
            wanted[0].then(|| rows_gradient(&d, &weight)),
            wanted[1].then(|| weight_gradient(&d, &rows, &weight)),
            wanted[2].then(|| bias_gradient::<B>(&d)),
        ]
    }
}

/// A weight matrix in its memory layout.
#[derive(Clone, Debug)]
pub(super) struct Weight<B: CpuBackend> {
    tensor: FloatTensor<B>,
    /// Whether `tensor` is `[I, O]`, instead of `[O, I]`.
    turned: bool,
}

impl<B: CpuBackend> Weight<B> {
    /// Takes a weight `[O, I]`.
    pub fn new(tensor: FloatTensor<B>) -> Self {
        if B::is_contiguous(&tensor) {
            return Self { tensor, turned: false };
        }
        Self { tensor: B::contiguous(B::float_transpose(tensor)), turned: true }
    }

    /// The matrix `[O, I]`.
    fn matrix(&self) -> Matrix<'_> {
        let matrix = matrix::<B>(&self.tensor);
        if self.turned { matrix.transpose() } else { matrix }
    }

    /// `[O, I]`.
    fn shape(&self) -> [usize; 2] {
        let shape = self.tensor.shape();
        if self.turned { [shape[1], shape[0]] } else { [shape[0], shape[1]] }
    }
}

/// The elements of a contiguous tensor of rank 2.
fn matrix<B: CpuBackend>(tensor: &FloatTensor<B>) -> Matrix<'_> {
    Matrix::filling(B::slice(tensor), tensor.shape()[1])
}

/// `∂L/∂X` from the contiguous `∂L/∂Y`.
fn rows_gradient<B: CpuBackend>(d: &FloatTensor<B>, weight: &Weight<B>) -> FloatTensor<B> {
    let (count, [_, width]) = (d.shape()[0], weight.shape());
    let out = product(matrix::<B>(d), weight.matrix(), None);
    B::from_elements(out, [count, width].into())
}

/// `∂L/∂W` `[O, I]` from the contiguous `∂L/∂Y` and `X`.
fn weight_gradient<B: CpuBackend>(d: &FloatTensor<B>, rows: &FloatTensor<B>, weight: &Weight<B>) -> FloatTensor<B> {
    let (d, rows) = (matrix::<B>(d), matrix::<B>(rows));
    let (left, right) = if weight.turned { (rows, d) } else { (d, rows) };
    let out = product(left.transpose(), right, None);
    let gradient = B::from_elements(out, weight.tensor.shape());
    if weight.turned { B::float_transpose(gradient) } else { gradient }
}

/// `∂L/∂b` from the contiguous `∂L/∂Y`: in row order, for any number of threads.
fn bias_gradient<B: CpuBackend>(d: &FloatTensor<B>) -> FloatTensor<B> {
    let width = d.shape()[1];
    B::from_elements(sum_of_rows(B::slice(d), width), [width].into())
}
