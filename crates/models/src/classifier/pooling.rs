//! Pooling: from the hidden states of all words to one vector.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng;
use rekindle_kernels::linear::apply;
use rekindle_kernels::matmul::matmul;
use rekindle_kernels::pointwise::tanh;
use rekindle_kernels::pooling::{max_over_time, padding};
use rekindle_rnn::State;
use rekindle_settings::names;

names! {
    /// How the hidden states of a text become one vector.
    pub enum Pooling {
        /// The state after the last word; of the reverse direction, after the first.
        Last = "last",
        /// The mean over the words.
        Mean = "mean",
        /// The largest value over the words, feature by feature.
        Max = "max",
        /// A weighted mean, `α_t = softmax_t(u · tanh(W h_t + b))`: Yang et al. 2016, "Hierarchical
        /// Attention Networks for Document Classification".
        Attention = "attention",
    }
}

impl Pooling {
    /// A pool for states of width `features`.
    pub(super) fn init(self, features: usize, rng: &mut impl Rng, device: &Device) -> Pool {
        let attention = (self == Self::Attention).then(|| AttentionPool {
            projection: crate::init::linear(features, features, rng, device),
            query: crate::init::linear(features, 1, rng, device).weight,
        });
        Pool { kind: self, attention }
    }
}

/// A [`Pooling`] with its weights, where it has any.
#[derive(Module, Debug)]
pub struct Pool {
    /// The parameters of [`Pooling::Attention`].
    pub attention: Option<AttentionPool>,
    #[module(skip)]
    kind: Pooling,
}

/// The parameters of [`Pooling::Attention`].
#[derive(Module, Debug)]
pub struct AttentionPool {
    /// `W [F, F]` and `b [F]`.
    pub projection: Linear,
    /// `u [F, 1]`.
    pub query: Param<Tensor<2>>,
}

impl Pool {
    /// The kind of pooling.
    pub fn kind(&self) -> Pooling {
        self.kind
    }

    /// Pools hidden states `[T, B, F]`, 0 past each text's length, to `[B, F]`. `state` follows the last word.
    pub(super) fn forward(&self, hidden: Tensor<3>, state: &State, directions: usize, lengths: &[usize]) -> Tensor<2> {
        let [time, batch, features] = hidden.dims();
        match (self.kind, &self.attention) {
            (Pooling::Last, _) => {
                let last = &state.layers[state.layers.len() - directions..];
                Tensor::cat(last.iter().map(|layer| layer.hidden.clone()).collect(), 1)
            }
            (Pooling::Mean, _) => {
                let lengths: Vec<f32> = lengths.iter().map(|&length| length as f32).collect();
                let lengths = Tensor::<2>::from_data(TensorData::new(lengths, [batch, 1]), &hidden.device());
                hidden.sum_dim(0).reshape([batch, features]) / lengths
            }
            (Pooling::Max, _) => max_over_time(hidden, lengths),
            (Pooling::Attention, Some(AttentionPool { projection, query })) => {
                let rows = hidden.clone().reshape([time * batch, features]);
                let scores = matmul(tanh(apply(projection, rows)), query.val()).reshape([time, batch, 1]);
                let padding = padding(lengths, time, &hidden.device()).swap_dims(0, 1).unsqueeze_dim::<3>(2);
                let scores = scores.mask_fill(padding, f32::MIN / 4.0);
                (hidden * softmax(scores, 0)).sum_dim(0).reshape([batch, features])
            }
            (Pooling::Attention, None) => unreachable!("`Pooling::init` gives attention its weights"),
        }
    }
}
