//! Initialising a translator with the weights of another, or its decoder with those of a language model.

use super::Translator;
use crate::TransferError;
use crate::char_lm::{CharLm, Output};
use crate::host::values;
use crate::transfer::{embeddings_of, same_cell, with_forward, with_rows, with_weights_of};

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

    /// This model with a language model of the target language as its decoder: Ramachandran et al. 2017 (arXiv
    /// 1611.02683). Whether the output layer was taken too. Both must be on one device.
    ///
    /// `known[v]` is the id in `source` of the target token `v`; a token without one keeps its present weights. The
    /// embeddings and the recurrent layers are taken, and the output layer if its width is that of the embeddings. With
    /// input feeding, the decoder does not read the previous output at first: these columns are zeros. Tied embeddings
    /// are divided by the factor by which they are multiplied when read.
    ///
    /// # Errors
    ///
    /// When `source` has no embeddings, or cell, layers, hidden size or width of the embeddings differ.
    ///
    /// # Panics
    ///
    /// When `known` has an id outside of `source`.
    pub fn with_language_model(
        mut self,
        source: &CharLm,
        known: &[Option<u32>],
    ) -> Result<(Self, bool), TransferError> {
        let here = self.target_embedding.dims()[1];
        let table = values(embeddings_of(source, here)?);
        self.decoder = with_forward(self.decoder, &source.recurrent)?;
        let factor = if self.output.is_none() { 1.0 / (here as f32).sqrt() } else { 1.0 };
        self.target_embedding = with_rows(self.target_embedding, &table, known, factor);
        let (weight, bias) = match &source.output {
            // Burn's layers have a column for each token.
            Output::Own(layer) if layer.weight.dims()[0] == here => {
                (values(layer.weight.val().transpose()), layer.bias.as_ref())
            }
            Output::Own(_) => return Ok((self, false)),
            Output::Tied(bias) => (table, Some(bias)),
        };
        let Some(output) = self.output.take() else { return Ok((self, false)) };
        self.output = Some(with_rows(output, &weight, known, 1.0));
        if let Some(bias) = bias {
            self.output_bias = with_rows(self.output_bias, &values(bias.val()), known, 1.0);
        }
        Ok((self, true))
    }
}
