//! The gradient of a table whose rows were selected, on a GPU.
//!
//! ```text
//! ∂L/∂E_v = Σ d_n of the positions n with token v, in the order of the positions
//! ```
//!
//! No two threads add to the same number: the result does not depend on which runs first. Burn's kernel has no atomics
//! either, but one thread a column walks all positions; here there is a thread for each number of the table, or of the
//! positions if there are fewer of them.

use burn::backend::{
    FloatDType, IntDType, TensorMetadata,
    ops::{FloatTensorOps, IntTensorOps},
};
use burn::tensor::Shape;
use burn_cubecl::{CubeBackend, kernel::into_contiguous, tensor::CubeTensor};
use cubecl::prelude::*;

use crate::multi::threads;

/// Workgroups in a dimension of the grid: every device has as many.
const GRID: usize = 1 << 15;

/// `[V, G]`: the gradient of a table of `rows` rows, from that of the selected rows, `d` `[N, G]`, and their `tokens`
/// `[N]`, which are in `0..V`.
pub(crate) fn gradient(rows: usize, tokens: CubeTensor, d: CubeTensor) -> CubeTensor {
    let [count, width] = d.shape().dims();
    let shape = Shape::new([rows, width]);
    // A row of the table looks for its positions, or the first position of a token for the others.
    let by_row = rows <= count;
    let table = match by_row {
        true => CubeBackend::float_empty(shape, &d.device, FloatDType::F32),
        false => CubeBackend::float_zeros(shape, &d.device, FloatDType::F32),
    };
    let searches = if by_row { rows } else { count };
    if searches * width == 0 {
        return table;
    }
    let workgroup = threads(&d.client, width);
    let across = width.div_ceil(workgroup as usize);
    let down = searches.min(GRID);
    let grid = CubeCount::Static(across as u32, down as u32, searches.div_ceil(down) as u32);
    // GPUs have tokens of this type unless a program has chosen another.
    let tokens = into_contiguous(CubeBackend::int_cast(tokens, IntDType::I32));
    let (client, d) = (d.client.clone(), into_contiguous(d));
    // SAFETY: a thread past the columns or the searches leaves at once; tokens are rows of the table.
    unsafe {
        sum_of_positions::launch_unchecked(
            &client,
            grid,
            CubeDim::new_1d(workgroup),
            tokens.into_tensor_arg(),
            d.into_tensor_arg(),
            table.clone().into_tensor_arg(),
            searches,
            by_row,
        );
    }
    table
}

#[cube(launch_unchecked)]
fn sum_of_positions(
    tokens: &Tensor<i32>,
    d: &Tensor<f32>,
    table: &mut Tensor<f32>,
    searches: usize,
    #[comptime] by_row: bool,
) {
    let (count, width) = (d.shape(0), d.shape(1));
    let column = (CUBE_POS_X * CUBE_DIM_X + UNIT_POS_X) as usize;
    let search = (CUBE_POS_Z * CUBE_COUNT_Y + CUBE_POS_Y) as usize;
    if column >= width || search >= searches {
        terminate!();
    }
    let mut token = search;
    let mut begin = 0usize;
    if comptime![!by_row] {
        token = usize::cast_from(tokens[search]);
        begin = search;
        for position in 0..search {
            if usize::cast_from(tokens[position]) == token {
                // An earlier position has the token: its thread sums.
                terminate!();
            }
        }
    }
    let mut sum = 0.0f32;
    for position in begin..count {
        if usize::cast_from(tokens[position]) == token {
            sum += d[position * width + column];
        }
    }
    table[token * width + column] = sum;
}
