//! From grey levels to black and white.

use std::fmt;
use std::str::FromStr;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How a grey level becomes what a model is given. Bounds in nats compare only where it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binarization {
    /// 1 with the probability of the grey level, drawn anew each epoch (Salakhutdinov and Murray 2008).
    Stochastic,
    /// 1 from grey level 128 on.
    Threshold,
    /// Not at all: the grey level, from 0 to 1.
    None,
}

impl Binarization {
    const NAMES: [(Self, &str); 3] =
        [(Self::Stochastic, "stochastic"), (Self::Threshold, "threshold"), (Self::None, "none")];

    /// What a model is given for a grey level.
    pub(super) fn apply(self, grey: u8, rng: &mut ChaCha8Rng) -> f32 {
        match self {
            // A grey level g of 255 is 1 with probability g / 255, so 0 and 255 are certain.
            Self::Stochastic => f32::from(u8::from(rng.random_range(0..u8::MAX) < grey)),
            Self::Threshold => f32::from(u8::from(grey >= 128)),
            Self::None => f32::from(grey) / f32::from(u8::MAX),
        }
    }
}

impl fmt::Display for Binarization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::NAMES.iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for Binarization {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::NAMES.iter().find(|(_, known)| *known == name);
        found.map(|(kind, _)| *kind).ok_or_else(|| "possible values: stochastic, threshold, none".to_owned())
    }
}
