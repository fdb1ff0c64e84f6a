//! The layers around a recurrence, prepared for single steps on a CPU: weights are packed once, without tensors.

use burn::module::Param;
use burn::nn::Linear;
use rekindle_kernels::step::{PackedLinear, Rows};

/// A packed linear layer; `None` if native code does not cover its weights.
pub(crate) fn packed(layer: &Linear, rows: Rows) -> Option<PackedLinear> {
    PackedLinear::plain(layer.weight.val(), layer.bias.as_ref().map(Param::val), rows)
}
