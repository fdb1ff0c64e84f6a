//! The variational bound on the log-likelihood of an image, in nats (section 2.2 of the paper).
//!
//! ```text
//! L^x = -log D(x | c_T)                                      reconstruction loss of the last canvas
//! L^z = Σ_t KL(Q(z_t | h^enc_t) ‖ N(0, I))
//! KL  = ½ Σ_i (μ_i² + σ_i² - log σ_i² - 1)                   over the Z numbers of z_t, exact
//! -log p(x) ≤ L = L^x + L^z                                  on average over the noise
//! ```
//!
//! The paper writes the constant of the KL as `T/2`; it is `TZ/2`, one half for each number.
//!
//! With `K` samples the bound is tighter (Burda, Grosse and Salakhutdinov 2016, arXiv 1509.00519):
//! `log p(x) ≥ E log 1/K Σ_k w_k` with `log w = log D(x | c_T) + Σ_t log P(z_t) - log Q(z_t | h^enc_t)`.

use burn::tensor::Tensor;
use burn::tensor::activation::{log_sigmoid, sigmoid};
use serde::{Deserialize, Serialize};

/// The distribution of a pixel, given the canvas `c_T`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Likelihood {
    /// 1 with probability `σ(c)`: for binarised images.
    Bernoulli,
    /// `N(σ(c), s²)` with this standard deviation `s`: for grey levels and colours.
    Gaussian {
        /// `s`
        deviation: f64,
    },
}

impl Likelihood {
    /// `-log D(x | c)` `[B]` of images `[B, D]` under canvases `[B, D]`.
    pub fn loss(self, images: Tensor<2>, canvas: Tensor<2>) -> Tensor<1> {
        let losses = match self {
            // log σ(c) where x is 1, log σ(-c) = log σ(c) - c where it is 0; neither overflows.
            Self::Bernoulli => (images.neg() + 1.0) * canvas.clone() - log_sigmoid(canvas),
            Self::Gaussian { deviation } => {
                let distance = images - sigmoid(canvas);
                let constant = deviation.ln() + 0.5 * std::f64::consts::TAU.ln();
                distance.clone() * distance / (2.0 * deviation * deviation) + constant
            }
        };
        losses.sum_dim(1).squeeze_dim(1)
    }
}

/// The bound on each image of a batch, in nats.
#[derive(Clone, Debug)]
pub struct Bound {
    /// `[B]`: `L^x`.
    pub reconstruction: Tensor<1>,
    /// `[T, B]`: the KL of every step.
    pub kl: Tensor<2>,
    /// `[B]`: `Σ_t log P(z_t) - log Q(z_t | h^enc_t)` of the latents drawn.
    pub log_ratio: Tensor<1>,
}

impl Bound {
    /// `[B]`: `L`.
    pub fn total(&self) -> Tensor<1> {
        self.reconstruction.clone() + self.kl.clone().sum_dim(0).squeeze_dim(0)
    }

    /// `[B]`: `log w`, the logarithm of an importance weight.
    pub fn log_weight(&self) -> Tensor<1> {
        self.log_ratio.clone() - self.reconstruction.clone()
    }
}

/// `log P(z) - log Q(z)` `[B]` for `z = μ + σ ε`: the constants of the two normal densities cancel.
pub(super) fn log_ratio(latent: Tensor<2>, noise: Tensor<2>, log_variance: Tensor<2>) -> Tensor<1> {
    let each = noise.clone() * noise + log_variance - latent.clone() * latent;
    each.sum_dim(1).squeeze_dim(1) * 0.5
}
