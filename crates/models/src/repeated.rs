//! A linear layer that every step of a loop applies.

use burn::nn::Linear;
use burn::tensor::Tensor;
use rekindle_kernels::unrolled::Repeated;

/// `x W + b` in a loop, for the same number of rows at each step.
#[derive(Clone, Debug)]
pub(crate) struct RepeatedLinear {
    weight: Repeated<2>,
    /// `b`: `[1, O]` for all rows, or `[N, O]`.
    bias: Option<Tensor<2>>,
}

impl RepeatedLinear {
    /// A layer with `weight` `[I, O]` and `bias` `[O]`, if any, for `rows` rows.
    pub fn new(weight: Repeated<2>, bias: Option<Tensor<1>>, rows: usize) -> Self {
        let copies = if weight.shares_a_row() { 1 } else { rows };
        Self { bias: bias.map(|bias| bias.unsqueeze_dim::<2>(0).repeat_dim(0, copies)), weight }
    }

    /// `layer` for `rows` rows.
    pub fn of(layer: &Linear, rows: usize) -> Self {
        Self::new(Repeated::new(layer.weight.val()), layer.bias.as_ref().map(|bias| bias.val()), rows)
    }

    /// `x W + b`, `[N, O]`, of `x` `[N, I]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.bias {
            Some(bias) => self.weight.add_product(bias.clone(), x),
            None => self.weight.product(x),
        }
    }
}
