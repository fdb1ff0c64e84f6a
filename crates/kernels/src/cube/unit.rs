//! A unit of a row at a time step: its place in the tensors of a sequence, and what it reads and
//! writes there.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::cell::{CubeCell, State};

/// The place of a unit of a row at a time step.
#[derive(CubeType)]
pub(crate) struct Place {
    time: usize,
    row: usize,
    unit: usize,
    /// Its index in `[T, B, H]`.
    index: usize,
    /// Its first gate in `[T, B, gates H]`; the next ones are `hidden` apart.
    gate: usize,
    hidden: usize,
    /// The indices of its states before and after the step in `[T + 1, B, H]`.
    pub before: usize,
    pub after: usize,
}

#[cube]
impl Place {
    /// The place of unit `unit` of `row` at `time`, in a sequence of `batch` rows of `hidden` units.
    pub fn new(
        time: usize,
        row: usize,
        unit: usize,
        batch: usize,
        hidden: usize,
        #[comptime] gates: usize,
        #[comptime] reverse: bool,
    ) -> Place {
        let states = batch * hidden;
        let of_row = row * hidden + unit;
        let index = time * states + of_row;
        let gate = (time * batch + row) * gates * hidden + unit;
        let (early, late) = (index, index + states);
        let (before, after) = if comptime![reverse] { (late, early) } else { (early, late) };
        Place { time, row, unit, index, gate, hidden, before, after }
    }

    /// Whether the step is within the row's length, `lengths[b]`.
    fn is_valid(&self, lengths: &ComptimeOption<Box<[u32]>>) -> bool {
        #[comptime]
        match lengths {
            ComptimeOption::Some(lengths) => self.time < lengths[self.row] as usize,
            ComptimeOption::None => true.runtime(),
        }
    }
}

/// The tensors of a forward pass.
#[derive(CubeLaunch, CubeType)]
pub(crate) struct ForwardTensors {
    /// `[T, B, G]`: the input, then the gates.
    gates: Box<[f32]>,
    /// `[T, B, G]`, of a cell with a [separate](crate::recurrence::Cell::APART) gate: the last gate
    /// gets its recurrent product with its bias.
    recurrent: ComptimeOption<Box<[f32]>>,
    /// `[G]`: the recurrent bias, if the cell has one.
    bias: ComptimeOption<Box<[f32]>>,
    /// `[T + 1, B, H]` each: the states before and after each step.
    hidden: Box<[f32]>,
    cells: ComptimeOption<Box<[f32]>>,
    /// `[T, B, H]`: the hidden states, 0 past a row's length; with `lengths` only.
    outputs: ComptimeOption<Box<[f32]>>,
    /// `[B]`: the lengths of the rows, if they differ.
    lengths: ComptimeOption<Box<[u32]>>,
}

#[cube]
impl ForwardTensors {
    /// The states of a unit before a step.
    pub fn before(&self, at: &Place) -> State {
        #[comptime]
        let c = match &self.cells {
            ComptimeOption::Some(cells) => cells[at.before],
            ComptimeOption::None => 0.0f32.runtime(),
        };
        State { h: self.hidden[at.before], c }
    }

    /// Keeps the states of a unit at an index of the states before and after each step.
    pub fn keep(&mut self, index: usize, state: State) {
        self.hidden[index] = state.h;
        #[comptime]
        if let ComptimeOption::Some(cells) = &mut self.cells {
            cells[index] = state.c;
        }
    }

    /// One step of a unit, from its recurrent products `[gates]` and the states before the step to
    /// those after it.
    pub fn step<C: CubeCell>(
        &mut self,
        at: &Place,
        products: &mut Array<f32>,
        before: State,
        #[comptime] cell: C,
    ) -> State {
        let gates = comptime![C::GATES];
        let valid = at.is_valid(&self.lengths);
        let mut h = before.h;
        let mut c = before.c;
        if valid {
            let mut values = Array::<f32>::new(gates);
            #[unroll]
            for g in 0..gates {
                values[g] = self.gates[at.gate + g * at.hidden];
                #[comptime]
                if let ComptimeOption::Some(bias) = &self.bias {
                    products[g] += bias[at.unit + g * at.hidden];
                }
            }
            let after = C::step(cell, &mut values, products, before);
            h = after.h;
            c = after.c;
            if comptime![!C::GATE_IS_STATE] {
                #[unroll]
                for g in 0..gates {
                    self.gates[at.gate + g * at.hidden] = values[g];
                }
            }
            #[comptime]
            if let ComptimeOption::Some(recurrent) = &mut self.recurrent {
                recurrent[at.gate + (gates - 1) * at.hidden] = products[gates - 1];
            }
        }
        self.keep(at.after, State { h, c });
        #[comptime]
        if let ComptimeOption::Some(outputs) = &mut self.outputs {
            outputs[at.index] = select(valid, h, 0.0);
        }
        State { h, c }
    }
}

/// The tensors of a backward pass.
#[derive(CubeLaunch, CubeType)]
pub(crate) struct BackwardTensors {
    /// `[T, B, G]`: the gates, unless the only one is the hidden state; then the gradients of their
    /// pre-activations.
    gates: Box<[f32]>,
    /// `[T, B, G]`, of a cell with a separate gate: the last gate holds its recurrent product with
    /// its bias; then all hold the gradients of the recurrent products.
    recurrent: ComptimeOption<Box<[f32]>>,
    /// `[T + 1, B, H]`: the cell states before and after each step, or the hidden states of a cell
    /// that has none.
    states: Box<[f32]>,
    /// `[T, B, H]`: the gradient of the hidden states from outside, if any.
    d_hidden: ComptimeOption<Box<[f32]>>,
    /// `[B]`: the lengths of the rows, if they differ.
    lengths: ComptimeOption<Box<[u32]>>,
}

#[cube]
impl BackwardTensors {
    /// One backward step of a unit, from the gradients of its states after the step to those before
    /// it, except for what flows through the recurrent products; their gradients are in `products`.
    pub fn step<C: CubeCell>(
        &mut self,
        at: &Place,
        products: &mut Array<f32>,
        after: State,
        #[comptime] cell: C,
    ) -> State {
        let gates = comptime![C::GATES];
        let mut values = Array::<f32>::new(gates);
        let mut h = after.h;
        let mut c = after.c;
        #[unroll]
        for g in 0..gates {
            values[g] = 0.0;
            products[g] = 0.0;
        }
        if at.is_valid(&self.lengths) {
            if comptime![!C::GATE_IS_STATE] {
                #[unroll]
                for g in 0..gates {
                    values[g] = self.gates[at.gate + g * at.hidden];
                }
            }
            #[comptime]
            if let ComptimeOption::Some(recurrent) = &self.recurrent {
                products[gates - 1] = recurrent[at.gate + (gates - 1) * at.hidden];
            }
            #[comptime]
            if let ComptimeOption::Some(d_hidden) = &self.d_hidden {
                h += d_hidden[at.index];
            }
            let (early, late) = (self.states[at.before], self.states[at.after]);
            let before = C::step_back(cell, &mut values, products, early, late, State { h, c });
            h = before.h;
            c = before.c;
            if comptime![C::APART == 0] {
                #[unroll]
                for g in 0..gates {
                    products[g] = values[g];
                }
            }
        }
        #[unroll]
        for g in 0..gates {
            self.gates[at.gate + g * at.hidden] = values[g];
            #[comptime]
            if let ComptimeOption::Some(recurrent) = &mut self.recurrent {
                recurrent[at.gate + g * at.hidden] = products[g];
            }
        }
        State { h, c }
    }
}

/// A tensor in row-major order as a kernel's argument.
pub(crate) fn buffer(tensor: &CubeTensor) -> BufferArg {
    tensor.clone().into_buffer_arg()
}
