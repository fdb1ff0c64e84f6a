//! Attention: a weighted sum of a sequence's vectors for each query.
//!
//! ```text
//! e_ts = q_t · s_s κ                    or  vᵀ tanh(q_t + k_s)
//! a_t  = softmax over the valid s of e_t
//! c_t  = Σ_s a_ts s_s
//! ```
//!
//! The backward pass, from the gradients of `c` and `a`:
//!
//! ```text
//! da_ts = dc_t · s_s + da_ts            de_ts = a_ts (da_ts - Σ_s a_ts da_ts)
//! ds_s  = Σ_t a_ts dc_t                 dq_t  = κ Σ_s de_ts s_s,  ds_s += κ Σ_t de_ts q_t
//! additive, g_ts = de_ts v (1 - tanh²): dq_t  = Σ_s g_ts,  dk_s = Σ_t g_ts,  dv = Σ_ts de_ts tanh(q_t + k_s)
//! ```
//!
//! For `f32` on a CPU it is one operation, the rows of the batch shared out over the threads; only `a` is kept for the
//! backward pass. A [`Memory`] is made once for all steps of a loop: its gradients are summed in place. Everywhere else
//! it is a few tensor operations.

#[cfg(feature = "native-cpu")]
mod cpu;

use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Int, Tensor};

#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu, unrolled::Summed};
use crate::{pointwise::tanh, pooling::padding, unrolled::Repeated};

/// How well a query fits a vector.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one of it in a batch; the sizes are those of the backends")]
pub enum Score {
    /// The product of both, times `scale`.
    Dot {
        /// `κ`
        scale: f64,
    },
    /// `vᵀ tanh(q + k)`.
    Additive {
        /// `k` `[B, S, F]`: a key for each vector, as wide as a query.
        keys: Tensor<3>,
        /// `v` `[F, 1]`
        value: Tensor<2>,
    },
}

/// The vectors that a batch of queries attends to, prepared once for all steps of a loop.
#[derive(Clone, Debug)]
pub struct Memory {
    /// `[B, S, F]`
    outputs: Tensor<3>,
    score: Score,
    /// Valid vectors of each row; all if none.
    lengths: Option<Vec<usize>>,
    parts: Parts,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "as above")]
enum Parts {
    #[cfg(feature = "native-cpu")]
    Native {
        outputs: Summed<3>,
        score: NativeScore,
    },
    Composed {
        outputs: Repeated<3>,
        keys: Keys,
        padding: Option<Tensor<3, Bool>>,
    },
}

#[cfg(feature = "native-cpu")]
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "as above")]
enum NativeScore {
    Dot { scale: f32 },
    Additive { keys: Summed<3>, value: Summed<2> },
}

/// The keys of the tensor operations.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "as above")]
enum Keys {
    /// For a product: `κ s_s`, `[B, F, S]`.
    Product(Repeated<3>),
    /// For a sum: `k_s`, `[B, S, F]`, and `v`, `[F, 1]`.
    Sum(Tensor<3>, Repeated<2>),
}

impl Memory {
    /// Prepares `outputs` `[B, S, F]`, of which the first `lengths[b]` of row `b` are valid.
    ///
    /// # Panics
    /// If there is not a length for each row, or one is not in `1..=S`; if keys do not fit.
    pub fn new(outputs: Tensor<3>, score: Score, lengths: Option<&[usize]>) -> Self {
        check(&outputs, &score, lengths);
        #[cfg(feature = "native-cpu")]
        if is_native_on_cpu(&outputs) {
            let parts = Parts::Native {
                outputs: Summed::new(outputs.clone()),
                score: match score.clone() {
                    Score::Dot { scale } => NativeScore::Dot { scale: scale as f32 },
                    Score::Additive { keys, value } => {
                        NativeScore::Additive { keys: Summed::new(keys), value: Summed::new(value) }
                    }
                },
            };
            return Self { outputs, score, lengths: lengths.map(<[usize]>::to_vec), parts };
        }
        Self::composed(outputs, score, lengths)
    }

    /// [`new`](Self::new) in tensor operations: the specification that tests compare the native code with.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn composed(outputs: Tensor<3>, score: Score, lengths: Option<&[usize]>) -> Self {
        check(&outputs, &score, lengths);
        let keys = match score.clone() {
            Score::Dot { scale } => Keys::Product(Repeated::new(outputs.clone().swap_dims(1, 2) * scale)),
            Score::Additive { keys, value } => Keys::Sum(keys, Repeated::new(value)),
        };
        let positions = outputs.dims()[1];
        let padding = lengths.map(|lengths| padding(lengths, positions, &outputs.device()).unsqueeze_dim(1));
        let parts = Parts::Composed { outputs: Repeated::new(outputs.clone()), keys, padding };
        Self { outputs, score, lengths: lengths.map(<[usize]>::to_vec), parts }
    }

    /// The vectors, `[B, S, F]`.
    pub fn outputs(&self) -> Tensor<3> {
        self.outputs.clone()
    }

    /// The contexts `c` `[B, T, F]` and the weights `a` `[B, T, S]` of queries `[B, T, F]`; the weights of vectors that
    /// are not valid are 0.
    ///
    /// # Panics
    /// If the shape does not fit.
    pub fn attend(&self, queries: Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        let [rows, _, width] = self.outputs.dims();
        let [queried, _, wide] = queries.dims();
        let wanted = match &self.score {
            Score::Additive { keys, .. } => keys.dims()[2],
            Score::Dot { .. } => width,
        };
        assert!(
            [queried, wide] == [rows, wanted],
            "`queries` must be [B, T, F] = [{rows}, T, {wanted}], got {:?}",
            queries.dims()
        );
        match &self.parts {
            #[cfg(feature = "native-cpu")]
            Parts::Native { outputs, score } => native(queries, outputs, score, self.lengths.as_deref()),
            Parts::Composed { outputs, keys, padding } => {
                let scores = match keys {
                    Keys::Product(keys) => keys.product(queries),
                    Keys::Sum(keys, value) => {
                        let [batch, time, width] = queries.dims();
                        let positions = keys.dims()[1];
                        let sums = queries.unsqueeze_dim::<4>(2) + keys.clone().unsqueeze_dim::<4>(1);
                        let flat = tanh(sums).reshape([batch * time * positions, width]);
                        value.product(flat).reshape([batch, time, positions])
                    }
                };
                let scores = match padding {
                    Some(padding) => {
                        let padding = padding.clone().expand(scores.dims());
                        scores.mask_fill(padding, -1e9)
                    }
                    None => scores,
                };
                let weights = softmax(scores, 2);
                (outputs.product(weights.clone()), weights)
            }
        }
    }

    /// The memory with these rows, in this order and with repetitions, for a separate loop: gradients do not flow back
    /// to this one.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let select = |tensor: &Tensor<3>| {
            let numbers: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
            tensor.clone().select(0, Tensor::<1, Int>::from_data(&numbers[..], &tensor.device()))
        };
        let score = match &self.score {
            Score::Additive { keys, value } => Score::Additive { keys: select(keys), value: value.clone() },
            dot => dot.clone(),
        };
        let lengths = self.lengths.as_ref().map(|lengths| rows.iter().map(|&row| lengths[row]).collect::<Vec<_>>());
        Self::new(select(&self.outputs), score, lengths.as_deref())
    }
}

/// What native code makes of queries `[B, T, F]`: the contexts and the weights.
#[cfg(feature = "native-cpu")]
fn native(
    queries: Tensor<3>,
    outputs: &Summed<3>,
    score: &NativeScore,
    lengths: Option<&[usize]>,
) -> (Tensor<3>, Tensor<3>) {
    let weights = cpu::Carried::default();
    let lengths = lengths.map(Into::into);
    let inputs = |summed: &Summed<3>| [summed.whole().into_dispatch(), summed.token().into_dispatch()];
    let [vectors, token] = inputs(outputs);
    let queries = queries.into_dispatch();
    let contexts = match score {
        NativeScore::Dot { scale } => {
            let attend = cpu::Dot { scale: *scale, lengths, weights: weights.clone(), outputs: outputs.ledger() };
            run(attend, [queries, vectors, token])
        }
        NativeScore::Additive { keys, value } => {
            let ledgers = [outputs.ledger(), keys.ledger(), value.ledger()];
            let attend = cpu::Additive { lengths, weights: weights.clone(), ledgers };
            let [keys, keys_token] = inputs(keys);
            let [value, value_token] = [value.whole().into_dispatch(), value.token().into_dispatch()];
            run(attend, [queries, vectors, token, keys, keys_token, value, value_token])
        }
    };
    let weights = run(cpu::Weights(weights), [contexts.clone()]);
    (Tensor::from_dispatch(contexts), Tensor::from_dispatch(weights))
}

/// Checks the sizes of a memory.
fn check(outputs: &Tensor<3>, score: &Score, lengths: Option<&[usize]>) {
    let [batch, positions, _] = outputs.dims();
    if let Score::Additive { keys, value } = score {
        let [rows, places, width] = keys.dims();
        assert!(
            [rows, places] == [batch, positions] && value.dims() == [width, 1],
            "`keys` must be [B, S, F] = [{batch}, {positions}, F] and `value` [F, 1], got {:?} and {:?}",
            keys.dims(),
            value.dims()
        );
    }
    let Some(lengths) = lengths else { return };
    assert!(lengths.len() == batch, "`lengths` must have one length per row, B = {batch}, got {}", lengths.len());
    for (row, &length) in lengths.iter().enumerate() {
        assert!((1..=positions).contains(&length), "`lengths[{row}]` must be in 1..=S = 1..={positions}, got {length}");
    }
}
