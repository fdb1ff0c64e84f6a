//! What became of weights that were loaded into a module.

use std::fmt;

use crate::error::first;

/// What became of weights and parameters, by their PyTorch names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Parameters that have their weights.
    pub applied: Vec<String>,
    /// Parameters without weights.
    pub missing: Vec<String>,
    /// Weights without a parameter.
    pub unused: Vec<String>,
    /// Weights of another shape than their parameter.
    pub wrong_shape: Vec<WrongShape>,
}

/// Weights of another shape than their parameter.
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
    /// Whether every parameter has its weights, and no weights are left.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unused.is_empty() && self.wrong_shape.is_empty()
    }
}

/// How many names are shown of each kind that does not fit.
const SHOWN: usize = 5;

/// A line a name, for the first few that do not fit.
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
