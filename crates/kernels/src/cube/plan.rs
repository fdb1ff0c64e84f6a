//! Whether a sequence runs in one launch on a device, and how its kernels share the work.
//!
//! A workgroup takes a few rows through all time steps. At each one it reads all recurrent weights,
//! from a cache of the device, and multiplies all of its rows by them. Its threads share the
//! columns of that product, and the terms of its sums.

use cubecl::prelude::*;

use crate::{
    launches::{self, Form},
    recurrence::Cell,
};

/// The most bytes of recurrent weights of a layer that runs in one launch: those of an LSTM of 640
/// units. Larger ones fill the caches of many GPUs. Then every workgroup would read them from
/// memory at each time step, where a matrix product of the whole batch reads them once.
const MOST_WEIGHT_BYTES: usize = 4 * 4 * 640 * 640;

/// Workgroups to make of a batch where a device does not state its multiprocessors, as through
/// `wgpu`: about those of a small GPU. More rows for each would leave multiprocessors idle, fewer
/// would read the weights more often.
const WORKGROUPS: usize = 32;

/// The most rows of a workgroup: each one more takes a sum in a register for every column of a
/// thread.
const MOST_ROWS: usize = 8;

/// The most sums of a thread of a GPU, which has 64 registers in a workgroup of 1024 threads.
const MOST_SUMS: usize = 16;

/// The most sums of a thread of a software device, which keeps them in its first cache. There, a
/// read costs as much as a dozen products, because each of the threads that run as one vector reads
/// by itself; so a thread uses a number that it has read for many products. More sums would take
/// long to compile.
const MOST_SUMS_OF_SOFTWARE: usize = 64;

/// The threads that a software device runs as one vector.
const VECTOR_OF_SOFTWARE: usize = 8;

/// The most units of a thread.
const MOST_UNITS: usize = 8;

/// The fewest terms of a slice of a sum: below it, the sum of the slices takes longer than they.
const LEAST_TERMS: usize = 16;

/// The threads below which a GPU waits for memory: more rows are given up for them.
const FEWEST_THREADS: usize = 256;

/// The limits of a device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of shared memory of a workgroup.
    pub shared_memory: usize,
    /// Threads of a workgroup.
    pub threads: usize,
    /// Workgroups of a launch.
    pub workgroups: usize,
    /// Buffers of a kernel.
    pub bindings: usize,
    /// Multiprocessors, where the device states them.
    pub multiprocessors: Option<usize>,
    /// Whether the device is emulated on a CPU.
    pub software: bool,
}

impl Limits {
    pub fn of(client: &Client) -> Self {
        let properties = client.properties();
        let hardware = &properties.hardware;
        Self {
            shared_memory: hardware.max_shared_memory_size,
            threads: hardware.max_units_per_cube.min(hardware.max_cube_dim.0) as usize,
            workgroups: hardware.max_cube_count.0 as usize,
            bindings: hardware.max_bindings as usize,
            multiprocessors: hardware.num_streaming_multiprocessors.map(|count| count as usize),
            software: properties.identity.physical.is_none(),
        }
    }

    /// The limits of a device, as a test may have [changed](launches::with_form) them.
    pub fn in_use(client: &Client) -> Self {
        let limits = Self::of(client);
        match launches::form() {
            None => limits,
            Some(Form::PerStep) => Self { bindings: 0, ..limits },
            Some(Form::PerSequence { software }) => Self { software, ..limits },
        }
    }
}

/// The sizes of a layer and its input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    /// Gates of the cell: `G = gates * H`.
    pub gates: usize,
    pub hidden: usize,
    pub batch: usize,
    /// The most buffers of its kernels.
    pub buffers: usize,
}

impl Layer {
    pub fn of<C: Cell>(batch: usize, hidden: usize, lengths: bool) -> Self {
        let (cells, apart) = (C::CELL_STATES, C::APART);
        // Forward: gates, weights, initial and all states, the recurrent product and its bias;
        // lengths and outputs. Backward: gates, weights, states, the gradients of hidden, final and
        // initial states, that of the recurrent product; lengths.
        let forward = 4 + 2 * cells + 2 * apart + 2 * usize::from(lengths);
        let backward = 6 + 2 * cells + apart + usize::from(lengths);
        Self { gates: C::GATES, hidden, batch, buffers: forward.max(backward) }
    }
}

/// The kernels of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub forward: Tile,
    pub backward: Tile,
}

/// A product of the rows of a workgroup `[rows, terms]` and a matrix `[terms, parts * hidden]`, and
/// the share of a thread in it: `units` units of `parts` columns each, and `1 / slices` of the terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tile {
    pub hidden: usize,
    pub parts: usize,
    pub terms: usize,
    pub rows: usize,
    pub units: usize,
    pub slices: usize,
}

impl Tile {
    /// The threads of a slice; thread `c` has the units `c`, `c + columns`, ...
    pub fn columns(&self) -> usize {
        self.hidden.div_ceil(self.units)
    }

    pub fn threads(&self) -> usize {
        self.columns() * self.slices
    }

    /// A workgroup for every few rows of a batch.
    pub fn threads_of(&self, batch: usize) -> (CubeCount, CubeDim) {
        (CubeCount::new_1d(batch.div_ceil(self.rows) as u32), CubeDim::new_1d(self.threads() as u32))
    }

    /// Sums of a thread.
    pub fn sums(&self) -> usize {
        self.rows * self.units * self.parts
    }

    /// Numbers of shared memory for the rows.
    pub fn shared_rows(&self) -> usize {
        self.rows * self.terms
    }

    /// Numbers of shared memory for the sums of all slices but the first, which adds them to its
    /// own.
    pub fn shared_sums(&self) -> usize {
        (self.slices - 1) * self.sums() * self.columns()
    }

    fn shared_bytes(&self) -> usize {
        size_of::<f32>() * (self.shared_rows() + self.shared_sums())
    }
}

/// The largest hidden size of a cell whose sequences run in one launch.
pub(crate) fn largest<C: Cell>(limits: &Limits) -> Option<usize> {
    let of_a_unit = size_of::<f32>() * C::GATES;
    let most = (MOST_WEIGHT_BYTES / of_a_unit).isqrt();
    (1..=most).rev().find(|&hidden| Plan::new(limits, Layer::of::<C>(1, hidden, false)).is_some())
}

impl Plan {
    /// The plan for a layer on a device, if its sequences can run in one launch there.
    pub fn new(limits: &Limits, layer: Layer) -> Option<Self> {
        let Layer { gates, hidden, batch, buffers } = layer;
        let wide = size_of::<f32>() * gates * hidden * hidden > MOST_WEIGHT_BYTES;
        if hidden == 0 || batch == 0 || wide || buffers > limits.bindings {
            return None;
        }
        let plan = Self {
            forward: Tile::new(limits, batch, Tile { parts: gates, terms: hidden, ..Tile::least(hidden) })?,
            backward: Tile::new(limits, batch, Tile { parts: 1, terms: gates * hidden, ..Tile::least(hidden) })?,
        };
        let workgroups = batch.div_ceil(plan.forward.rows.min(plan.backward.rows));
        (workgroups <= limits.workgroups).then_some(plan)
    }
}

impl Tile {
    fn least(hidden: usize) -> Self {
        Self { hidden, parts: 1, terms: hidden, rows: 1, units: 1, slices: 1 }
    }

    /// The best share of a thread in a product, if there is one within the device's limits.
    fn new(limits: &Limits, batch: usize, mut tile: Self) -> Option<Self> {
        let most_sums = if limits.software { MOST_SUMS_OF_SOFTWARE } else { MOST_SUMS };
        let workgroups = if limits.software { 1 } else { limits.multiprocessors.unwrap_or(WORKGROUPS) };
        tile.rows = batch.div_ceil(workgroups).next_power_of_two().min(MOST_ROWS);
        while tile.rows > 1 && tile.sums() > most_sums {
            tile.rows /= 2;
        }
        loop {
            let shared = tile.share(limits, most_sums);
            // Rows are given up for what does not fit, and for threads.
            match shared {
                Some(shared) if tile.rows == 1 || limits.software || shared.is_busy() => return Some(shared),
                None if tile.rows == 1 => return None,
                _ => tile.rows /= 2,
            }
        }
    }

    /// The units and slices of a thread, for the rows of the tile.
    fn share(mut self, limits: &Limits, most_sums: usize) -> Option<Self> {
        let fits = |tile: &Self| tile.threads() <= limits.threads && tile.shared_bytes() <= limits.shared_memory;
        // A software device wants few threads that do much, a GPU many of them.
        let longer =
            |tile: &Self| limits.software && 2 * tile.sums() <= most_sums && tile.columns() >= 2 * VECTOR_OF_SOFTWARE;
        while self.units < MOST_UNITS && (self.columns() > limits.threads || longer(&self)) {
            self.units *= 2;
        }
        let more = |tile: &Self| Self { slices: 2 * tile.slices, ..*tile };
        while !limits.software
            && self.terms.is_multiple_of(2 * self.slices)
            && self.terms / (2 * self.slices) >= LEAST_TERMS
        {
            if !fits(&more(&self)) {
                break;
            }
            self = more(&self);
        }
        // Few threads may each have to take so many units that the sums of several rows are too many.
        let few = self.rows == 1 || self.sums() <= most_sums;
        (few && fits(&self)).then_some(self)
    }

    /// Whether there are enough threads to hide the latency of memory, or as many as the product
    /// has work for.
    fn is_busy(&self) -> bool {
        self.threads() >= FEWEST_THREADS || self.terms / self.slices < 2 * LEAST_TERMS
    }
}

#[cfg(test)]
mod tests;
