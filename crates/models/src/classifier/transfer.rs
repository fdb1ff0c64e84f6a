//! Initialising a model with the weights of another.

use burn::tensor::Tensor;

use super::Classifier;
use crate::TransferError;
use crate::char_lm::CharLm;
use crate::host::values;
use crate::transfer::{embeddings_of, same_stack, with_forward, with_rows};

impl Classifier {
    /// This model with the weights of `source`. Both must be on one device.
    ///
    /// `known[v]` is the id in `source` of this model's word `v`; a word without one keeps its present embedding. The
    /// output layer and the pool's parameters are copied only with `same_classes`.
    ///
    /// # Errors
    ///
    /// When the models differ in more than their vocabularies, classes and pools.
    ///
    /// # Panics
    ///
    /// When `known` has an id outside of `source`.
    pub fn with_weights_of(
        self,
        source: &Self,
        known: &[Option<u32>],
        same_classes: bool,
    ) -> Result<Self, TransferError> {
        same_stack(Some(&self.recurrent), Some(&source.recurrent))?;
        let mut model = self.with_vectors_of(source.embedding.val(), known);
        model.recurrent = model.recurrent.with_weights_of(&source.recurrent);
        if same_classes && model.pool.kind() == source.pool.kind() {
            model.output = source.output.clone();
            model.pool = source.pool.clone();
        }
        Ok(model)
    }

    /// This model with the embeddings and the recurrent layers of a language model: Howard and Ruder 2018 (ULMFiT,
    /// arXiv 1801.06146). Both must be on one device.
    ///
    /// `known[v]` is the id in `source` of this model's word `v`; a word without one keeps its present embedding. The
    /// recurrent layers become the forward direction. A reverse direction keeps its present weights, and the forward
    /// direction of the layer above it does not read it at first: these columns are zeros.
    ///
    /// # Errors
    ///
    /// When `source` has no embeddings, or cell, layers, hidden size or width of the embeddings differ.
    ///
    /// # Panics
    ///
    /// When `known` has an id outside of `source`.
    pub fn with_language_model(self, source: &CharLm, known: &[Option<u32>]) -> Result<Self, TransferError> {
        let table = embeddings_of(source, self.embedding.dims()[1])?;
        let mut model = self.with_vectors_of(table, known);
        model.recurrent = with_forward(model.recurrent, &source.recurrent)?;
        Ok(model)
    }

    /// This model with rows of `table` as the embeddings of its words: row `known[v]` for word `v`.
    fn with_vectors_of(self, table: Tensor<2>, known: &[Option<u32>]) -> Self {
        Self { embedding: with_rows(self.embedding, &values(table), known, 1.0), ..self }
    }
}
