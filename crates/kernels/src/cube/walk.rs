//! The sizes of a sequence, the states before and after each step, and the products and sums after
//! the backward pass.
//!
//! States are in slots, `[T + 1, B, H]`: forward, step `t` reads slot `t` and writes slot `t + 1`;
//! in reverse it reads slot `t + 1` and writes slot `t`. A row past its length copies its state. So
//! the states that all steps read are contiguous, and those that they wrote as well.

use burn::{
    backend::{
        FloatDType, TensorMetadata,
        ops::{FloatTensorOps, IntTensorOps},
    },
    tensor::{DType, Shape, Slice, TensorData},
};
use burn_cubecl::{
    CubeBackend,
    kernel::{cast, into_contiguous},
    tensor::CubeTensor,
};
use cubecl::{
    calculate_cube_count_elemwise,
    ir::{ElemType, FloatKind},
    prelude::*,
};

use super::{
    cell::CubeCell,
    plan::{Layer, Limits, Plan},
};
use crate::{Direction, Scan, recurrence::InputTensors, table};

/// A sequence on a GPU.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    steps: usize,
    batch: usize,
    hidden: usize,
    scan: Scan,
    /// `[B]`: the lengths of the rows, if they differ.
    lengths: Option<CubeTensor>,
    symbols: Option<Symbols>,
}

/// An input from a table.
#[derive(Clone, Debug)]
struct Symbols {
    /// `[T B]`: the table rows.
    ids: CubeTensor,
    /// Rows of the table.
    vocabulary: usize,
}

impl Walk {
    /// The scan of a call's input, and the input of all steps, `[T, B, G]`, in memory without
    /// another owner.
    pub fn new(input: InputTensors<CubeBackend>, h0: &CubeTensor, scan: &Scan) -> (Self, CubeTensor) {
        let [batch, hidden] = h0.shape().dims();
        let (steps, gates, symbols) = match input {
            InputTensors::Projected(projection) => (projection.shape()[0], own(projection), None),
            InputTensors::Tokens { table, tokens } => {
                let [steps, _] = tokens.shape().dims();
                let [vocabulary, width] = table.shape().dims();
                let ids = CubeBackend::int_reshape(tokens, Shape::new([steps * batch]));
                // The padding may have any value.
                let ids = CubeBackend::int_clamp(ids, 0.into(), (vocabulary - 1).into());
                let rows = CubeBackend::float_select(table, 0, ids.clone());
                (steps, reshape(rows, [steps, batch, width]), Some(Symbols { ids, vocabulary }))
            }
        };
        let lengths = scan.lengths.as_ref().map(|lengths| {
            let lengths: Vec<u32> = lengths.iter().map(|&length| length as u32).collect();
            CubeBackend::int_from_data(TensorData::new(lengths, [batch]), &h0.device)
        });
        (Self { steps, batch, hidden, scan: scan.clone(), lengths, symbols }, gates)
    }

    /// The time indices in scan order.
    pub fn order(&self) -> Vec<usize> {
        self.scan.order(self.steps)
    }

    /// An uninitialised tensor, `[T, B, gates H]`, on the device of `like`.
    pub fn sequence(&self, gates: usize, like: &CubeTensor) -> CubeTensor {
        let shape = Shape::new([self.steps, self.batch, gates * self.hidden]);
        CubeBackend::float_empty(shape, &like.device, FloatDType::F32)
    }

    /// An uninitialised state, `[B, H]`, on the device of `like`.
    pub fn state(&self, like: &CubeTensor) -> CubeTensor {
        CubeBackend::float_empty(Shape::new([self.batch, self.hidden]), &like.device, FloatDType::F32)
    }

    /// Zeros, `[B, H]`, on the device of `like`.
    pub fn zero_state(&self, like: &CubeTensor) -> CubeTensor {
        zeros([self.batch, self.hidden], like)
    }

    /// The gradient of a final state, or zeros if it has none.
    pub fn gradient_or_zeros(&self, gradient: Option<CubeTensor>, like: &CubeTensor) -> CubeTensor {
        gradient.map_or_else(|| self.zero_state(like), into_contiguous)
    }

    /// Uninitialised slots for the states of all steps.
    pub fn slots(&self, like: &CubeTensor) -> CubeTensor {
        let shape = Shape::new([self.steps + 1, self.batch, self.hidden]);
        CubeBackend::float_empty(shape, &like.device, FloatDType::F32)
    }

    /// Slots for the states of all steps, with the initial state in the first one of the scan.
    pub fn states(&self, initial: CubeTensor) -> CubeTensor {
        let slots = self.slots(&initial);
        let first = match self.scan.direction {
            Direction::Forward => 0,
            Direction::Reverse => self.steps,
        };
        let initial = reshape(initial, [1, self.batch, self.hidden]);
        CubeBackend::float_slice_assign(slots, &[Slice::from(first..first + 1)], initial)
    }

    /// `[B, H]`: the input state of step `t`.
    pub fn before(&self, states: &CubeTensor, t: usize) -> CubeTensor {
        let before = match self.scan.direction {
            Direction::Forward => t,
            Direction::Reverse => t + 1,
        };
        at(states, before)
    }

    /// `[T, B, H]`: the states after all steps.
    pub fn after(&self, states: &CubeTensor) -> CubeTensor {
        let first = match self.scan.direction {
            Direction::Forward => 1,
            Direction::Reverse => 0,
        };
        range(states, first, first + self.steps)
    }

    /// `[B, H]`: the final state.
    pub fn last(&self, states: &CubeTensor) -> CubeTensor {
        let last = match self.scan.direction {
            Direction::Forward => self.steps,
            Direction::Reverse => 0,
        };
        at(states, last)
    }

    /// The gradient of the weights, `Σ_t d_tᵀ h_{t-1}`, `[G, H]`, from that of the recurrent
    /// products, `[T, B, G]`, which is 0 past a row's length. The product has the given precision.
    pub fn weight_gradient(&self, d: &CubeTensor, states: &CubeTensor, of_products: DType) -> CubeTensor {
        let rows = self.steps * self.batch;
        let first = match self.scan.direction {
            Direction::Forward => 0,
            Direction::Reverse => 1,
        };
        let before = reshape(range(states, first, first + self.steps), [rows, self.hidden]);
        let d = reshape(d.clone(), [rows, d.shape()[2]]);
        product(CubeBackend::float_transpose(d), cast(before, of_products))
    }

    /// The gradient of the input from that of the gates: the table's gradient for a table, else the
    /// gates' own.
    pub fn input_gradient(&self, d: CubeTensor) -> CubeTensor {
        let Some(Symbols { ids, vocabulary }) = &self.symbols else {
            return d;
        };
        let width = d.shape()[2];
        let d = reshape(d, [self.steps * self.batch, width]);
        table::gradient(*vocabulary, ids.clone(), d)
    }

    /// `[B]`: the lengths of the rows, if they differ.
    pub fn lengths(&self) -> Option<&CubeTensor> {
        self.lengths.as_ref()
    }

    pub fn is_reverse(&self) -> bool {
        self.scan.direction == Direction::Reverse
    }

    /// `T`, `B` and `H`.
    pub fn sizes(&self) -> [usize; 3] {
        [self.steps, self.batch, self.hidden]
    }

    /// The plan of a cell's kernels, if the sequence runs in one launch.
    pub fn plan<C: CubeCell>(&self, client: &Client) -> Option<Plan> {
        let [_, batch, hidden] = self.sizes();
        Plan::new(&Limits::in_use(client), Layer::of::<C>(batch, hidden, self.lengths.is_some()))
    }

    /// A thread for each unit of each row.
    pub fn threads(&self, client: &Client) -> (CubeCount, CubeDim) {
        let units = self.batch * self.hidden;
        let group = CubeDim::new(client, units);
        (calculate_cube_count_elemwise(client, units, group), group)
    }
}

/// `[B, G]`: entry `index` of `[T, B, G]`, as a view if the device can address it.
pub(crate) fn at(sequence: &CubeTensor, index: usize) -> CubeTensor {
    let [_, batch, width] = sequence.shape().dims();
    reshape(range(sequence, index, index + 1), [batch, width])
}

/// Entries of `[T, B, G]`, as a view if the device can address it.
fn range(sequence: &CubeTensor, start: usize, end: usize) -> CubeTensor {
    CubeBackend::float_slice(sequence.clone(), &[Slice::from(start..end)])
}

fn reshape<const D: usize>(tensor: CubeTensor, shape: [usize; D]) -> CubeTensor {
    CubeBackend::float_reshape(tensor, Shape::new(shape))
}

/// `a b` in the precision of `b`, of `f32`.
pub(crate) fn product(a: CubeTensor, b: CubeTensor) -> CubeTensor {
    let precision = b.dtype();
    cast(CubeBackend::float_matmul(cast(a, precision), b), DType::F32)
}

/// The type of a tensor's elements in a kernel.
pub(crate) fn element(tensor: &CubeTensor) -> ElemType {
    ElemType::Float(match tensor.dtype() {
        DType::F16 => FloatKind::F16,
        DType::BF16 => FloatKind::BF16,
        _ => FloatKind::F32,
    })
}

/// The same values in row-major order and in memory without another owner.
pub(crate) fn own(tensor: CubeTensor) -> CubeTensor {
    let tensor = into_contiguous(tensor);
    if tensor.can_mut() { tensor } else { tensor.copy() }
}

fn zeros<const D: usize>(shape: [usize; D], like: &CubeTensor) -> CubeTensor {
    CubeBackend::float_zeros(Shape::new(shape), &like.device, FloatDType::F32)
}

/// `[G]`: the sum of `[T, B, G]` over time and batch.
pub(crate) fn sum_of_rows(sequence: CubeTensor) -> CubeTensor {
    let [steps, batch, width] = sequence.shape().dims();
    let rows = reshape(sequence, [steps * batch, width]);
    reshape(CubeBackend::float_sum_dim(rows, 0), [width])
}
