//! Starting from the weights of another model.

use burn::module::Module;
use rekindle_rnn::Recurrent;

use super::FrameTagger;
use crate::TransferError;

impl FrameTagger {
    /// This model with the weights of `source`, on whose device it must be; the output layer stays as it is without
    /// `same_classes`.
    ///
    /// # Errors
    ///
    /// When the models differ in more than their classes.
    pub fn with_weights_of(self, source: &Self, same_classes: bool) -> Result<Self, TransferError> {
        let cell = |model: &Self| model.recurrent.as_ref().map(|recurrent| recurrent.cell());
        if cell(&self) != cell(source) {
            return Err(TransferError::Missing { parameter: "the cell".to_owned() });
        }
        if self.feedback && !same_classes {
            return Err(TransferError::Missing {
                parameter: "the weights for what was said of the frame before".to_owned(),
            });
        }
        let (wanted, found) = (self.shape(), source.shape());
        if wanted != found {
            let parameter = "[parameters, encoder, input, layers, hidden]".to_owned();
            return Err(TransferError::Shape { parameter, wanted, found });
        }
        let output = if same_classes { source.output.clone() } else { self.output.clone() };
        Ok(Self { encoder: source.encoder.clone(), recurrent: source.recurrent.clone(), output, ..self })
    }

    fn shape(&self) -> Vec<usize> {
        let recurrent = self.recurrent.as_ref();
        let layers = recurrent.map_or(0, |recurrent| recurrent.layers.len());
        let input = recurrent.map_or(0, Recurrent::input_size);
        let [features, _] = self.output.weight.dims();
        let hidden = recurrent.map_or(0, |recurrent| recurrent.hidden_size());
        vec![self.encoder.num_params(), features, input, layers, hidden]
    }
}
