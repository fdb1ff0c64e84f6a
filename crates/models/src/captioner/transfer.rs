//! Initialising a model with the weights of another.

use super::Captioner;
use crate::TransferError;
use crate::transfer::{same_cell, with_weights_of};

impl Captioner {
    /// This model, with its own dropout and other settings of training, and the weights of `source`. If `source` has no
    /// image encoder, this model's keeps its weights.
    ///
    /// # Errors
    ///
    /// When the models differ in cell, sizes, attention or vocabulary, or only `source` has an image encoder.
    pub fn with_weights_of(mut self, source: &Self) -> Result<Self, TransferError> {
        same_cell(Some(&self.recurrent), Some(&source.recurrent))?;
        let kept = self.encoder.take_if(|_| source.encoder.is_none());
        let model = with_weights_of(self, source)?;
        Ok(Self { encoder: kept.or(model.encoder), ..model })
    }
}
