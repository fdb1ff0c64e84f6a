//! The kernels of a whole sequence: a workgroup takes a few rows through all time steps.
//!
//! Workgroups do not depend on each other, so that no barrier crosses them. At each time step the threads of a
//! workgroup multiply its rows, in shared memory, by the recurrent weights, which they read from a cache of the device,
//! in [half precision](crate::precision) if they are. A thread of the first slice then has the sums of its units, and
//! computes their step.

use cubecl::{ir::ElemType, prelude::*};

use super::{
    cell::{CubeCell, State},
    plan::Tile,
    unit::{BackwardTensors, ForwardTensors, Place},
};

/// All time steps. `weight` is the transposed recurrent weights, `[H, G]`; `h0` and `c0` are the
/// initial states, `[B, H]`.
#[cube(launch_unchecked)]
pub(super) fn forward<C: CubeCell, W: Float>(
    tensors: &mut ForwardTensors,
    weight: &Tensor<W>,
    h0: &Tensor<f32>,
    c0: ComptimeOption<&Tensor<f32>>,
    steps: usize,
    batch: usize,
    #[comptime] cell: C,
    #[comptime] reverse: bool,
    #[comptime] tile: Tile,
    #[define(W)] _of_weights: ElemType,
) {
    let (hidden, gates) = comptime![(tile.hidden, C::GATES)];
    let mut rows = Shared::<[f32]>::new_slice(comptime![tile.shared_rows()]);
    let mut share = Share::new(&rows, tile);
    let mut cells = Array::<f32>::new(comptime![tile.rows * tile.units]);
    #[unroll]
    for r in 0..tile.rows {
        #[unroll]
        for j in 0..tile.units {
            let (row, unit) = (share.row(r), share.unit(j, tile));
            if share.owns(row, unit, batch, tile) {
                let time = if comptime![reverse] { steps - 1 } else { 0usize.runtime() };
                let at = Place::new(time, row, unit, batch, hidden.runtime(), gates, reverse);
                let of_state = row * hidden + unit;
                #[comptime]
                let c = match c0 {
                    ComptimeOption::Some(c0) => c0[of_state],
                    ComptimeOption::None => 0.0f32.runtime(),
                };
                let h = h0[of_state];
                tensors.keep(at.before, State { h, c });
                rows[r * hidden + unit] = h;
                cells[r * tile.units + j] = c;
            }
        }
    }
    sync_cube();
    for index in 0..steps {
        let time = if comptime![reverse] { steps - 1 - index } else { index };
        let sums = share.product::<W>(&rows, weight, tile);
        #[unroll]
        for r in 0..tile.rows {
            #[unroll]
            for j in 0..tile.units {
                let (row, unit) = (share.row(r), share.unit(j, tile));
                if share.owns(row, unit, batch, tile) {
                    let at = Place::new(time, row, unit, batch, hidden.runtime(), gates, reverse);
                    let place = comptime![r * tile.units + j];
                    let mut products = Array::<f32>::new(gates);
                    #[unroll]
                    for g in 0..gates {
                        products[g] = sums[place * gates + g];
                    }
                    let before = State { h: rows[r * hidden + unit], c: cells[place] };
                    let after = tensors.step::<C>(&at, &mut products, before, cell);
                    rows[r * hidden + unit] = after.h;
                    cells[place] = after.c;
                }
            }
        }
        sync_cube();
    }
}

/// All time steps backwards. `weight` is the recurrent weights, `[G, H]`; `dh_last` and `dc_last`
/// are the gradients of the final states, `[B, H]`, and `dh0` and `dc0` get those of the initial
/// ones.
#[cube(launch_unchecked)]
pub(super) fn backward<C: CubeCell, W: Float>(
    tensors: &mut BackwardTensors,
    weight: &Tensor<W>,
    dh_last: ComptimeOption<&Tensor<f32>>,
    dc_last: ComptimeOption<&Tensor<f32>>,
    dh0: &mut Tensor<f32>,
    mut dc0: ComptimeOption<&mut Tensor<f32>>,
    steps: usize,
    batch: usize,
    #[comptime] cell: C,
    #[comptime] reverse: bool,
    #[comptime] tile: Tile,
    #[define(W)] _of_weights: ElemType,
) {
    let (hidden, gates) = comptime![(tile.hidden, C::GATES)];
    // The gradients of the recurrent products.
    let mut rows = Shared::<[f32]>::new_slice(comptime![tile.shared_rows()]);
    let mut share = Share::new(&rows, tile);
    let mut dh = Array::<f32>::new(comptime![tile.rows * tile.units]);
    let mut dc = Array::<f32>::new(comptime![tile.rows * tile.units]);
    #[unroll]
    for r in 0..tile.rows {
        #[unroll]
        for j in 0..tile.units {
            let (row, unit) = (share.row(r), share.unit(j, tile));
            if share.owns(row, unit, batch, tile) {
                let (place, of_state) = (comptime![r * tile.units + j], row * hidden + unit);
                #[comptime]
                if let ComptimeOption::Some(last) = dh_last {
                    dh[place] = last[of_state];
                }
                #[comptime]
                if let ComptimeOption::Some(last) = dc_last {
                    dc[place] = last[of_state];
                }
            }
        }
    }
    for index in 0..steps {
        let time = if comptime![reverse] { index } else { steps - 1 - index };
        #[unroll]
        for r in 0..tile.rows {
            #[unroll]
            for j in 0..tile.units {
                let (row, unit) = (share.row(r), share.unit(j, tile));
                if share.owns(row, unit, batch, tile) {
                    let at = Place::new(time, row, unit, batch, hidden.runtime(), gates, reverse);
                    let place = comptime![r * tile.units + j];
                    let mut products = Array::<f32>::new(gates);
                    let after = State { h: dh[place], c: dc[place] };
                    let before = tensors.step::<C>(&at, &mut products, after, cell);
                    dh[place] = before.h;
                    dc[place] = before.c;
                    #[unroll]
                    for g in 0..gates {
                        rows[(r * gates + g) * hidden + unit] = products[g];
                    }
                }
            }
        }
        sync_cube();
        let sums = share.product::<W>(&rows, weight, tile);
        #[unroll]
        for place in 0..comptime![tile.rows * tile.units] {
            dh[place] += sums[place];
        }
    }
    #[unroll]
    for r in 0..tile.rows {
        #[unroll]
        for j in 0..tile.units {
            let (row, unit) = (share.row(r), share.unit(j, tile));
            if share.owns(row, unit, batch, tile) {
                let (place, of_state) = (comptime![r * tile.units + j], row * hidden + unit);
                dh0[of_state] = dh[place];
                #[comptime]
                if let ComptimeOption::Some(dc0) = &mut dc0 {
                    dc0[of_state] = dc[place];
                }
            }
        }
    }
}

/// The share of a thread in the work of its workgroup.
#[derive(CubeType, Clone)]
struct Share {
    first_row: usize,
    slice: usize,
    column: usize,
    /// The sums of the slices beyond the first.
    parts: Shared<[f32]>,
}

#[cube]
impl Share {
    fn new(rows: &Shared<[f32]>, #[comptime] tile: Tile) -> Share {
        let thread = UNIT_POS as usize;
        let columns = comptime![tile.columns()];
        // A single slice uses no memory for sums; there is none of no size.
        let parts = if comptime![tile.slices > 1] {
            Shared::<[f32]>::new_slice(comptime![tile.shared_sums()])
        } else {
            rows.clone()
        };
        Share { first_row: CUBE_POS * tile.rows, slice: thread / columns, column: thread % columns, parts }
    }

    fn row(&self, #[comptime] r: usize) -> usize {
        self.first_row + r
    }

    fn unit(&self, #[comptime] j: usize, #[comptime] tile: Tile) -> usize {
        self.column + comptime![j * tile.columns()]
    }

    /// Whether the thread computes the steps of a unit of a row, and there is one.
    fn owns(&self, row: usize, unit: usize, batch: usize, #[comptime] tile: Tile) -> bool {
        self.slice == 0 && row < batch && unit < tile.hidden
    }

    /// The product of `rows` `[rows, terms]` and `weight` `[terms, parts * hidden]` in the first
    /// slice of threads: `[rows, units, parts]` of each.
    ///
    /// Synchronises the workgroup: no thread reads `rows` any more.
    fn product<W: Float>(&mut self, rows: &Shared<[f32]>, weight: &Tensor<W>, #[comptime] tile: Tile) -> Array<f32> {
        let width = comptime![tile.parts * tile.hidden];
        let of_slice = comptime![tile.terms / tile.slices];
        // A few terms at once, so that their reads do not wait for each other.
        let together = comptime![if of_slice % 4 == 0 { 4 } else { 1 }];
        let mut sums = Array::<f32>::new(comptime![tile.sums()]);
        #[unroll]
        for i in 0..comptime![tile.sums()] {
            sums[i] = 0.0;
        }
        for some in 0..comptime![of_slice / together] {
            #[unroll]
            for one in 0..together {
                let term = self.slice * of_slice + some * together + one;
                let mut of_rows = Array::<f32>::new(tile.rows);
                #[unroll]
                for r in 0..tile.rows {
                    of_rows[r] = rows[r * tile.terms + term];
                }
                #[unroll]
                for j in 0..tile.units {
                    // There is a column for it, even if there is no such unit.
                    let unit = self.unit(j, tile).min(tile.hidden - 1);
                    #[unroll]
                    for part in 0..tile.parts {
                        let w = f32::cast_from(weight[term * width + part * tile.hidden + unit]);
                        #[unroll]
                        for r in 0..tile.rows {
                            sums[(r * tile.units + j) * tile.parts + part] += of_rows[r] * w;
                        }
                    }
                }
            }
        }
        self.add_slices(&mut sums, tile);
        sums
    }

    /// Adds the sums of all slices up in those of the first. Synchronises the workgroup.
    fn add_slices(&mut self, sums: &mut Array<f32>, #[comptime] tile: Tile) {
        let columns = comptime![tile.columns()];
        let count = comptime![tile.sums()];
        if comptime![tile.slices == 1] {
            sync_cube();
        } else {
            if self.slice > 0 {
                #[unroll]
                for i in 0..count {
                    self.parts[((self.slice - 1) * count + i) * columns + self.column] = sums[i];
                }
            }
            sync_cube();
            if self.slice == 0 {
                for slice in 0..comptime![tile.slices - 1] {
                    #[unroll]
                    for i in 0..count {
                        sums[i] += self.parts[(slice * count + i) * columns + self.column];
                    }
                }
            }
        }
    }
}
