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
        /// The state after the last word, the maximum and the mean, side by side: `[h_T, max_t h_t, mean_t h_t]`,
        /// Howard and Ruder 2018 (arXiv 1801.06146), section 3.3.
        Concat = "concat",
    }
}

impl Pooling {
    /// The width of what it makes of states of width `features`.
    pub(super) fn width(self, features: usize) -> usize {
        if self == Self::Concat { 3 * features } else { features }
    }

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

    /// Pools hidden states `[T, B, F]`, 0 past each text's length, to `[B, F]`, or `[B, 3F]` with
    /// [`Pooling::Concat`]. `state` follows the last word.
    pub(super) fn forward(&self, hidden: Tensor<3>, state: &State, directions: usize, lengths: &[usize]) -> Tensor<2> {
        let [time, batch, features] = hidden.dims();
        match (self.kind, &self.attention) {
            (Pooling::Last, _) => last(state, directions),
            (Pooling::Mean, _) => mean_over_time(hidden, lengths),
            (Pooling::Max, _) => max_over_time(hidden, lengths),
            (Pooling::Concat, _) => Tensor::cat(
                vec![last(state, directions), max_over_time(hidden.clone(), lengths), mean_over_time(hidden, lengths)],
                1,
            ),
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

/// The last layer's state `[B, F]` after the last word of each text.
fn last(state: &State, directions: usize) -> Tensor<2> {
    let last = &state.layers[state.layers.len() - directions..];
    Tensor::cat(last.iter().map(|layer| layer.hidden.clone()).collect(), 1)
}

/// The mean `[B, F]` over the words of each text; `hidden` is 0 past its length.
fn mean_over_time(hidden: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
    let [_, batch, features] = hidden.dims();
    let lengths: Vec<f32> = lengths.iter().map(|&length| length as f32).collect();
    let lengths = Tensor::<2>::from_data(TensorData::new(lengths, [batch, 1]), &hidden.device());
    hidden.sum_dim(0).reshape([batch, features]) / lengths
}
