//! Text by a model.

use rekindle_data::{Decoder, Vocabulary};
use rekindle_models::char_lm::CharLm;
use rekindle_models::decode::{Sampler, Sampling};

use crate::error::PageError;
use crate::settings::WritingSettings;

/// Continues the text `prime`; each piece is given to `written` as soon as it is there. Without a prime, the text
/// starts with a random token.
///
/// # Errors
///
/// When the model's vocabulary lacks a character of the prime, or a setting is invalid.
pub fn write(
    model: &CharLm,
    vocabulary: &Vocabulary,
    settings: &WritingSettings,
    prime: &str,
    mut written: impl FnMut(&str),
) -> Result<(), PageError> {
    let prime = &*vocabulary.unit().form(prime);
    let prime = match vocabulary.unknown_id() {
        Some(_) => vocabulary.encode_lossy(prime),
        None => vocabulary.encode(prime)?,
    };
    let sampling = Sampling { temperature: settings.temperature as f32, ..Sampling::default() };
    let sampler = Sampler::new(sampling, settings.seed as u64)?.forbid(vocabulary.unknown_id());
    let mut decoder = Decoder::new(vocabulary);
    for token in model.generate(&prime, None, sampler).take(settings.length) {
        written(&decoder.push(token?));
    }
    written(&decoder.finish());
    Ok(())
}
