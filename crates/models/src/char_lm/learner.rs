//! Training a [`CharLm`] with Burn's own `Learner`.
//!
//! `Learner` hands a model one batch at a time and nothing from the batch before: every row starts from a hidden state of
//! zeros. For state that is carried along a text, use `rekindle-train`.

use burn::tensor::{Int, Tensor};
use burn_train::{InferenceStep, SequenceOutput, TrainOutput, TrainStep};

use super::CharLm;

/// Rows of text, and what follows each of their symbols.
#[derive(Clone, Debug)]
pub struct TextBatch {
    /// `[B, T]`.
    pub inputs: Tensor<2, Int>,
    /// `[B, T]`: the inputs, one symbol on.
    pub targets: Tensor<2, Int>,
}

impl TrainStep for CharLm {
    type Input = TextBatch;
    type Output = SequenceOutput;

    fn step(&self, batch: TextBatch) -> TrainOutput<SequenceOutput> {
        let output = InferenceStep::step(self, batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for CharLm {
    type Input = TextBatch;
    type Output = SequenceOutput;

    fn step(&self, batch: TextBatch) -> SequenceOutput {
        let [rows, time] = batch.targets.dims();
        let (log_probs, _) = self.forward(batch.inputs, None);
        let loss = log_probs.clone().gather(2, batch.targets.clone().reshape([rows, time, 1])).mean().neg();
        SequenceOutput::new(loss, log_probs, None, batch.targets)
    }
}
