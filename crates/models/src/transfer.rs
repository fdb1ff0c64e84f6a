//! Why the weights of one model cannot be another's start.

/// A model whose weights do not fit the one that is to start from them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// A parameter has another shape.
    #[error("{parameter} is {wanted:?} here and {found:?} there: cell, layers, hidden and embedding must be the same")]
    Shape {
        /// Its path in the model.
        parameter: String,
        /// The shape in the model that starts.
        wanted: Vec<usize>,
        /// The shape in the model that it starts from.
        found: Vec<usize>,
    },
    /// A parameter is not there.
    #[error("{parameter} is not there: cell, layers, hidden, embedding and tied must be the same")]
    Missing {
        /// Its path in the model.
        parameter: String,
    },
}
