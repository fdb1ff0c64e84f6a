//! Text generation, token by token.

use burn::module::Module as _;
use burn::tensor::{Device, Int, Tensor};
use rekindle_rnn::State;

use super::CharLm;
#[cfg(any(feature = "flex", feature = "ndarray"))]
use super::prepared::Prepared;
use crate::decode::{NothingToDraw, Sampler, mix_rows};
use crate::host::{DeviceError, ids, numbers, values};

/// An endless iterator over the tokens that continue a text, or over one error. See [`CharLm::generate`].
#[derive(Debug)]
pub struct Generator<'m> {
    /// One, or several that write together.
    readers: Vec<Reader<'m>>,
    sampler: Sampler,
    /// Tokens that the model has not read yet; the distribution after the last one gives the next token.
    unread: Vec<u32>,
    /// The random first token of a text without a prime, until it is returned.
    opening: Option<u32>,
    /// The log-probabilities of the last token, averaged over several models as probabilities.
    mixed: Vec<f32>,
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
    /// Tensor operations, and the log-probabilities that they gave last.
    General { model: &'m CharLm, device: Device, state: Option<State>, log_probs: Vec<f32> },
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
        Reader::General { model, device: model.devices().remove(0), state, log_probs: Vec::new() }
    }

    /// Reads these tokens; returns the logits `[V]` of the token after the last.
    fn read(&mut self, before: &[u32], last: u32) -> &[f32] {
        match self {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            // The logits are log-probabilities up to a constant, which does not matter to the sampler.
            Reader::Prepared(prepared) => prepared.read(before, last),
            Reader::General { model, device, state, log_probs } => {
                if !before.is_empty() {
                    let (_, after) = model.logits(tokens(before, device), state.take());
                    *state = Some(after);
                }
                let (found, after) = model.step(tokens(&[last], device).squeeze_dim(0), state.take());
                *state = Some(after);
                *log_probs = values(found);
                log_probs
            }
        }
    }

    /// Reads a token, after which no other is drawn.
    fn skip(&mut self, token: u32) {
        match self {
            #[cfg(any(feature = "flex", feature = "ndarray"))]
            Reader::Prepared(prepared) => _ = prepared.read(&[], token),
            Reader::General { model, device, state, .. } => {
                let (_, after) = model.step(tokens(&[token], device).squeeze_dim(0), state.take());
                *state = Some(after);
            }
        }
    }
}

impl<'m> Generator<'m> {
    pub(super) fn new(model: &'m CharLm, prime: &[u32], state: Option<State>, sampler: Sampler) -> Self {
        Self::with_readers(vec![Reader::new(model, state)], model.vocabulary_size(), prime, sampler)
    }

    pub(super) fn together(models: &[&'m CharLm], prime: &[u32], sampler: Sampler) -> Self {
        let readers = models.iter().map(|model| Reader::new(model, None)).collect();
        Self::with_readers(readers, models[0].vocabulary_size(), prime, sampler)
    }

    /// With tensor operations only, for comparison.
    #[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
    pub(super) fn general(model: &'m CharLm, prime: &[u32], state: Option<State>, sampler: Sampler) -> Self {
        Self::with_readers(vec![Reader::general(model, state)], model.vocabulary_size(), prime, sampler)
    }

    fn with_readers(readers: Vec<Reader<'m>>, vocabulary: usize, prime: &[u32], mut sampler: Sampler) -> Self {
        let opening = prime.is_empty().then(|| sampler.uniform(vocabulary));
        let unread = opening.map_or_else(|| prime.to_vec(), |symbol| vec![symbol]);
        Self { readers, sampler, unread, opening, mixed: Vec::new() }
    }

    /// The next token. Reads the tokens before it that it has not read, of which the last is the one that was returned
    /// last.
    ///
    /// # Errors
    ///
    /// When the model has no distribution to draw from.
    pub fn advance(&mut self) -> Result<Written<'_>, NothingToDraw> {
        if let Some(token) = self.opening.take() {
            return Ok(Written { token, logits: None });
        }
        let Self { readers, sampler, unread, mixed, .. } = self;
        let (&last, before) = unread.split_last().expect("there is always the symbol given out last to read");
        let all: Vec<&[f32]> = readers.iter_mut().map(|reader| reader.read(before, last)).collect();
        let logits = if let [logits] = all[..] {
            logits
        } else {
            mix_rows(&all, all[0].len(), mixed);
            mixed
        };
        let token = sampler.sample(logits)?;
        unread.clear();
        unread.push(token);
        Ok(Written { token, logits: Some(logits) })
    }

    /// Reads one token of the prime, unless only its last one is left, which [`advance`](Self::advance) reads. Says
    /// whether it did.
    pub fn read_prime(&mut self) -> bool {
        if self.opening.is_some() || self.unread.len() < 2 {
            return false;
        }
        let token = self.unread.remove(0);
        self.readers.iter_mut().for_each(|reader| reader.skip(token));
        true
    }

    /// The activation of a unit of the first model after the tokens that were read: of the cell state, or of the hidden
    /// state. None without such a unit, and before the first token was read with tensor operations.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn activation(&self, layer: usize, cell: bool, unit: usize) -> Result<Option<f32>, DeviceError> {
        match &self.readers[0] {
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
    type Item = Result<u32, NothingToDraw>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.advance().map(|written| written.token))
    }
}

/// A batch of one text, `[1, T]`.
fn tokens(symbols: &[u32], device: &Device) -> Tensor<2, Int> {
    ids(symbols.iter().copied(), device).unsqueeze_dim(0)
}
