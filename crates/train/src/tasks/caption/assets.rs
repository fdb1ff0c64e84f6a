//! The assets of a captioner.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use rekindle_data::parallel::WordVocabulary;
use rekindle_rnn::blank;
use rekindle_weights::{StateDict, Strictness, WeightFile, save_safetensors};

use super::error::CaptionError;
use super::features::FrozenEncoder;
use super::settings::CaptionModelSettings;
use crate::prelude::*;

const VOCABULARY: &str = "vocab.json";
const ENCODER: &str = "encoder.safetensors";

/// Tokens that are never generated.
pub(super) const NEVER: [u32; 2] = [WordVocabulary::PAD, WordVocabulary::UNKNOWN];

/// The assets of a captioner.
#[derive(Debug)]
pub struct CaptionAssets {
    /// The vocabulary.
    pub vocabulary: WordVocabulary,
    /// The image encoder, if it is frozen. A trained one is part of the model.
    pub encoder: Option<StoredEncoder>,
}

/// A frozen image encoder in the folder of a run. It is read on first use, once.
#[derive(Debug)]
pub struct StoredEncoder {
    file: PathBuf,
    encoder: OnceLock<FrozenEncoder>,
}

impl CaptionAssets {
    /// The image encoder, if `model` has a frozen one.
    ///
    /// # Errors
    ///
    /// When its weights are missing, or do not fit `model`.
    pub(crate) fn frozen(&self, model: &CaptionModelSettings, device: &Device) -> Result<Option<&FrozenEncoder>, TaskError> {
        if model.encoder.trains_encoder() {
            return Ok(None);
        }
        let StoredEncoder { file, encoder } = self.encoder.as_ref().ok_or(CaptionError::NoEncoder)?;
        if let Some(encoder) = encoder.get() {
            return Ok(Some(encoder));
        }
        let encoder_of_file = blank(|| model.encoder.config().init_with(&mut seeded(0), device));
        let (read, _) = encoder_of_file.load_state_dict(WeightFile::open(file)?.tensors(), Strictness::Strict)?;
        Ok(Some(encoder.get_or_init(|| FrozenEncoder::new(read, model, device))))
    }
}

impl From<FrozenEncoder> for StoredEncoder {
    fn from(encoder: FrozenEncoder) -> Self {
        Self { file: PathBuf::new(), encoder: encoder.into() }
    }
}

impl Assets for CaptionAssets {
    fn save(&self, to: &mut AssetWriter<'_>) -> Result<(), TaskError> {
        to.write_json(VOCABULARY, &self.vocabulary)?;
        let Some(StoredEncoder { file, encoder }) = &self.encoder else { return Ok(()) };
        to.write_with(ENCODER, |path| match encoder.get() {
            Some(frozen) => Ok(save_safetensors(path, &frozen.encoder.state_dict(), &Default::default())?),
            None => Ok::<_, TaskError>(fs::copy(file, path).map(drop)?),
        })
    }

    fn load(from: &AssetReader) -> Result<Self, TaskError> {
        let frozen = from.names().iter().any(|name| name == ENCODER);
        let file = frozen.then(|| from.checked(ENCODER)).transpose()?;
        let encoder = file.map(|file| StoredEncoder { file, encoder: OnceLock::new() });
        Ok(Self { vocabulary: from.json(VOCABULARY)?, encoder })
    }
}
