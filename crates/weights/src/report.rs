//! The report of loading weights into a module.

use std::fmt;

use crate::error::first;

/// Loaded and mismatched weights and parameters, by their PyTorch names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Parameters whose weights were loaded.
    pub applied: Vec<String>,
    /// Parameters without weights.
    pub missing: Vec<String>,
    /// Weights without a parameter.
    pub unused: Vec<String>,
    /// Weights whose shape differs from their parameter's.
    pub wrong_shape: Vec<WrongShape>,
}

/// Weights whose shape differs from their parameter's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongShape {
    /// Their name.
    pub name: String,
    /// The shape of the parameter.
    pub wanted: Vec<usize>,
    /// The shape of the weights.
    pub found: Vec<usize>,
}

impl LoadReport {
    /// Whether every parameter has its weights, and no weights are left over.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unused.is_empty() && self.wrong_shape.is_empty()
    }
}

/// Most names shown of each kind of mismatch.
const SHOWN: usize = 5;

/// A line per name, for the first few mismatches.
impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { applied, missing, unused, wrong_shape } = self;
        let [applied, lacking, left] = [applied, missing, unused].map(Vec::len);
        write!(f, "{applied} applied, {lacking} missing, {left} unused, {} of another shape", wrong_shape.len())?;
        let of_shape = |WrongShape { name, wanted, found }: &WrongShape| {
            format!("of another shape: {name} is {found:?}, wanted {wanted:?}")
        };
        f.write_str(&first(SHOWN, missing.iter().map(|name| format!("missing: {name}"))))?;
        f.write_str(&first(SHOWN, unused.iter().map(|name| format!("unused: {name}"))))?;
        f.write_str(&first(SHOWN, wrong_shape.iter().map(of_shape)))
    }
}
