//! Binarisation: from grey levels to black and white.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::names::named;

/// The binarisation of grey levels. Bounds in nats are comparable only if it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binarization {
    /// 1 with the probability of the grey level, sampled again each epoch (Salakhutdinov and Murray 2008).
    Stochastic,
    /// 1 for grey levels of 128 or more.
    Threshold,
    /// No binarisation: the grey level, from 0 to 1.
    None,
}

impl Binarization {
    /// The model's input for a grey level.
    pub(super) fn apply(self, grey: u8, rng: &mut ChaCha8Rng) -> f32 {
        match self {
            // A grey level g of 255 is 1 with probability g / 255, so 0 and 255 are certain.
            Self::Stochastic => f32::from(u8::from(rng.random_range(0..u8::MAX) < grey)),
            Self::Threshold | Self::None => self.mean(grey) as f32,
        }
    }

    /// The mean of the model's input for a grey level.
    pub(super) fn mean(self, grey: u8) -> f64 {
        match self {
            Self::Threshold => f64::from(u8::from(grey >= 128)),
            Self::Stochastic | Self::None => f64::from(grey) / f64::from(u8::MAX),
        }
    }
}

named!(Binarization { Stochastic => "stochastic", Threshold => "threshold", None => "none" });
