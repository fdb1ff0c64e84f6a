//! Initialising a model with the weights of another.

use super::Translator;
use crate::TransferError;
use crate::transfer::{same_cell, with_weights_of};

impl Translator {
    /// This model, with its own dropout and other settings of training, and the weights of `source`.
    ///
    /// # Errors
    ///
    /// When the models differ in cell, sizes, attention or vocabularies.
    pub fn with_weights_of(self, source: &Self) -> Result<Self, TransferError> {
        same_cell(Some(&self.decoder), Some(&source.decoder))?;
        with_weights_of(self, source)
    }
}
