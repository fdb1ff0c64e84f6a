//! The language model benchmarks: training, and sampling token by token.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::char_lm::{CharLm, CharLmSettings};
use rekindle_models::decode::{Sampler, Sampling};
use rekindle_rnn::State;

use crate::contestant::{Contestant, timed, training};
use crate::shape::{SYMBOLS, Shape, Work};
use crate::tokens::sequences;

/// Tokens `[B, T]`.
pub(crate) type Tokens = Tensor<2, Int>;

/// A language model with a vocabulary of [`SYMBOLS`] and one-hot input.
pub(crate) trait LanguageModel: Module + Sized + 'static {
    /// The hidden state.
    type Carry: Send + 'static;

    /// A model with random weights.
    fn init(shape: &Shape, device: &Device) -> Self;

    /// Mean cross-entropy `[1]` of `targets`, which follow `tokens`, and the final state, detached.
    fn loss(&self, tokens: Tokens, targets: Tokens, carry: Option<Self::Carry>) -> (Tensor<1>, Self::Carry);

    /// Samples `count` tokens after the token 0.
    fn sample(&self, count: usize, sampler: Sampler);
}

/// `M` in the benchmark `shape`: training, with the hidden state carried from step to step, or
/// sampling.
pub(crate) fn language_model<M: LanguageModel>(shape: &Shape, device: &Device) -> Contestant<'static> {
    let shape = *shape;
    if shape.work == Work::Train {
        let device = device.clone().autodiff();
        let mut rows = sequences(2 * shape.batch, shape.time, 0..SYMBOLS as u32);
        let targets = rows.split_off(shape.batch);
        let tensor = |rows: Vec<_>| TensorData::new(rows.concat(), [shape.batch, shape.time]);
        let [tokens, targets] = [rows, targets].map(|rows| Tensor::from_data(tensor(rows), &device));
        return training(M::init(&shape, &device), &device, move |model, carry| {
            model.loss(tokens.clone(), targets.clone(), carry)
        });
    }
    let model = M::init(&shape, device);
    timed(move |steps| {
        let sampler = Sampler::new(Sampling::default(), 1).expect("the default settings are in range");
        model.sample(shape.tokens(steps), sampler);
        Ok(())
    })
}

impl LanguageModel for CharLm {
    type Carry = State;

    fn init(shape: &Shape, device: &Device) -> Self {
        let settings = CharLmSettings { recurrent: shape.recurrent(0.0), embedding: 0, ..CharLmSettings::default() };
        settings.init_with(SYMBOLS, &mut ChaCha8Rng::seed_from_u64(1), device)
    }

    fn loss(&self, tokens: Tokens, targets: Tokens, carry: Option<State>) -> (Tensor<1>, State) {
        let (loss, carry) = self.loss(tokens, targets, carry);
        (loss, carry.detach())
    }

    fn sample(&self, count: usize, sampler: Sampler) {
        self.generate(&[0], None, sampler)
            .take(count)
            .for_each(|token| _ = token.expect("a new model has a distribution"));
    }
}
