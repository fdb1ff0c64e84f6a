//! Text generation, token by token.

use burn::module::Module as _;
use burn::tensor::{Device, Int, Tensor};
use rekindle_rnn::State;

use super::CharLm;
#[cfg(any(feature = "flex", feature = "ndarray"))]
use super::prepared::Prepared;
use crate::decode::Sampler;
use crate::host::{DeviceError, ids, numbers, values};

/// An endless iterator over the tokens that continue a text. See [`CharLm::generate`].
#[derive(Debug)]
pub struct Generator<'m> {
    reader: Reader<'m>,
    sampler: Sampler,
    /// Tokens that the model has not read yet; the distribution after the last one gives the next token.
    unread: Vec<u32>,
    /// The random first token of a text without a prime, until it is returned.
    opening: Option<u32>,
    /// The log-probabilities of the last token, from tensor operations.
    log_probs: Vec<f32>,
}

/// A token with what it was drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Written<'g> {
    /// The token.
    pub token: u32,
    /// `[V]`: log-probabilities up to a constant; none for a random first token.
    pub logits: Option<&'g [f32]>,
}

/// The model and its state.
#[derive(Debug)]
enum Reader<'m> {
    /// Native code, if it covers the model and its device.
    #[cfg(any(feature = "flex", feature = "ndarray"))]
    Prepared(Box<Prepared>),
    /// Tensor operations.
    General { model: &'m CharLm, device: Device, state: Option<State> },
}

impl<'m> Reader<'m> {
    fn new(model: &'m CharLm, state: Option<State>) -> Self {
        #[cfg(any(feature = "flex", feature = "ndarray"))]
        if let Some(prepared) = Prepared::new(model, state.as_ref()) {
            return Reader::Prepared(Box::new(prepared));
        }
        Self::general(model, state)
    }

    fn general(model: &'m CharLm, state: Option<State>) -> Self {
        Reader::General { model, device: model.devices().remove(0), state }
    }
}

impl<'m> Generator<'m> {
    pub(super) fn new(model: &'m CharLm, prime: &[u32], state: Option<State>, sampler: Sampler) -> Self {
        Self::with_reader(Reader::new(model, state), model.vocabulary_size(), prime, sampler)
    }

    /// With tensor operations only, for comparison.
    #[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
    pub(super) fn general(model: &'m CharLm, prime: &[u32], state: Option<State>, sampler: Sampler) -> Self {
        Self::with_reader(Reader::general(model, state), model.vocabulary_size(), prime, sampler)
    }

    fn with_reader(reader: Reader<'m>, vocabulary: usize, prime: &[u32], mut sampler: Sampler) -> Self {
        let opening = prime.is_empty().then(|| sampler.uniform(vocabulary));
        let unread = opening.map_or_else(|| prime.to_vec(), |symbol| vec![symbol]);
        Self { reader, sampler, unread, opening, log_probs: Vec::new() }
    }

    /// The next token. Reads the tokens before it that it has not read, of which the last is the one that was returned
    /// last.
    pub fn advance(&mut self) -> Written<'_> {
        if let Some(token) = self.opening.take() {
            return Written { token, logits: None };
        }
        let (&last, before) = self.unread.split_last().expect("there is always the symbol given out last to read");
        let logits = match &mut self.reader {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            // The logits are log-probabilities up to a constant, which does not matter to the sampler.
            Reader::Prepared(prepared) => prepared.read(before, last),
            Reader::General { model, device, state } => {
                if !before.is_empty() {
                    let (_, after) = model.logits(tokens(before, device), state.take());
                    *state = Some(after);
                }
                let (log_probs, after) = model.step(tokens(&[last], device).squeeze_dim(0), state.take());
                *state = Some(after);
                self.log_probs = values(log_probs);
                &self.log_probs
            }
        };
        let token = self.sampler.sample(logits);
        self.unread.clear();
        self.unread.push(token);
        Written { token, logits: Some(logits) }
    }

    /// Reads one token of the prime, unless only its last one is left, which [`advance`](Self::advance) reads. Says
    /// whether it did.
    pub fn read_prime(&mut self) -> bool {
        if self.opening.is_some() || self.unread.len() < 2 {
            return false;
        }
        let token = self.unread.remove(0);
        match &mut self.reader {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            Reader::Prepared(prepared) => _ = prepared.read(&[], token),
            Reader::General { model, device, state } => {
                let (_, after) = model.step(tokens(&[token], device).squeeze_dim(0), state.take());
                *state = Some(after);
            }
        }
        true
    }

    /// The activation of a unit after the tokens that were read: of the cell state, or of the hidden state. None without
    /// such a unit, and before the first token was read with tensor operations.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn activation(&self, layer: usize, cell: bool, unit: usize) -> Result<Option<f32>, DeviceError> {
        match &self.reader {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            Reader::Prepared(prepared) => Ok(prepared.activation(layer, cell, unit)),
            Reader::General { state, .. } => {
                let layer = state.as_ref().and_then(|state| state.layers.get(layer));
                let values = layer.and_then(|layer| if cell { layer.cell.clone() } else { Some(layer.hidden.clone()) });
                Ok(values.map(numbers).transpose()?.and_then(|values| values.get(unit).copied()))
            }
        }
    }
}

impl Iterator for Generator<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        Some(self.advance().token)
    }
}

/// A batch of one text, `[1, T]`.
fn tokens(symbols: &[u32], device: &Device) -> Tensor<2, Int> {
    ids(symbols.iter().copied(), device).unsqueeze_dim(0)
}
