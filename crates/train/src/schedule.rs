//! The learning rate over a run.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::settings::{ScheduleKind, TrainingSettings};

/// The learning rate `η` as a function of the step, and of the evaluations for the plateau.
///
/// With base rate `η_0`, epoch `e` (0 for the first), step `s` of `S`, warm-up `w` and factor `γ`:
///
/// ```text
/// constant   η = η_0
/// decay      η = η_0 γ^max(0, e - e_0 + 1)          char-rnn: full rate for the first e_0 epochs
/// cosine     η = η_0 (1 + cos(π (s - w) / (S - w))) / 2
/// plateau    η = η_0 γ^k                            k times no better evaluation came in the wait
/// ```
///
/// During the warm-up all of them are multiplied by `(s + 1) / w`.
#[derive(Clone, Debug)]
pub struct Schedule {
    kind: ScheduleKind,
    base: f64,
    factor: f64,
    decay_after: u64,
    warmup: u64,
    wait: u64,
    steps_per_epoch: u64,
    total_steps: u64,
    plateau: Plateau,
}

/// What the plateau schedule has seen so far; it goes into a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    best: Option<f64>,
    fruitless: u64,
    lowered: u64,
}

impl Schedule {
    /// The schedule of `settings` for a run of `total_steps`.
    pub fn new(settings: &TrainingSettings, steps_per_epoch: u64, total_steps: u64) -> Self {
        Self {
            kind: settings.schedule,
            base: settings.learning_rate,
            factor: settings.decay,
            decay_after: settings.decay_after,
            warmup: settings.warmup,
            wait: settings.plateau_wait,
            steps_per_epoch,
            total_steps,
            plateau: Plateau::default(),
        }
    }

    /// The learning rate of `step`, counted from 0.
    pub fn learning_rate(&self, step: u64) -> f64 {
        let factor = match self.kind {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Decay => {
                let epoch = step / self.steps_per_epoch;
                self.factor.powf((epoch + 1).saturating_sub(self.decay_after) as f64)
            }
            ScheduleKind::Cosine => {
                let done = step.saturating_sub(self.warmup) as f64;
                let whole = self.total_steps.saturating_sub(self.warmup).max(1) as f64;
                (1.0 + (PI * (done / whole).min(1.0)).cos()) / 2.0
            }
            ScheduleKind::Plateau => self.factor.powf(self.plateau.lowered as f64),
        };
        let warmup = if step < self.warmup { (step + 1) as f64 / self.warmup as f64 } else { 1.0 };
        self.base * factor * warmup
    }

    /// Tells the schedule the outcome of an evaluation, lower being better.
    pub fn observe(&mut self, objective: f64) {
        let plateau = &mut self.plateau;
        if plateau.best.is_none_or(|best| objective < best) {
            plateau.best = Some(objective);
            plateau.fruitless = 0;
        } else {
            plateau.fruitless += 1;
            if plateau.fruitless > self.wait {
                plateau.lowered += 1;
                plateau.fruitless = 0;
            }
        }
    }

    /// What has been seen so far.
    pub fn plateau(&self) -> Plateau {
        self.plateau
    }

    /// Takes up where a checkpoint left off.
    pub fn restore(&mut self, plateau: Plateau) {
        self.plateau = plateau;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: ScheduleKind, change: impl FnOnce(&mut TrainingSettings)) -> Schedule {
        let mut settings = TrainingSettings { schedule: kind, learning_rate: 1.0, ..TrainingSettings::default() };
        change(&mut settings);
        Schedule::new(&settings, 10, 200)
    }

    #[test]
    fn decay_leaves_the_first_epochs_alone() {
        let schedule = schedule(ScheduleKind::Decay, |s| (s.decay, s.decay_after) = (0.5, 10));
        assert_eq!(schedule.learning_rate(0), 1.0);
        assert_eq!(schedule.learning_rate(99), 1.0);
        assert_eq!(schedule.learning_rate(100), 0.5);
        assert_eq!(schedule.learning_rate(110), 0.25);
    }

    #[test]
    fn cosine_rises_over_the_warm_up_and_ends_at_zero() {
        let schedule = schedule(ScheduleKind::Cosine, |s| s.warmup = 20);
        assert_eq!(schedule.learning_rate(0), 0.05);
        assert_eq!(schedule.learning_rate(19), 1.0);
        assert_eq!(schedule.learning_rate(20), 1.0);
        assert!((schedule.learning_rate(110) - 0.5).abs() < 1e-12);
        assert!(schedule.learning_rate(200).abs() < 1e-12);
    }

    #[test]
    fn plateau_lowers_after_the_wait_and_forgets_when_it_gets_better() {
        let mut schedule = schedule(ScheduleKind::Plateau, |s| (s.decay, s.plateau_wait) = (0.5, 1));
        for (objective, rate) in [(3.0, 1.0), (3.0, 1.0), (2.0, 1.0), (2.5, 1.0), (2.5, 0.5), (2.5, 0.5), (2.5, 0.25)] {
            schedule.observe(objective);
            assert_eq!(schedule.learning_rate(7), rate);
        }
    }

    #[test]
    fn a_restored_schedule_goes_on_as_the_old_one() {
        let mut old = schedule(ScheduleKind::Plateau, |s| s.plateau_wait = 1);
        old.observe(1.0);
        old.observe(1.0);
        let mut new = schedule(ScheduleKind::Plateau, |s| s.plateau_wait = 1);
        new.restore(old.plateau());
        old.observe(1.0);
        new.observe(1.0);
        assert_eq!(old.learning_rate(3), new.learning_rate(3));
        assert!(new.learning_rate(3) < 1.0);
    }
}
