//! A kernel's access to its step. A kernel has one thread for each unit of each row. Its arguments
//! are whole sequences, and the step gives the offsets.

use cubecl::prelude::*;

/// A step of the scan.
#[derive(CubeLaunch, CubeType)]
pub(crate) struct Step {
    /// Its time index.
    time: usize,
    /// The slots of the states before and after it.
    before: usize,
    after: usize,
    batch: usize,
    pub hidden: usize,
}

#[cube]
impl Step {
    /// Whether this thread has a unit: threads are launched in groups.
    pub fn has_unit(&self) -> bool {
        ABSOLUTE_POS < self.batch * self.hidden
    }

    /// The row of the unit.
    pub fn row(&self) -> usize {
        ABSOLUTE_POS / self.hidden
    }

    /// The index of the unit's state before the step in `[T + 1, B, H]`.
    pub fn before(&self) -> usize {
        self.before * self.batch * self.hidden + ABSOLUTE_POS
    }

    /// The index of the unit's state after the step in `[T + 1, B, H]`.
    pub fn after(&self) -> usize {
        self.after * self.batch * self.hidden + ABSOLUTE_POS
    }

    /// The index of the unit in `[T, B, H]`.
    pub fn unit(&self) -> usize {
        self.time * self.batch * self.hidden + ABSOLUTE_POS
    }

    /// The index of the unit's first gate in `[B, gates H]`; the next ones are `H` apart.
    pub fn gate(&self, #[comptime] gates: usize) -> usize {
        self.row() * gates * self.hidden + ABSOLUTE_POS % self.hidden
    }

    /// The index of the unit's first gate in `[T, B, gates H]`; the next ones are `H` apart.
    pub fn gate_in_sequence(&self, #[comptime] gates: usize) -> usize {
        self.time * self.batch * gates * self.hidden + self.gate(gates)
    }

    /// Whether the step is within the row's length, `lengths[b]`.
    pub fn is_valid(&self, lengths: ComptimeOption<&Tensor<u32>>) -> bool {
        let row = self.row();
        let valid: ComptimeOption<bool> = lengths.map(|lengths| self.time < lengths[row] as usize);
        valid.unwrap_or(true)
    }

    /// The gradient of the unit's hidden state from outside, `d_hidden[t, b, h]`.
    pub fn upstream(&self, d_hidden: ComptimeOption<&Tensor<f32>>) -> f32 {
        let unit = self.unit();
        let d: ComptimeOption<f32> = d_hidden.map(|d_hidden| d_hidden[unit]);
        d.unwrap_or(0.0)
    }
}

/// `σ(x)`.
#[cube]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
