//! A model that has been trained, with all that it needs to draw and to be judged.

use std::fs;

use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::draw::Draw;
use serde::{Deserialize, Serialize};

use super::DrawSettings;
use crate::error::TrainError;
use crate::run::RunFolder;
use crate::run::checkpoint::{self, Progress, Which};

/// What an image of the run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageShape {
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// In pixels.
    pub height: usize,
    /// In pixels.
    pub width: usize,
}

impl ImageShape {
    /// Writes `images.json` into the folder of a run.
    pub(super) fn save(self, run: &RunFolder) -> Result<(), TrainError> {
        let text = serde_json::to_string_pretty(&self).expect("three numbers are JSON");
        fs::write(run.images(), text).map_err(TrainError::io("write", run.images()))
    }

    /// Reads `images.json` of a run.
    ///
    /// # Errors
    ///
    /// When the file is missing or damaged.
    pub fn load(run: &RunFolder) -> Result<Self, TrainError> {
        let path = run.images();
        let text = fs::read_to_string(&path).map_err(TrainError::io("read", &path))?;
        let shape: Self = serde_json::from_str(&text)
            .map_err(|e| TrainError::Malformed { path: path.clone(), reason: e.to_string() })?;
        let sides = [shape.height, shape.width].iter().all(|side| (1..=4096).contains(side));
        if !sides || ![1, 3].contains(&shape.channels) {
            return Err(TrainError::Malformed { path, reason: format!("{shape:?} is no shape of an image") });
        }
        Ok(shape)
    }
}

/// The model of a run of `draw`.
#[derive(Debug)]
pub struct TrainedDraw {
    /// The weights of a checkpoint.
    pub model: Draw,
    /// The images that it draws.
    pub shape: ImageShape,
    /// What the run was told.
    pub settings: DrawSettings,
    /// Where the run stood.
    pub progress: Progress,
    /// Checkpoints that were passed over, each with what is wrong with it.
    pub rejected: Vec<String>,
}

impl TrainedDraw {
    /// Reads the model of `run` onto `device`.
    ///
    /// # Errors
    ///
    /// When the run is of another task, or a file of it is missing or damaged.
    pub fn open(run: &RunFolder, which: Which, device: &Device) -> Result<Self, TrainError> {
        let settings: DrawSettings = run.settings()?;
        settings.validate()?;
        let shape = ImageShape::load(run)?;
        settings.model.validate_for(shape.height.min(shape.width))?;
        let checkpoint = checkpoint::load(run, which)?;
        // Every weight is read from the checkpoint; those drawn here are thrown away.
        let blank = settings.model.config(shape).init_with(&mut ChaCha8Rng::seed_from_u64(0), device);
        Ok(Self {
            model: checkpoint.model(blank)?,
            shape,
            settings,
            progress: checkpoint.progress,
            rejected: checkpoint.rejected,
        })
    }
}
