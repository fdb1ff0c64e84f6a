//! Versions of ONNX's operators.

use std::fmt;
use std::str::FromStr;

use crate::OnnxError;

/// A version of ONNX's operator set, which fixes the operators and their attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Opset(u32);

impl Opset {
    /// The oldest that is written: earlier ones have the axes of `Squeeze` as an attribute.
    pub const OLDEST: u32 = 13;

    /// The newest that is written.
    pub const NEWEST: u32 = 21;

    /// From here on, axes of all reductions are inputs, and `Split` has the number of its outputs.
    const AXES_AS_INPUTS: u32 = 18;

    /// The operator set `version`.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Opset`] when it is not in [`OLDEST`](Self::OLDEST)`..=`[`NEWEST`](Self::NEWEST).
    pub fn new(version: u32) -> Result<Self, OnnxError> {
        if (Self::OLDEST..=Self::NEWEST).contains(&version) {
            Ok(Self(version))
        } else {
            Err(OnnxError::Opset { found: version.to_string() })
        }
    }

    /// Its number.
    pub fn version(self) -> u32 {
        self.0
    }

    pub(crate) fn has_axes_as_inputs(self) -> bool {
        self.0 >= Self::AXES_AS_INPUTS
    }

    /// The version of the file format that came with it.
    pub(crate) fn file_format(self) -> i64 {
        match self.0 {
            ..=14 => 7,
            15..=18 => 8,
            19..=20 => 9,
            _ => 10,
        }
    }
}

/// 17, which every runtime of the last years reads.
impl Default for Opset {
    fn default() -> Self {
        Self(17)
    }
}

impl fmt::Display for Opset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Opset {
    type Err = OnnxError;

    fn from_str(text: &str) -> Result<Self, OnnxError> {
        let version = text.parse().map_err(|_| OnnxError::Opset { found: text.to_owned() })?;
        Self::new(version)
    }
}
