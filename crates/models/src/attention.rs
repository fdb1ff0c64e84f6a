//! Attention: a weighted sum of encoder outputs for each step of a decoder.
//!
//! ```text
//! dot        e_ts = h_t · s_s / √F
//! general    e_ts = h_tᵀ W s_s / √F                   Luong et al. 2015 (arXiv 1508.04025)
//! additive   e_ts = vᵀ tanh(W h_t + U s_s)            Bahdanau et al. 2015 (arXiv 1409.0473)
//! a_t = softmax over the valid s of e_t,  c_t = Σ_s a_ts s_s
//! ```
//!
//! `h_t` are the decoder's states and `s_s` the encoder's outputs, of width `F`. The division by `√F` is from Vaswani
//! et al. 2017 (arXiv 1706.03762). `W` could learn it, but a step of Adam moves all elements of `W` alike, and so the
//! score by about `F` times as much: without the division, a few steps lead to weights of 1 and 0, through which no
//! gradient passes.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rekindle_kernels::attention::{self, Score};
use rekindle_kernels::layout::contiguous;
use rekindle_kernels::matmul::matmul;
use rekindle_kernels::unrolled::Repeated;
use rekindle_settings::names;

names! {
    /// The scores of attention, from a decoder's state and the encoder's outputs.
    #[derive(Default)]
    pub enum AttentionKind {
        /// No attention: only the first state depends on the input.
        None = "none",
        /// A dot product; both must have the same width.
        Dot = "dot",
        /// A bilinear form.
        #[default]
        General = "general",
        /// A layer of tanh units, as many as the encoder's outputs are wide.
        Additive = "additive",
    }
}

/// Attention parameters; see the [module](self). Dot attention has none.
#[derive(Module, Debug)]
pub struct Attention {
    /// `W`, `[H, F]` for decoder states of width `H` and encoder outputs of width `F`; none for dot attention.
    pub query: Option<Param<Tensor<2>>>,
    /// The parameters that only additive attention has.
    pub units: Option<Additive>,
}

/// The parameters that only additive attention has, with `F` units.
#[derive(Module, Debug)]
pub struct Additive {
    /// `U`, `[F, F]`.
    pub key: Param<Tensor<2>>,
    /// `v`, `[F, 1]`.
    pub value: Param<Tensor<2>>,
}

/// Encoder outputs prepared for attention, independently of the decoder's states, which may come one by one: what
/// every step multiplies by is prepared once.
#[derive(Clone, Debug)]
pub struct Memory {
    /// `W`; none for dot attention.
    query: Option<Repeated<2>>,
    outputs: attention::Memory,
}

impl Memory {
    /// The encoder's outputs, `[B, S, F]`.
    pub fn outputs(&self) -> Tensor<3> {
        self.outputs.outputs()
    }

    /// The contexts `c` `[B, T, F]` and the weights `a` `[B, T, S]` of the decoder's states `[B, T, H]`.
    pub fn attend(&self, states: Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        let queries = match &self.query {
            Some(weight) => product(states, |rows| weight.product(rows)),
            None => states,
        };
        self.outputs.attend(queries)
    }

    /// Selects rows of the batch, for a separate loop: gradients do not flow back to this memory.
    pub fn select_rows(self, rows: &[usize]) -> Self {
        Self { outputs: self.outputs.select_rows(rows), query: self.query }
    }
}

impl Attention {
    /// Weights drawn from `rng`, for decoder states of width `query` and encoder outputs of width `key`; none for
    /// [`AttentionKind::None`].
    ///
    /// # Panics
    ///
    /// When the widths differ for [`AttentionKind::Dot`].
    pub fn init(kind: AttentionKind, query: usize, key: usize, rng: &mut impl Rng, device: &Device) -> Option<Self> {
        let mut matrix = |rows, columns| crate::init::matrix(rows, columns, rng, device);
        match kind {
            AttentionKind::None => None,
            AttentionKind::Dot => {
                assert!(
                    query == key,
                    "dot attention needs decoder states ({query}) as wide as the encoder's outputs ({key})"
                );
                Some(Self { query: None, units: None })
            }
            AttentionKind::General => Some(Self { query: Some(matrix(query, key)), units: None }),
            AttentionKind::Additive => {
                let [query, units, value] = [matrix(query, key), matrix(key, key), matrix(key, 1)];
                Some(Self { query: Some(query), units: Some(Additive { key: units, value }) })
            }
        }
    }

    /// Prepares the encoder's `outputs` `[B, S, F]`, of which the first `lengths[b]` of row `b` are valid; all without
    /// lengths.
    ///
    /// # Panics
    ///
    /// When there is not a length for each row, or one is not in `1..=S`.
    pub fn memory(&self, outputs: Tensor<3>, lengths: Option<&[usize]>) -> Memory {
        let score = match &self.units {
            Some(units) => Score::Additive {
                keys: product(outputs.clone(), |rows| matmul(rows, units.key.val())),
                value: units.value.val(),
            },
            None => Score::Dot { scale: 1.0 / (outputs.dims()[2] as f64).sqrt() },
        };
        Memory {
            query: self.query.as_ref().map(|weight| Repeated::new(weight.val())),
            outputs: attention::Memory::new(outputs, score, lengths),
        }
    }
}

/// Multiplies `rows` `[B, T, I]` by a matrix, as one product: `[B, T, O]`.
fn product(rows: Tensor<3>, times: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Tensor<3> {
    let [batch, time, features] = rows.dims();
    times(contiguous(rows).reshape([batch * time, features])).reshape([batch as i64, time as i64, -1])
}
