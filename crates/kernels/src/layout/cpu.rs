//! Copies between layouts, over slices.

use burn::backend::{TensorMetadata, tensor::FloatTensor};
use burn::tensor::Shape;
use rayon::prelude::*;

use crate::cpu::{blocks::CHUNK, operation::Operation, tensors::CpuBackend};

/// The input in row-major order.
#[derive(Clone, Debug)]
pub(super) struct Contiguous;

impl Operation<1> for Contiguous {
    type Saved<B: CpuBackend> = ();

    fn forward<B: CpuBackend>(self, [input]: [FloatTensor<B>; 1]) -> (FloatTensor<B>, ()) {
        (B::contiguous(input), ())
    }

    fn backward<B: CpuBackend>((): (), d: FloatTensor<B>, [wanted]: [bool; 1]) -> [Option<FloatTensor<B>>; 1] {
        [wanted.then_some(d)]
    }
}

/// Whether tensors of these shapes can be joined along `axis`.
pub(super) fn fit<const D: usize, const N: usize>(shapes: [[usize; D]; N], axis: usize) -> bool {
    let others = |shape: &[usize; D]| [shape[..axis].to_vec(), shape[axis + 1..].to_vec()];
    axis < D && shapes.iter().all(|shape| others(shape) == others(&shapes[0]))
}

/// Several tensors, joined along `axis`.
#[derive(Clone, Debug)]
pub(super) struct Concatenate {
    pub axis: usize,
}

/// What the backward pass of a [`Concatenate`] needs.
#[derive(Clone, Debug)]
pub(super) struct Joined<const N: usize> {
    axis: usize,
    /// The size of each tensor along the axis.
    sizes: [usize; N],
}

impl<const N: usize> Operation<N> for Concatenate {
    type Saved<B: CpuBackend> = Joined<N>;

    fn forward<B: CpuBackend>(self, inputs: [FloatTensor<B>; N]) -> (FloatTensor<B>, Joined<N>) {
        let inputs = inputs.map(B::contiguous);
        let mut shape = inputs[0].shape();
        let sizes = inputs.each_ref().map(|input| input.shape()[self.axis]);
        shape[self.axis] = sizes.iter().sum();
        let joined = Joined { axis: self.axis, sizes };
        let parts = inputs.each_ref().map(B::slice);
        let widths = joined.widths(&shape);
        let mut out = vec![0.0; shape.num_elements()];
        let width: usize = widths.iter().sum();
        each_row(&mut out, width, |row, mut out| {
            for (part, &width) in parts.iter().zip(&widths) {
                let (piece, rest) = out.split_at_mut(width);
                piece.copy_from_slice(&part[row * width..][..width]);
                out = rest;
            }
        });
        (B::from_elements(out, shape), joined)
    }

    fn backward<B: CpuBackend>(joined: Joined<N>, d: FloatTensor<B>, wanted: [bool; N]) -> [Option<FloatTensor<B>>; N] {
        let d = B::contiguous(d);
        let shape = d.shape();
        let widths = joined.widths(&shape);
        let width: usize = widths.iter().sum();
        let from = B::slice(&d);
        std::array::from_fn(|part| {
            wanted[part].then(|| {
                let (before, width_of_part) = (widths[..part].iter().sum::<usize>(), widths[part]);
                let mut shape = shape.clone();
                shape[joined.axis] = joined.sizes[part];
                let mut out = vec![0.0; shape.num_elements()];
                each_row(&mut out, width_of_part, |row, out| {
                    out.copy_from_slice(&from[row * width + before..][..width_of_part]);
                });
                B::from_elements(out, shape)
            })
        })
    }
}

/// Runs `write` with the number of each row of `width` elements, some rows on each thread.
fn each_row(out: &mut [f32], width: usize, write: impl Fn(usize, &mut [f32]) + Sync) {
    // Without elements there is nothing to write.
    let width = width.max(1);
    let rows = CHUNK.div_ceil(width);
    out.par_chunks_mut(rows * width).enumerate().for_each(|(task, out)| {
        out.chunks_exact_mut(width).enumerate().for_each(|(row, out)| write(task * rows + row, out));
    });
}

impl<const N: usize> Joined<N> {
    /// Elements of each tensor in a row of the joined one, which has this shape: all dimensions from the axis on.
    fn widths(&self, shape: &Shape) -> [usize; N] {
        let behind: usize = shape[self.axis + 1..].iter().product();
        self.sizes.map(|size| size * behind)
    }
}
