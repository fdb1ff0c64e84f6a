//! Writing text token by token, for `sample` and for the playground.

use rekindle_data::Decoder;
use rekindle_models::char_lm::{CharLm, Generator};
use rekindle_models::decode::{NothingToDraw, Sampler, Sampling, StopString};

use super::operations::{Writer, WritingSettings};
use crate::prelude::*;

/// A text that is being written.
pub(super) struct Writing<'t> {
    pub generator: Generator<'t>,
    decoder: Decoder<'t>,
    stop: StopString,
    left: usize,
    ended: bool,
}

/// A piece of text.
pub(super) struct Piece<'g> {
    /// Often that of one token; empty while a character or the text to stop before may follow.
    pub text: String,
    /// The token, and the log-probabilities up to a constant that it was drawn from; none for the text that was held
    /// back until the end.
    pub drawn: Option<(u32, Option<&'g [f32]>)>,
}

impl WritingSettings {
    /// Begins a text that continues the tokens `prime`, by all [`models`](Trained::models).
    ///
    /// # Errors
    ///
    /// When a setting is invalid.
    pub(super) fn begin<'t>(&self, trained: &'t Writer, prime: &[u32], seed: u64) -> Result<Writing<'t>, TaskError> {
        let Self { length, temperature, top_k, top_p, stop } = self;
        let sampling = Sampling { temperature: *temperature as f32, top_k: *top_k, top_p: top_p.map(|p| p as f32) };
        let sampler = Sampler::new(sampling, seed)?.forbid(trained.assets.unknown_id());
        Ok(Writing {
            generator: CharLm::generate_together(&trained.models(), prime, sampler),
            decoder: Decoder::new(&trained.assets),
            stop: StopString::new(stop.as_deref().unwrap_or_default()),
            left: *length,
            ended: false,
        })
    }
}

impl Writing<'_> {
    /// The next piece; none at the end.
    ///
    /// # Errors
    ///
    /// When the model has no distribution to draw from.
    pub fn piece(&mut self) -> Result<Option<Piece<'_>>, NothingToDraw> {
        if self.ended {
            return Ok(None);
        }
        if self.left == 0 || self.stop.stopped() {
            self.ended = true;
            let mut text = self.stop.push(&self.decoder.finish());
            text += &self.stop.clone().finish();
            return Ok(Some(Piece { text, drawn: None }));
        }
        self.left -= 1;
        let written = self.generator.advance()?;
        let text = self.stop.push(&self.decoder.push(written.token));
        Ok(Some(Piece { text, drawn: Some((written.token, written.logits)) }))
    }

    /// Whether the text ended before the text to stop before.
    pub fn stopped(&self) -> bool {
        self.stop.stopped()
    }
}
