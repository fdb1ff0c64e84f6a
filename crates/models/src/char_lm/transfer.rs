//! Initialising a model with the weights of another.

use rekindle_weights::{StateDict, WeightTensor};

use super::CharLm;
use crate::TransferError;
use crate::transfer::{loaded, same_cell, same_shape};

impl CharLm {
    /// This model with the weights of `source`.
    ///
    /// `known[v]` is the id in `source` of this model's token `v`; a token without one keeps its present weights.
    ///
    /// # Errors
    ///
    /// When the models differ in more than their vocabularies.
    ///
    /// # Panics
    ///
    /// When `known` does not have an entry for every token, or has an id outside of `source`.
    pub fn with_weights_of(self, source: &CharLm, known: &[Option<u32>]) -> Result<CharLm, TransferError> {
        assert_eq!(known.len(), self.vocabulary_size, "known must have an entry for every symbol of this model");
        same_cell(Some(&self.recurrent), Some(&source.recurrent))?;
        let missing = |parameter| TransferError::Missing { parameter };
        let mut there = source.state_dict();
        let mut weights = self.state_dict();
        for (name, here) in &mut weights {
            let source = there.remove(name).ok_or_else(|| missing(name.clone()))?;
            *here = match self.symbol_dimension(name) {
                Some(dimension) => with_symbols(name, here, &source, dimension, known)?,
                None => {
                    same_shape(name, here.shape().to_vec(), source.shape().to_vec())?;
                    source
                }
            };
        }
        if let Some((name, _)) = there.pop_first() {
            return Err(missing(name));
        }
        Ok(loaded(self, &weights))
    }

    /// Which dimension of a parameter is the vocabulary.
    fn symbol_dimension(&self, name: &str) -> Option<usize> {
        match name {
            "embedding.weight" | "output.weight" | "output.bias" => Some(0),
            "rnn.weight_ih_l0" if self.embedding.is_none() => Some(1),
            _ => None,
        }
    }
}

/// `here` with the weights of `there` for the known tokens.
fn with_symbols(
    name: &str,
    here: &WeightTensor,
    there: &WeightTensor,
    dimension: usize,
    known: &[Option<u32>],
) -> Result<WeightTensor, TransferError> {
    let (wanted, mut found) = (here.shape().to_vec(), there.shape().to_vec());
    let symbols = std::mem::replace(&mut found[dimension], wanted[dimension]);
    same_shape(name, wanted.clone(), found)?;
    // Viewed as [outer, vocabulary, inner], whichever dimension is the vocabulary.
    let inner: usize = wanted[dimension + 1..].iter().product();
    let outer: usize = wanted[..dimension].iter().product();
    let mut values = here.values().to_vec();
    for o in 0..outer {
        for (here, number) in known.iter().enumerate().filter_map(|(v, u)| Some((v, (*u)? as usize))) {
            let (from, to) = ((o * symbols + number) * inner, (o * wanted[dimension] + here) * inner);
            values[to..to + inner].copy_from_slice(&there.values()[from..from + inner]);
        }
    }
    Ok(WeightTensor::new(wanted, values).expect("the shape has not changed"))
}
