//! How much each word contributes to the predicted class.

use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use rekindle_rnn::SequenceInput;

use super::Classifier;
use crate::host::values;

/// The explanation of a prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Log-probabilities of the classes.
    pub log_probs: Vec<f32>,
    /// The most probable class.
    pub class: usize,
    /// How much each word speaks for the class (above 0) or against it (below 0), in nats to first order.
    pub contributions: Vec<f32>,
}

impl Classifier {
    /// Explains the class of the text `tokens` `[1, T]` by gradient times input: the contribution of word `t` is
    /// `x_t · ∂m/∂x_t`, where `m` is the logit of the class less the mean logit of all classes. Dropout is off. Denil
    /// et al. 2014 (arXiv 1412.6815).
    ///
    /// # Panics
    ///
    /// When there is not exactly one text, or the model is not on a device with autodiff.
    pub fn explain(&self, tokens: Tensor<2, Int>) -> Explanation {
        let [texts, time] = tokens.dims();
        assert_eq!(texts, 1, "one text is explained at a time");
        let model = self.clone().freeze();
        let [_, width] = model.embedding.dims();
        let rows = model.embedding.val().select(0, tokens.reshape([time])).detach();
        let rows = rows.reshape([time, 1, width]).require_grad();
        let (scores, _) = model.scores(SequenceInput::Dense(rows.clone()), &[time]);
        let log_probs = values(log_softmax(scores.clone(), 1));
        let class = (0..log_probs.len()).max_by(|&a, &b| log_probs[a].total_cmp(&log_probs[b])).unwrap_or(0);
        let margin = scores.clone().narrow(1, class, 1).sum() - scores.mean();
        let gradient = rows.grad(&margin.backward()).expect("the rows are what the gradient was asked for");
        let contributions = values((rows.inner() * gradient).sum_dim(2));
        Explanation { log_probs, class, contributions }
    }
}
