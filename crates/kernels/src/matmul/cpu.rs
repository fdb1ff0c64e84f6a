//! The products over slices.

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use burn::tensor::Shape;
use rayon::prelude::*;

use crate::cpu::{
    blocks::PARALLEL_WORK,
    matrix::{Matrix, add_product, product},
    operation::Operation,
    tensors::CpuBackend,
};

/// `a b`.
#[derive(Clone, Debug)]
pub(super) struct Matmul;

/// Whether the shapes fit each other.
pub(crate) fn fits(a: &[usize], b: &[usize]) -> bool {
    let rank = a.len();
    let batches = a[..rank - 2].iter().zip(&b[..rank - 2]).all(|(a, b)| a == b || *a == 1 || *b == 1);
    batches && a[rank - 1] == b[rank - 2]
}

impl Operation<2> for Matmul {
    type Saved<B: CpuBackend> = [Matrices<B>; 2];

    fn forward<B: CpuBackend>(self, inputs: [FloatTensor<B>; 2]) -> (FloatTensor<B>, [Matrices<B>; 2]) {
        let [a, b] = inputs.map(Matrices::new);
        (a.times(&b), [a, b])
    }

    fn backward<B: CpuBackend>(
        [a, b]: [Matrices<B>; 2],
        d: FloatTensor<B>,
        wanted: [bool; 2],
    ) -> [Option<FloatTensor<B>>; 2] {
        let d = Matrices::<B>::new(d);
        [wanted[0].then(|| d.times_onto(&b.transposed(), &a)), wanted[1].then(|| a.transposed().times_onto(&d, &b))]
    }
}

/// `a b` without a gradient.
pub(crate) fn multiply<B: CpuBackend>(a: FloatTensor<B>, b: FloatTensor<B>) -> FloatTensor<B> {
    Matrices::<B>::new(a).times(&Matrices::new(b))
}

/// A batch of matrices as it lies in memory.
#[derive(Clone, Debug)]
pub(super) struct Matrices<B: CpuBackend> {
    /// Contiguous.
    tensor: FloatTensor<B>,
    /// Whether the matrices are the transposes of those in `tensor`.
    transposed: bool,
}

impl<B: CpuBackend> Matrices<B> {
    fn new(tensor: FloatTensor<B>) -> Self {
        if B::is_contiguous(&tensor) {
            return Self { tensor, transposed: false };
        }
        let rank = tensor.shape().num_dims();
        let swapped = B::float_swap_dims(tensor.clone(), rank - 2, rank - 1);
        match B::is_contiguous(&swapped) {
            true => Self { tensor: swapped, transposed: true },
            false => Self { tensor: B::contiguous(tensor), transposed: false },
        }
    }

    fn transposed(&self) -> Self {
        Self { tensor: self.tensor.clone(), transposed: !self.transposed }
    }

    /// The dimensions before the matrices, and the matrices' own.
    fn shape(&self) -> (Vec<usize>, [usize; 2]) {
        let mut shape = self.tensor.shape().to_vec();
        let [rows, columns] = shape[shape.len() - 2..] else { unreachable!("matrices have two dimensions") };
        shape.truncate(shape.len() - 2);
        (shape, if self.transposed { [columns, rows] } else { [rows, columns] })
    }

    /// The matrix with this number.
    fn at(&self, index: usize) -> Matrix<'_> {
        let shape = self.tensor.shape();
        let width = shape[shape.num_dims() - 1];
        let len = width * shape[shape.num_dims() - 2];
        let matrix = Matrix::filling(&B::slice(&self.tensor)[index * len..][..len], width);
        if self.transposed { matrix.transpose() } else { matrix }
    }

    /// The products of each matrix with its counterpart.
    fn times(&self, other: &Self) -> FloatTensor<B> {
        let ((batch, [rows, inner]), (other_batch, [_, columns])) = (self.shape(), other.shape());
        let (pairs, mut shape) = pairs(&batch, &other_batch);
        shape.extend([rows, columns]);
        if inner == 0 || shape.contains(&0) {
            return B::from_elements(vec![0.0; shape.iter().product()], Shape::from(shape));
        }
        if pairs.len() == 1 {
            return B::from_elements(product(self.at(0), other.at(0), None), Shape::from(shape));
        }
        let mut out = vec![0.0; pairs.len() * rows * columns];
        let each = |([a, b], out): (&[usize; 2], &mut [f32])| add_product(self.at(*a), other.at(*b), out);
        if out.len() * inner < PARALLEL_WORK {
            pairs.iter().zip(out.chunks_exact_mut(rows * columns)).for_each(each);
        } else {
            pairs.par_iter().zip(out.par_chunks_exact_mut(rows * columns)).for_each(each);
        }
        B::from_elements(out, Shape::from(shape))
    }

    /// The products of each matrix with its counterpart, summed over the dimensions along which `like` has one matrix
    /// for all, in order: a gradient of `like`.
    fn times_onto(&self, other: &Self, like: &Self) -> FloatTensor<B> {
        let whole = self.times(other);
        let (batch, [rows, columns]) = like.shape();
        let from = whole.shape().to_vec();
        if from[..batch.len()] == batch[..] {
            return whole;
        }
        let places = places(&from[..batch.len()], &batch);
        let mut sums = vec![0.0; batch.iter().product::<usize>() * rows * columns];
        for (part, place) in B::slice(&whole).chunks_exact((rows * columns).max(1)).zip(places) {
            let sums = &mut sums[place * rows * columns..][..rows * columns];
            sums.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
        }
        let shape: Vec<usize> = batch.into_iter().chain([rows, columns]).collect();
        B::from_elements(sums, Shape::from(shape))
    }
}

/// The indices of the matrices that are multiplied with each other, and the dimensions of the result before its
/// matrices.
fn pairs(a: &[usize], b: &[usize]) -> (Vec<[usize; 2]>, Vec<usize>) {
    let shape: Vec<usize> = a.iter().zip(b).map(|(&a, &b)| if a == 1 { b } else { a }).collect();
    let pairs = places(&shape, a).into_iter().zip(places(&shape, b)).map(|(a, b)| [a, b]).collect();
    (pairs, shape)
}

/// For each index of a tensor of `shape`, in row-major order, the place of its counterpart in a tensor of the shape
/// `of`, which has 1 where it has one for all.
fn places(shape: &[usize], of: &[usize]) -> Vec<usize> {
    shape.iter().zip(of).fold(vec![0], |places, (&size, &of)| {
        let next = |place: usize| (0..size).map(move |index| place * of + if of == 1 { 0 } else { index });
        places.into_iter().flat_map(next).collect()
    })
}
