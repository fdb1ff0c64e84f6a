//! Initialising a model with the weights of another.

use burn::module::Module;

use super::FrameTagger;
use crate::TransferError;
use crate::transfer::{same_shape, same_stack};

impl FrameTagger {
    /// This model with the weights of `source`. Both must be on one device. The output layer is copied only with
    /// `same_classes`.
    ///
    /// # Errors
    ///
    /// When the models differ in more than their classes.
    pub fn with_weights_of(self, source: &Self, same_classes: bool) -> Result<Self, TransferError> {
        same_stack(self.recurrent.as_ref(), source.recurrent.as_ref())?;
        if self.feedback && !same_classes {
            return Err(TransferError::Missing { parameter: "the feedback weights of these classes".to_owned() });
        }
        let sizes = |model: &Self| {
            let head = model.head.iter().flat_map(|layer| layer.weight.dims());
            let encoder = model.encoder.as_ref().map_or(0, Module::num_params);
            [encoder].into_iter().chain(head).chain([model.output.weight.dims()[0]]).collect()
        };
        let what = "[parameters of the encoder, layers of the head, input of the output layer]";
        same_shape(what, sizes(&self), sizes(source))?;
        let output = if same_classes { source.output.clone() } else { self.output.clone() };
        let recurrent = self.recurrent.zip(source.recurrent.as_ref()).map(|(here, there)| here.with_weights_of(there));
        Ok(Self { encoder: source.encoder.clone(), head: source.head.clone(), recurrent, output, ..self })
    }
}
