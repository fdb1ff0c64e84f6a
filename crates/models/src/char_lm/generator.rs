//! Continuing a text symbol by symbol.

use burn::module::Module as _;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rekindle_rnn::State;

use super::CharLm;
use crate::decode::Sampler;

/// An endless iterator over the symbols that continue a text. See [`CharLm::generate`].
#[derive(Debug)]
pub struct Generator<'m> {
    model: &'m CharLm,
    device: Device,
    sampler: Sampler,
    state: Option<State>,
    /// The symbols that the model has still to read; the last one's distribution gives the next symbol.
    unread: Vec<u32>,
    /// Whether the first symbol of a text without a beginning has still to be given out.
    opening: Option<u32>,
}

impl<'m> Generator<'m> {
    pub(super) fn new(model: &'m CharLm, prime: &[u32], state: Option<State>, mut sampler: Sampler) -> Self {
        let device = model.devices().remove(0);
        let opening = prime.is_empty().then(|| sampler.uniform(model.vocabulary_size()));
        let unread = opening.map_or_else(|| prime.to_vec(), |symbol| vec![symbol]);
        Self { model, device, sampler, state, unread, opening }
    }
}

impl Iterator for Generator<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if let Some(symbol) = self.opening.take() {
            return Some(symbol);
        }
        let (&last, before) = self.unread.split_last().expect("there is always the symbol given out last to read");
        if !before.is_empty() {
            let (_, state) = self.model.logits(tokens(before, &self.device), self.state.take());
            self.state = Some(state);
        }
        let (log_probs, state) = self.model.step(tokens(&[last], &self.device).squeeze_dim(0), self.state.take());
        self.state = Some(state);
        let log_probs = log_probs.into_data().convert::<f32>();
        let symbol = self.sampler.sample(log_probs.as_slice().expect("converted to f32"));
        self.unread.clear();
        self.unread.push(symbol);
        Some(symbol)
    }
}

/// `[1, T]`
fn tokens(symbols: &[u32], device: &Device) -> Tensor<2, Int> {
    let symbols: Vec<i64> = symbols.iter().map(|&s| i64::from(s)).collect();
    let time = symbols.len();
    Tensor::from_data(TensorData::new(symbols, [1, time]), device)
}
