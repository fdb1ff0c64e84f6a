//! A run as the page shows it: what its folder says at this moment.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rekindle_train::TrainError;
use rekindle_train::registry::{self, Registered, recurrence};
use rekindle_train::rekindle_settings::Table;
use rekindle_train::run::{BestFigures, Followed, RunFolder, checkpoint};
use serde::Serialize;

use super::error::sentence;
use super::folders::{Folders, Found};

/// The largest `config.toml` that is read, in bytes.
const LARGEST_CONFIG: u64 = 1 << 20;

/// What a run is doing, or what is wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RunState {
    /// It was found and is about to be read.
    #[default]
    Reading,
    Training,
    Finished,
    Stopped,
    /// It has no figures yet.
    New,
    /// It is being created, or its creation was interrupted.
    Unfinished,
    Damaged,
    #[serde(rename = "other version")]
    OtherVersion,
    #[serde(rename = "unknown task")]
    UnknownTask,
}

/// A run in the list of runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Run {
    pub id: String,
    pub name: String,
    pub path: String,
    pub task: String,
    pub model: String,
    pub state: RunState,
    /// What is wrong, and what to do.
    pub problem: Option<String>,
    pub parameters: Option<usize>,
    pub steps: u64,
    pub total_steps: Option<u64>,
    pub epoch: f64,
    pub seconds: Option<f64>,
    pub best: Option<BestFigures>,
    /// For each figure, which is better: `lower` or `higher`; unknown for most figures of runs of version 0.1.
    pub better: BTreeMap<String, &'static str>,
    /// Seconds since 1970.
    pub modified: u64,
}

/// How long a run trains.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Limits {
    steps: Option<u64>,
    epochs: Option<u64>,
    patience: Option<u64>,
}

impl Limits {
    fn of(config: &Table) -> Self {
        let number = |key: &str| Some(config.get("training")?.get(key)?.as_integer()?.max(0) as u64);
        Self { steps: number("steps"), epochs: number("epochs"), patience: number("patience") }
    }

    /// The steps of the whole run; of epochs, from the steps that were done in some of them.
    fn total(self, steps: u64, epoch: f64) -> Option<u64> {
        let in_epochs = || Some((steps as f64 * self.epochs? as f64 / epoch).round() as u64).filter(|_| epoch > 0.0);
        self.steps.or_else(in_epochs)
    }
}

/// What is known of a run, beside its figures.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Length and time of `config.toml` when it was read.
    stamp: Option<(u64, SystemTime)>,
    limits: Limits,
    task: String,
    model: String,
    wrong: Option<(RunState, String)>,
    /// The newest checkpoint, and the parameters in it.
    checkpoint: Option<u64>,
    parameters: Option<usize>,
}

impl Facts {
    /// Reads what changed in the folder of a run; none if the run is gone.
    pub fn update(
        &mut self,
        found: &Found,
        folders: &Folders,
        tasks: &[&dyn Registered],
        figures: &mut Followed,
    ) -> Option<Run> {
        let run = RunFolder::at(&found.path);
        let config = run.config_path();
        let metadata = fs::symlink_metadata(&config).ok()?;
        let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
        if self.stamp != Some((metadata.len(), modified)) {
            *self = Self { stamp: Some((metadata.len(), modified)), ..Self::default() };
            self.wrong = self.read(&run, &config, folders, tasks).err();
        }
        let mut wrong = self.wrong.clone();
        // Nothing of a folder that is not read counts.
        if !matches!(&wrong, Some((RunState::Damaged, _))) {
            wrong = wrong.or_else(|| follow(&run, folders, figures).err());
            self.look_for_checkpoints(&run, folders);
        }
        let steps = figures.steps.max(self.checkpoint.unwrap_or(0));
        let total_steps = self.limits.total(figures.steps, figures.epoch);
        let out_of_patience = self.limits.patience.is_some_and(|patience| figures.fruitless >= patience.max(1));
        let changed = fs::metadata(run.metrics_path()).and_then(|file| file.modified()).unwrap_or(modified);
        let state = match &wrong {
            Some((state, _)) => *state,
            None if run.is_in_training() => RunState::Training,
            None if steps == 0 => RunState::New,
            None if total_steps.is_some_and(|total| steps >= total) || out_of_patience => RunState::Finished,
            None => RunState::Stopped,
        };
        let names = figures.evaluations.keys().filter(|name| *name == "loss" || !figures.higher.is_empty());
        let better = |name: &String| if figures.higher.contains(name) { "higher" } else { "lower" };
        Some(Run {
            id: found.id.clone(),
            name: found.name.clone(),
            path: found.path.display().to_string(),
            task: self.task.clone(),
            model: self.model.clone(),
            state,
            problem: wrong.map(|(_, sentence)| sentence),
            parameters: self.parameters,
            steps,
            total_steps,
            epoch: figures.epoch,
            seconds: figures.seconds,
            best: figures.best.clone(),
            better: names.map(|name| (name.clone(), better(name))).collect(),
            modified: changed.max(modified).duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        })
    }

    /// Reads `config.toml`.
    fn read(
        &mut self,
        run: &RunFolder,
        config: &Path,
        folders: &Folders,
        tasks: &[&dyn Registered],
    ) -> Result<(), (RunState, String)> {
        let damaged = |sentence: String| (RunState::Damaged, sentence);
        if !folders.hold_file(config) {
            let path = config.display();
            return Err(damaged(format!("{path} is not a file in the folders of this page: it is not read")));
        }
        if fs::metadata(config).is_ok_and(|file| file.len() > LARGEST_CONFIG) {
            return Err(damaged(format!("{} is too large for the settings of a run", config.display())));
        }
        let table = run.config().map_err(|error| damaged(sentence(&error)))?;
        self.limits = Limits::of(&table);
        self.model = recurrence(&table);
        self.task = table.get("task").and_then(|task| task.as_str()).unwrap_or_default().to_owned();
        match registry::of_run(tasks, run) {
            Ok(_) => Ok(()),
            Err(error) => {
                let state = match &error {
                    TrainError::NewerFormat { .. } => RunState::OtherVersion,
                    TrainError::UnknownTask { .. } => RunState::UnknownTask,
                    TrainError::Unfinished { .. } => RunState::Unfinished,
                    _ => RunState::Damaged,
                };
                Err((state, sentence(&error)))
            }
        }
    }

    fn look_for_checkpoints(&mut self, run: &RunFolder, folders: &Folders) {
        if !folders.hold(&run.checkpoints()) {
            return;
        }
        let newest = checkpoint::steps(run).ok().and_then(|mut steps| steps.pop());
        if newest != self.checkpoint || self.parameters.is_none() {
            self.checkpoint = newest;
            self.parameters = newest.and_then(|_| checkpoint::parameters(run)).or(self.parameters);
        }
    }
}

/// Reads the figures that were added.
fn follow(run: &RunFolder, folders: &Folders, figures: &mut Followed) -> Result<(), (RunState, String)> {
    let path = run.metrics_path();
    if fs::symlink_metadata(&path).is_ok() && !folders.hold_file(&path) {
        let sentence = format!("{} is not a file in the folders of this page: it is not read", path.display());
        return Err((RunState::Damaged, sentence));
    }
    figures.update(run).map(drop).map_err(|error| (RunState::Damaged, sentence(&error)))
}
