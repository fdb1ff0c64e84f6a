//! Learning rate schedules.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::settings::{ScheduleKind, TrainingSettings};

/// The learning rate `η` as a function of the step and, for the plateau schedule, of the evaluations.
///
/// With base rate `η_0`, epoch `e` (0 for the first), step `s` of `S`, warm-up `w` and factor `γ`:
///
/// ```text
/// constant   η = η_0
/// decay      η = η_0 γ^⌊max(0, e - e_0 + 1) / k⌋    char-rnn: full rate for the first e_0 epochs, k = 1;
///                                                   torch-rnn: e_0 = 1, half the rate every k = 5 epochs
/// cosine     η = η_0 (1 + cos(π (s - w) / (S - w))) / 2
/// plateau    η = η_0 γ^k                            k times no better evaluation came in the wait
/// ```
///
/// During the warm-up all of them are multiplied by `(s + 1) / w`.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    settings: TrainingSettings,
    steps_per_epoch: u64,
    total_steps: u64,
    plateau: Plateau,
}

/// The state of the plateau schedule, which is part of a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    best: Option<f64>,
    fruitless: u64,
    lowered: u64,
}

impl Schedule {
    /// The schedule of `settings` for a run of `total_steps`.
    pub fn new(settings: &TrainingSettings, steps_per_epoch: u64, total_steps: u64) -> Self {
        Self { settings: settings.clone(), steps_per_epoch, total_steps, plateau: Plateau::default() }
    }

    /// The learning rate of `step`, counted from 0.
    pub fn learning_rate(&self, step: u64) -> f64 {
        let &TrainingSettings { learning_rate, decay, decay_after, decay_every, warmup, .. } = &self.settings;
        let factor = match self.settings.schedule {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Decay => {
                let epoch = step / self.steps_per_epoch;
                decay.powf(((epoch + 1).saturating_sub(decay_after) / decay_every) as f64)
            }
            ScheduleKind::Cosine => {
                let done = step.saturating_sub(warmup) as f64;
                let whole = self.total_steps.saturating_sub(warmup).max(1) as f64;
                (1.0 + (PI * (done / whole).min(1.0)).cos()) / 2.0
            }
            ScheduleKind::Plateau => decay.powf(self.plateau.lowered as f64),
        };
        let rise = if step < warmup { (step + 1) as f64 / warmup as f64 } else { 1.0 };
        learning_rate * factor * rise
    }

    /// Records the objective of an evaluation; lower is better.
    pub fn observe(&mut self, objective: f64) {
        let plateau = &mut self.plateau;
        if objective.is_finite() && plateau.best.is_none_or(|best| objective < best) {
            plateau.best = Some(objective);
            plateau.fruitless = 0;
        } else {
            plateau.fruitless += 1;
            if plateau.fruitless > self.settings.plateau_wait {
                plateau.lowered += 1;
                plateau.fruitless = 0;
            }
        }
    }

    /// The state of the plateau schedule.
    pub fn plateau(&self) -> Plateau {
        self.plateau
    }

    /// Restores the state from a checkpoint.
    pub fn restore(&mut self, plateau: Plateau) {
        self.plateau = plateau;
    }
}

#[cfg(test)]
mod tests;
