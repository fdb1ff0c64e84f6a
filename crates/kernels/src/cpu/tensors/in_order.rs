//! The elements of a tensor whose dimensions lie in memory in another order.

use rayon::prelude::*;

use crate::cpu::blocks::CHUNK;

/// Rows and columns that are transposed at once: what they read and write stays in the nearest cache.
const TILE: usize = 16;

/// The `elements` in the row-major order of `shape`. A step along dimension `d` is `strides[d]` elements.
///
/// # Panics
/// If an element is not among them.
pub(super) fn in_order(elements: &[f32], shape: &[usize], strides: &[isize]) -> Vec<f32> {
    let rank = shape.len();
    let len: usize = shape.iter().product();
    let strides: Vec<usize> =
        strides.iter().map(|&stride| usize::try_from(stride).expect("no reversed view")).collect();
    let mut out = vec![0.0; len];
    if len == 0 || rank == 0 {
        out.copy_from_slice(&elements[..len]);
        return out;
    }
    // The dimension that is contiguous in memory, and the last: between them the elements are transposed.
    let last = rank - 1;
    let near = (0..rank).rev().find(|&axis| strides[axis] == 1 && shape[axis] > 1).unwrap_or(last);
    let block: usize = shape[near..].iter().product();
    let blocks = CHUNK.div_ceil(block);
    out.par_chunks_mut(blocks * block).enumerate().for_each(|(index, out)| {
        for (number, out) in out.chunks_exact_mut(block).enumerate() {
            let from = offset(index * blocks + number, &shape[..near], &strides[..near]);
            copy_block(&elements[from..], &shape[near..], &strides[near..], out);
        }
    });
    out
}

/// The offset of the element with this number in row-major order.
fn offset(mut number: usize, shape: &[usize], strides: &[usize]) -> usize {
    let mut offset = 0;
    for (size, stride) in shape.iter().zip(strides).rev() {
        offset += number % size * stride;
        number /= size;
    }
    offset
}

/// A block whose first dimension is contiguous in memory.
fn copy_block(from: &[f32], shape: &[usize], strides: &[usize], out: &mut [f32]) {
    let (rows, last) = (shape[0], shape.len() - 1);
    if last == 0 {
        return match strides[0] {
            1 => out.copy_from_slice(&from[..rows]),
            stride => out.iter_mut().enumerate().for_each(|(index, out)| *out = from[index * stride]),
        };
    }
    // `out` is `[rows, middle, columns]`.
    let (columns, stride) = (shape[last], strides[last]);
    let width = out.len() / rows;
    for middle in 0..width / columns {
        let from = &from[offset(middle, &shape[1..last], &strides[1..last])..];
        for row in (0..rows).step_by(TILE) {
            for column in (0..columns).step_by(TILE) {
                let high = TILE.min(rows - row);
                for c in column..columns.min(column + TILE) {
                    let from = &from[c * stride + row..][..high];
                    for (r, &x) in from.iter().enumerate() {
                        out[(row + r) * width + middle * columns + c] = x;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
