//! What the processes must know of each other in a step.

use burn::tensor::Tensor;
use rekindle_rnn::{LossPart, LossParts};

use super::Group;
use crate::event::StepFigure;
use crate::task::{BatchLoss, MOST_MEANS};

/// What a process has of a batch, or all of them together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OfStep {
    /// Over how many things each mean of the loss is.
    counts: [f64; MOST_MEANS],
    items: f64,
    /// The sum of a figure over items.
    figure: f64,
    /// Whether a process was asked to stop.
    pub stopped: bool,
}

impl OfStep {
    /// What `outcome` has, of a process that was asked to stop or not.
    pub fn of<C>(outcome: &BatchLoss<C>, stopped: bool) -> Self {
        let parts = outcome.loss.parts();
        let mut counts = [0.0; MOST_MEANS];
        counts.iter_mut().zip(parts).for_each(|(count, part)| *count = part.count);
        let items = outcome.items as f64;
        Self { counts, items, figure: outcome.figure.map_or(0.0, |figure| figure.value * items), stopped }
    }

    /// The sums over all processes.
    pub fn whole(self, group: &dyn Group) -> Self {
        let mut sums = [0.0; MOST_MEANS + 3];
        sums[..MOST_MEANS].copy_from_slice(&self.counts);
        sums[MOST_MEANS..].copy_from_slice(&[self.items, self.figure, f64::from(u8::from(self.stopped))]);
        group.sum_exact(&mut sums);
        let [items, figure, stopped] = [sums[MOST_MEANS], sums[MOST_MEANS + 1], sums[MOST_MEANS + 2]];
        let counts = sums[..MOST_MEANS].try_into().expect("of this length");
        Self { counts, items, figure, stopped: stopped > 0.0 }
    }

    /// Of all processes: the share of this one in the loss of the whole batch, `[1]`; none if it has no rows.
    pub fn share(&self, loss: LossParts) -> Option<Tensor<1>> {
        let share = |(part, all): (LossPart, &f64)| (*all > 0.0).then(|| part.mean * (part.count / all));
        let parts = loss.into_parts().into_iter().zip(&self.counts);
        parts.filter_map(share).reduce(|sum, part| sum + part)
    }

    /// Items in the batch.
    pub fn items(&self) -> u64 {
        self.items as u64
    }

    /// The mean over items of a figure that a process has.
    pub fn figure(&self, ours: Option<StepFigure>) -> Option<StepFigure> {
        ours.map(|figure| StepFigure { value: self.figure / self.items.max(1.0), ..figure })
    }
}
