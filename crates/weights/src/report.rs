//! What became of weights that were loaded into a module.

use std::fmt;

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

/// A line a name, for those that do not fit.
impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (missing, unused) = (self.missing.len(), self.unused.len());
        write!(f, "{} applied, {missing} missing, {unused} unused, ", self.applied.len())?;
        write!(f, "{} of another shape", self.wrong_shape.len())?;
        self.missing.iter().try_for_each(|name| write!(f, "\n  missing: {name}"))?;
        self.unused.iter().try_for_each(|name| write!(f, "\n  unused: {name}"))?;
        self.wrong_shape.iter().try_for_each(|WrongShape { name, wanted, found }| {
            write!(f, "\n  of another shape: {name} is {found:?}, wanted {wanted:?}")
        })
    }
}
