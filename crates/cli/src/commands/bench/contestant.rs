//! Who is timed: each does the same work at the same shape, a round at a time.

use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rekindle_models::char_lm::{CharLm, CharLmConfig};
use rekindle_models::decode::{Sampler, Sampling};
use rekindle_rnn::State;
use rekindle_train::clipping::Clip;
use rekindle_train::optimizer;
use rekindle_train::settings::TrainingSettings;

use super::captioner::Captioning;
use super::shape::{SYMBOLS, Shape, Work};
use super::translator::{Decoding, Translating};

/// One who does the work.
pub trait Contestant {
    /// Does the work of `steps` steps and gives the seconds that it took.
    fn round(&mut self, steps: usize) -> Result<f64>;
}

/// A language model over [`SYMBOLS`] symbols, one-hot input, that trains and writes.
pub trait LanguageModel: Module + Sized + 'static {
    /// The hidden state.
    type Carry: 'static;

    /// A model with weights drawn at random.
    fn init(shape: &Shape, device: &Device) -> Self;

    /// Mean cross-entropy `[1]` of `targets` after `tokens`, both `[B, T]`, and the state after them.
    fn loss(
        &self,
        tokens: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        carry: Option<Self::Carry>,
    ) -> (Tensor<1>, Self::Carry);

    /// Cuts the history of the state.
    fn detach(carry: Self::Carry) -> Self::Carry;

    /// Writes `count` symbols after the symbol 0.
    fn write(&self, count: usize, sampler: Sampler, device: &Device);
}

/// Rekindle at the work of `shape` on `device`.
pub fn rekindle(shape: &Shape, device: &Device) -> Box<dyn Contestant> {
    match shape.work {
        Work::Train | Work::Sample => language_model::<CharLm>(shape, device),
        Work::Translate => Box::new(Translating::new(shape, &device.clone().autodiff())),
        Work::Decode => Box::new(Decoding::new(shape, device)),
        Work::Caption => Box::new(Captioning::new(shape, &device.clone().autodiff())),
    }
}

/// `M` at the work of `shape`, which is a language model's.
pub fn language_model<M: LanguageModel>(shape: &Shape, device: &Device) -> Box<dyn Contestant> {
    if shape.work == Work::Train {
        return Box::new(Training::<M>::new(shape, &device.clone().autodiff()));
    }
    Box::new(Writing { model: M::init(shape, device), shape: *shape, device: device.clone() })
}

/// A model and what changes its weights, as the trainer does.
pub struct Learner<M: Module> {
    /// The optimizer takes the model and gives it back, so that it can write into the weights.
    model: Option<M>,
    optimizer: ModuleOptimizer,
    settings: TrainingSettings,
    device: Device,
}

impl<M: Module> Learner<M> {
    /// With the settings that a run has by default.
    pub fn new(model: M, device: &Device) -> Self {
        Self::with_settings(model, TrainingSettings::default(), device)
    }

    pub fn with_settings(model: M, settings: TrainingSettings, device: &Device) -> Self {
        Self { model: Some(model), optimizer: optimizer::build(&settings), settings, device: device.clone() }
    }

    /// A step down the gradient of the loss that `loss` gives, beside what is carried to the next.
    pub fn step<C>(&mut self, loss: impl FnOnce(&M) -> Result<(Tensor<1>, C)>) -> Result<C> {
        let model = self.model.take().expect("a step ends by giving the model back");
        let (loss, carry) = loss(&model)?;
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let clip = Clip { kind: self.settings.clip, at: self.settings.clip_at };
        let (gradients, _) = clip.apply(&model, gradients);
        self.model = Some(self.optimizer.step(self.settings.learning_rate, model, gradients));
        Ok(carry)
    }

    /// Waits until the device has done all steps.
    pub fn wait(&self) -> Result<()> {
        Ok(self.device.sync()?)
    }

    /// The seconds of `steps` steps, each from what the one before carried.
    pub fn timed<C>(
        &mut self,
        steps: usize,
        carry: &mut Option<C>,
        mut loss: impl FnMut(&M, Option<C>) -> (Tensor<1>, C),
    ) -> Result<f64> {
        let started = Instant::now();
        for _ in 0..steps {
            let before = carry.take();
            *carry = Some(self.step(|model| Ok(loss(model, before)))?);
        }
        self.wait()?;
        Ok(started.elapsed().as_secs_f64())
    }
}

/// Training steps of a language model.
struct Training<M: LanguageModel> {
    learner: Learner<M>,
    carry: Option<M::Carry>,
    tokens: Tensor<2, Int>,
    targets: Tensor<2, Int>,
}

impl<M: LanguageModel> Training<M> {
    fn new(shape: &Shape, device: &Device) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut symbols = || {
            let symbols: Vec<i32> = (0..shape.symbols(1)).map(|_| rng.random_range(0..SYMBOLS as i32)).collect();
            Tensor::from_data(TensorData::new(symbols, [shape.batch, shape.time]), device)
        };
        let learner = Learner::new(M::init(shape, device), device);
        Self { learner, carry: None, tokens: symbols(), targets: symbols() }
    }
}

impl<M: LanguageModel> Contestant for Training<M> {
    fn round(&mut self, steps: usize) -> Result<f64> {
        let Self { learner, carry, tokens, targets } = self;
        learner.timed(steps, carry, |model, carry| {
            let (loss, carry) = model.loss(tokens.clone(), targets.clone(), carry);
            (loss, M::detach(carry))
        })
    }
}

/// Writing symbol by symbol.
struct Writing<M> {
    model: M,
    shape: Shape,
    device: Device,
}

impl<M: LanguageModel> Contestant for Writing<M> {
    fn round(&mut self, steps: usize) -> Result<f64> {
        let sampler = Sampler::new(Sampling::default(), 1)?;
        let started = Instant::now();
        self.model.write(self.shape.symbols(steps), sampler, &self.device);
        Ok(started.elapsed().as_secs_f64())
    }
}

impl LanguageModel for CharLm {
    type Carry = State;

    fn init(shape: &Shape, device: &Device) -> Self {
        CharLmConfig::new(SYMBOLS, shape.hidden, shape.cell.cell())
            .with_num_layers(shape.layers)
            .init_with(&mut ChaCha8Rng::seed_from_u64(1), device)
    }

    fn loss(&self, tokens: Tensor<2, Int>, targets: Tensor<2, Int>, carry: Option<State>) -> (Tensor<1>, State) {
        self.loss(tokens, targets, carry)
    }

    fn detach(carry: State) -> State {
        carry.detach()
    }

    fn write(&self, count: usize, sampler: Sampler, _: &Device) {
        self.generate(&[0], None, sampler).take(count).for_each(drop);
    }
}
