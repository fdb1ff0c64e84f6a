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
use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use rand::Rng;
use rekindle_kernels::matmul::matmul;
use rekindle_kernels::pointwise::tanh;
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

/// Encoder outputs prepared for attention, independently of the decoder's states, which may come one by one. Each
/// matrix that every step multiplies by is a [`Repeated`].
#[derive(Clone, Debug)]
pub struct Memory {
    /// The encoder's outputs, `[B, S, F]`.
    outputs: Repeated<3>,
    /// `W`; none for dot attention.
    query: Option<Repeated<2>>,
    keys: Keys,
    /// Padding mask, `[B, 1, S]`, true at padding.
    padding: Option<Tensor<3, Bool>>,
}

/// Attention keys.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one of it in a batch; the sizes are those of the backends")]
enum Keys {
    /// For a product: `s_s / √F`, `[B, F, S]`.
    Product(Repeated<3>),
    /// For a sum: `U s_s`, `[B, S, F]`, and `v`, `[F, 1]`.
    Sum(Tensor<3>, Repeated<2>),
}

impl Memory {
    /// The encoder's outputs, `[B, S, F]`.
    pub fn outputs(&self) -> Tensor<3> {
        self.outputs.matrix()
    }

    /// The contexts `c` `[B, T, F]` and the weights `a` `[B, T, S]` of the decoder's states `[B, T, H]`.
    pub fn attend(&self, states: Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        let queries = match &self.query {
            Some(weight) => product(states, |rows| weight.product(rows)),
            None => states,
        };
        let scores = match &self.keys {
            Keys::Product(keys) => keys.product(queries),
            Keys::Sum(keys, value) => {
                let [batch, time, width] = queries.dims();
                let positions = keys.dims()[1];
                let sums = queries.unsqueeze_dim::<4>(2) + keys.clone().unsqueeze_dim::<4>(1);
                let flat = tanh(sums).reshape([batch * time * positions, width]);
                value.product(flat).reshape([batch, time, positions])
            }
        };
        let scores = match &self.padding {
            Some(padding) => {
                let padding = padding.clone().expand(scores.dims());
                scores.mask_fill(padding, -1e9)
            }
            None => scores,
        };
        let weights = softmax(scores, 2);
        (self.outputs.product(weights.clone()), weights)
    }

    /// Selects rows of the batch, for a separate loop: gradients do not flow back to this memory.
    pub fn select_rows(self, rows: Tensor<1, Int>) -> Self {
        let select = |repeated: Repeated<3>| Repeated::new(repeated.matrix().select(0, rows.clone()));
        Self {
            outputs: select(self.outputs),
            query: self.query,
            keys: match self.keys {
                Keys::Product(keys) => Keys::Product(select(keys)),
                Keys::Sum(keys, value) => Keys::Sum(keys.select(0, rows.clone()), value),
            },
            padding: self.padding.map(|padding| padding.select(0, rows)),
        }
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

    /// Prepares the encoder's `outputs` `[B, S, F]`; the mask `padding` `[B, S]`, if any, is true at padding.
    pub fn memory(&self, outputs: Tensor<3>, padding: Option<Tensor<2, Bool>>) -> Memory {
        let keys = match &self.units {
            Some(units) => Keys::Sum(
                product(outputs.clone(), |rows| matmul(rows, units.key.val())),
                Repeated::new(units.value.val()),
            ),
            None => {
                let scale = 1.0 / (outputs.dims()[2] as f64).sqrt();
                Keys::Product(Repeated::new(outputs.clone().swap_dims(1, 2) * scale))
            }
        };
        Memory {
            outputs: Repeated::new(outputs),
            query: self.query.as_ref().map(|weight| Repeated::new(weight.val())),
            keys,
            padding: padding.map(|padding| padding.unsqueeze_dim(1)),
        }
    }
}

/// Padding mask `[B, T]` of sequences of these lengths, padded to `T`.
pub(crate) fn padding(lengths: &[usize], time: usize, device: &Device) -> Tensor<2, Bool> {
    let padding: Vec<bool> = lengths.iter().flat_map(|&length| (0..time).map(move |t| t >= length)).collect();
    Tensor::from_data(TensorData::new(padding, [lengths.len(), time]), device)
}

/// Multiplies `rows` `[B, T, I]` by a matrix, as one product: `[B, T, O]`.
fn product(rows: Tensor<3>, times: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Tensor<3> {
    let [batch, time, features] = rows.dims();
    times(rows.reshape([batch * time, features])).reshape([batch as i64, time as i64, -1])
}
