//! Training a model of the zoo with Burn's own `Learner`.
//!
//! A model is one thing and what it is trained for another: a [`Loss`] says what a batch is and how wrong the model is about
//! it, and [`WithLoss`] is the model that `Learner` takes.
//!
//! `Learner` hands a model one batch at a time and nothing from the batch before: every row starts from a hidden state of
//! zeros. For state that is carried along a text or a clip, use `rekindle-train`.

use std::fmt::Debug;

use burn::backend::ExecutionError;
use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;
use burn_train::metric::{Adaptor, LossInput};
use burn_train::{InferenceStep, ItemLazy, TrainOutput, TrainStep};

/// What a model `M` is trained for.
pub trait Loss<M>: Clone + Debug + Send + 'static {
    /// What the data loader makes.
    type Batch: Send + 'static;

    /// What metrics read: Burn's `SequenceOutput` or `ClassificationOutput`, say, or [`LossOnly`].
    type Output: ItemLazy + 'static;

    /// The loss `[1]` of a batch, and what metrics read of it.
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
    /// The model, to be trained for `loss`.
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

/// The loss `[1]` and nothing beside it, for Burn's `LossMetric`.
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
