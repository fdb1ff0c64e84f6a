//! Training a model of this crate with Burn's own `Learner`.
//!
//! A model is separate from its training objective: a [`Loss`] defines the batch and the loss, and [`WithLoss`] is the
//! model that `Learner` takes.
//!
//! `Learner` carries no state from one batch to the next: every row starts from a hidden state of zeros. To carry
//! state along a text or a clip, use `rekindle-train`.

use std::fmt::Debug;

use burn::backend::ExecutionError;
use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;
use burn_train::metric::{Adaptor, LossInput};
use burn_train::{InferenceStep, ItemLazy, TrainOutput, TrainStep};

/// A training objective for a model `M`.
pub trait Loss<M>: Clone + Debug + Send + 'static {
    /// The data loader's batch.
    type Batch: Send + 'static;

    /// The input of the metrics: Burn's `SequenceOutput` or `ClassificationOutput`, for instance, or [`LossOnly`].
    type Output: ItemLazy + 'static;

    /// The loss `[1]` of a batch, and the input of the metrics.
    fn loss(&self, model: &M, batch: Self::Batch) -> (Tensor<1>, Self::Output);
}

/// A model for Burn's `Learner`.
#[derive(Module, Debug)]
pub struct WithLoss<M: Module, L: Clone + Debug + Send> {
    /// The model.
    pub model: M,
    #[module(skip)]
    loss: L,
}

impl<M: Module + ModuleDisplay, L: Loss<M>> WithLoss<M, L> {
    /// A model to be trained with `loss`.
    pub fn new(model: M, loss: L) -> Self {
        Self { model, loss }
    }
}

impl<M: Module + ModuleDisplay, L: Loss<M>> TrainStep for WithLoss<M, L> {
    type Input = L::Batch;
    type Output = L::Output;

    fn step(&self, batch: L::Batch) -> TrainOutput<L::Output> {
        let (loss, output) = self.loss.loss(&self.model, batch);
        TrainOutput::new(self, loss.backward(), output)
    }
}

impl<M: Module + ModuleDisplay, L: Loss<M>> InferenceStep for WithLoss<M, L> {
    type Input = L::Batch;
    type Output = L::Output;

    fn step(&self, batch: L::Batch) -> L::Output {
        self.loss.loss(&self.model, batch).1
    }
}

/// The loss `[1]` alone, for Burn's `LossMetric`.
#[derive(Clone, Debug)]
pub struct LossOnly(pub Tensor<1>);

impl ItemLazy for LossOnly {
    fn sync(self) -> Result<Self, ExecutionError> {
        self.0.device().flush()?;
        Ok(Self(self.0.without_autodiff()))
    }
}

impl Adaptor<LossInput> for LossOnly {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.0.clone())
    }
}
