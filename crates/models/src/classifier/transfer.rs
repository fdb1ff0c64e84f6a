//! Starting from the weights of another model.

use super::Classifier;
use crate::TransferError;
use crate::host::values;
use crate::transfer::same_stack;

impl Classifier {
    /// This model with the weights of `source`, on whose device it must be.
    ///
    /// `known[v]` is the number that `source` gives to this model's word `v`; a word without one keeps the vector that it has
    /// here. The output layer and the pool's weights are taken with `same_classes`, and stay as they are without.
    ///
    /// # Errors
    ///
    /// When the models differ in more than their words, classes and pools.
    ///
    /// # Panics
    ///
    /// When `known` has a number that `source` does not have.
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
        model.recurrent = source.recurrent.clone();
        if same_classes && model.pool.kind() == source.pool.kind() {
            model.output = source.output.clone();
            model.pool = source.pool.clone();
        }
        Ok(model)
    }
}
