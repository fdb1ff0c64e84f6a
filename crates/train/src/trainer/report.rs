//! Reading the figures of steps back from the device in groups.

use std::time::Duration;

use burn::backend::ExecutionError;
use burn::tensor::{Device, Tensor};
use rekindle_kernels::device::is_cpu;

use crate::event::{StepFigure, StepReport};
use crate::settings::TrainingSettings;

/// The figures of a step, still on the device.
pub(super) struct Pending {
    pub step: u64,
    pub loss: Tensor<1>,
    pub norm: Tensor<1>,
    pub items: u64,
    pub learning_rate: f64,
    pub figure: Option<StepFigure>,
}

/// A device failure at the last of the pending steps, or before.
pub(super) struct Failure {
    pub step: u64,
    pub items: u64,
    pub source: ExecutionError,
}

/// Collects the figures of steps and measures speed.
pub(super) struct Reports {
    pending: Vec<Pending>,
    at_once: bool,
    print_every: u64,
    steps_per_epoch: u64,
    /// Time and items of the steps since the last printed one.
    working: Duration,
    items: u64,
    items_per_second: f64,
}

impl Reports {
    pub(super) fn new(settings: &TrainingSettings, device: &Device, steps_per_epoch: u64) -> Self {
        Self {
            pending: Vec::new(),
            // Reading a value back makes the host wait for the GPU, and then the GPU for the host: there, figures are
            // read back only when they are printed.
            at_once: is_cpu(device),
            print_every: settings.print_every,
            steps_per_epoch,
            working: Duration::ZERO,
            items: 0,
            items_per_second: 0.0,
        }
    }

    /// Adds the figures of a step; returns true when the pending ones should be read.
    pub(super) fn push(&mut self, pending: Pending) -> bool {
        self.items += pending.items;
        let printed = pending.step.is_multiple_of(self.print_every);
        self.pending.push(pending);
        self.at_once || printed
    }

    /// Adds the time of a step.
    pub(super) fn worked(&mut self, time: Duration) {
        self.working += time;
    }

    /// The figures of the pending steps.
    ///
    /// # Errors
    ///
    /// When the device has failed since the last call.
    pub(super) fn read(&mut self) -> Result<Vec<StepReport>, Failure> {
        let pending = std::mem::take(&mut self.pending);
        let Some(last) = pending.last() else { return Ok(Vec::new()) };
        let figures = pending.iter().flat_map(|p| [p.loss.clone(), p.norm.clone()]).collect();
        let figures = Tensor::cat(figures, 0).try_into_data();
        let figures = figures.map_err(|source| Failure { step: last.step, items: last.items, source })?;
        let figures = figures.convert::<f64>();
        let figures = figures.as_slice::<f64>().expect("converted to f64");
        Ok(pending.iter().zip(figures.chunks_exact(2)).map(|(p, figures)| self.report(p, figures)).collect())
    }

    fn report(&mut self, pending: &Pending, figures: &[f64]) -> StepReport {
        let printed = pending.step.is_multiple_of(self.print_every);
        if printed && !self.working.is_zero() {
            self.items_per_second = self.items as f64 / self.working.as_secs_f64();
            (self.working, self.items) = (Duration::ZERO, 0);
        }
        StepReport {
            step: pending.step,
            epoch: pending.step as f64 / self.steps_per_epoch as f64,
            loss: figures[0],
            gradient_norm: figures[1],
            learning_rate: pending.learning_rate,
            items: pending.items,
            items_per_second: self.items_per_second,
            figure: pending.figure,
            printed,
        }
    }
}
