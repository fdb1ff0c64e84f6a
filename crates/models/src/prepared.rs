//! The layers around a recurrence, prepared to read step by step on a CPU: weights packed once, no tensors.

use burn::module::Param;
use burn::nn::Linear;
use rekindle_kernels::step::{PackedLinear, Rows};

/// A linear layer; `None` where native code does not run its weights.
pub(crate) fn packed(layer: &Linear, rows: Rows) -> Option<PackedLinear> {
    PackedLinear::plain(layer.weight.val(), layer.bias.as_ref().map(Param::val), rows)
}
