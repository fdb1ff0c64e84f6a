//! Starting from the weights of another model.

use super::Classifier;
use crate::TransferError;

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
        let (cell, there) = (self.recurrent.cell(), source.recurrent.cell());
        if cell != there {
            return Err(TransferError::Missing { parameter: format!("the cell {cell}") });
        }
        let (wanted, found) = (self.shape(), source.shape());
        if wanted != found {
            let parameter = "[layers, directions, embedding, hidden]".to_owned();
            return Err(TransferError::Shape { parameter, wanted, found });
        }
        let [_, width] = source.embedding.dims();
        let table = source.embedding.val().into_data().convert::<f32>().try_to_vec::<f32>().expect("converted to f32");
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

    fn shape(&self) -> Vec<usize> {
        let recurrent = &self.recurrent;
        let directions = recurrent.output_size() / recurrent.hidden_size();
        vec![recurrent.layers.len(), directions, recurrent.input_size(), recurrent.hidden_size()]
    }
}
