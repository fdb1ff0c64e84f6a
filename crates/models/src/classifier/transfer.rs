//! Initialising a model with the weights of another.

use super::Classifier;
use crate::TransferError;
use crate::host::values;
use crate::transfer::same_stack;

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
        let [_, width] = source.embedding.dims();
        let table = values(source.embedding.val());
        let row = |id: u32| table[id as usize * width..][..width].to_vec();
        let vectors: Vec<_> = (0..).zip(known).filter_map(|(v, &there)| Some((v, row(there?)))).collect();
        let mut model = self.with_vectors(&vectors);
        model.recurrent = model.recurrent.with_weights_of(&source.recurrent);
        if same_classes && model.pool.kind() == source.pool.kind() {
            model.output = source.output.clone();
            model.pool = source.pool.clone();
        }
        Ok(model)
    }
}
