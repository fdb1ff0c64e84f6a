//! The weights of a run of any task.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use rekindle_train::run::checkpoint::Which;
use rekindle_train::run::{RunFolder, RunSettings};
use rekindle_train::tasks::caption::CaptionSettings;
use rekindle_train::tasks::chars::CharsSettings;
use rekindle_train::tasks::draw::DrawSettings;
use rekindle_train::tasks::frames::FramesSettings;
use rekindle_train::tasks::sentiment::SentimentSettings;
use rekindle_train::tasks::translate::TranslateSettings;
use rekindle_weights::{StateDict, WeightTensor};
use serde_json::Value;

use crate::commands::{open_captioner, open_chars, open_draw, open_frames, open_sentiment, open_translator};
use crate::options::DeviceOptions;

/// The weights of a run by their PyTorch names, with what tells how to use them.
pub struct RunWeights {
    pub task: String,
    /// Step of the checkpoint.
    pub step: u64,
    /// The model's settings, as in `config.toml`.
    pub model: Value,
    pub tensors: BTreeMap<String, WeightTensor>,
}

/// Reads the weights of `run` onto the host.
pub fn open(run: &RunFolder, which: Which) -> Result<RunWeights> {
    // Nothing is computed, so that no graphics processor need be started.
    let device = DeviceOptions { backend: host_backend(), threads: None };
    let task = run.head()?.task;
    let (step, model, tensors) = match task.as_str() {
        CaptionSettings::TASK => {
            let trained = open_captioner(run, which, &device)?;
            (trained.progress.step, serde_json::to_value(&trained.settings.model), trained.model.state_dict())
        }
        CharsSettings::TASK => {
            let (trained, _) = open_chars(run, which, &device)?;
            (trained.progress.step, serde_json::to_value(&trained.settings.model), trained.model.state_dict())
        }
        DrawSettings::TASK => {
            let trained = open_draw(run, which, &device)?;
            (trained.progress.step, serde_json::to_value(&trained.settings.model), trained.model.state_dict())
        }
        FramesSettings::TASK => {
            let (trained, _) = open_frames(run, which, &device)?;
            (trained.progress.step, serde_json::to_value(&trained.settings.model), trained.model.state_dict())
        }
        SentimentSettings::TASK => {
            let (trained, _) = open_sentiment(run, which, &device)?;
            (trained.progress.step, serde_json::to_value(&trained.settings.model), trained.model.state_dict())
        }
        TranslateSettings::TASK => {
            let trained = open_translator(run, which, &device)?;
            (trained.progress.step, serde_json::to_value(&trained.settings.model), trained.model.state_dict())
        }
        other => bail!("{}: {}", run.path().display(), super::no_such_task(other)),
    };
    Ok(RunWeights { task, step, model: model.context("settings can be written as JSON")?, tensors })
}

/// A CPU backend, if one is compiled in.
fn host_backend() -> Option<String> {
    let mut backends = crate::backend::backends().into_iter();
    backends.find(|backend| backend.compiled() && !backend.gpu).map(|backend| backend.name.to_owned())
}
