//! A running mean of the weights over the steps of a run.
//!
//! ```text
//! m_1 = w                                         the first weights
//! m_n = m_{n-1} + s_n (w - m_{n-1})               each later ones
//! s_n = 1 / n                                     --average-from, --average-wait: all have equal shares
//! s_n = max(1 - d, 9 / (n + 8))                   --ema d
//! ```
//!
//! Equal shares are the averaged stochastic gradient descent of Polyak and Juditsky 1992 ("Acceleration of stochastic
//! approximation by averaging"); with a distance between the averaged steps, the stochastic weight averaging of
//! Izmailov et al. 2018 (arXiv 1803.05407). Merity et al. 2017 (arXiv 1708.02182, algorithm 1) start the mean when the
//! evaluations stop getting better, as `--average-wait n` does: with the losses `v_0 .. v_t` of the evaluations so far,
//! at the first `t` greater than `n` for which `v_t` is greater than the least of `v_0 .. v_{t-n-1}`. An exponential
//! mean would keep the random first weights for long: until `n` is about `9 / (1 - d)`, it is the polynomial mean of
//! Shamir and Zhang 2013 (arXiv 1212.1824), which forgets them.
//!
//! The mean is evaluated, sampled and exported; the optimizer goes on with the weights themselves.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;
use rekindle_kernels::sgd::{Step, Steps};
use rekindle_settings::{SettingError, settings};

use crate::updates::flat;

settings! {
    /// A mean of the weights over steps, which takes their place in evaluations, samples and exports.
    #[check(Self::one)]
    pub struct AverageSettings {
        /// Evaluate, sample and export an exponential mean of the weights, with this decay a step, such as 0.999
        ema: Option<f64> => value("DECAY").above(0).below(1).unset("the weights of the last step");
        /// Evaluate, sample and export the mean of the weights of all steps from this one on
        average_from: Option<u64> => value("STEP").at_least(1).unset("the weights of the last step");
        /// Start that mean when a loss is worse than the best of the evaluations that were more than this many before
        /// it
        average_wait: Option<u64> => value("EVALUATIONS").at_least(1).unset("the weights of the last step");
        /// Steps between two weights that --average-from and --average-wait average
        average_every: u64 = 1 => value("STEPS").at_least(1).used_with("average_from", []).used_with("average_wait", []);
    }
}

impl AverageSettings {
    fn one(&self) -> Result<(), SettingError> {
        let mean = if self.average_from.is_some() { "average-from" } else { "average-wait" };
        let number = self.average_from.or(self.average_wait);
        match (self.ema, number) {
            (Some(_), Some(number)) => {
                Err(SettingError::invalid(mean, number, "left out with --ema, or --ema left out"))
            }
            _ => Ok(()),
        }
    }

    /// Whether there is a mean.
    pub fn wanted(&self) -> bool {
        self.ema.is_some() || self.average_from.is_some() || self.average_wait.is_some()
    }

    /// `s_n`: the share of the `count`th weights in the mean.
    pub fn share(&self, count: u64) -> f64 {
        let count = count as f64;
        self.ema.map_or(1.0 / count, |decay| (1.0 - decay).max(9.0 / (count + 8.0)))
    }
}

/// The mean.
#[derive(Default)]
pub(crate) struct Average {
    settings: AverageSettings,
    /// The values of each parameter, `[N]`; empty before the first weights.
    values: Vec<Tensor<1>>,
    count: u64,
    steps: Steps,
}

impl Average {
    /// A mean of no weights yet.
    pub fn new(settings: AverageSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// A mean of `count` weights with the values of `mean`. It goes on if a mean is wanted still.
    pub fn restored<M: Module>(settings: AverageSettings, mean: &M, count: u64) -> Self {
        match settings.wanted() {
            true => Self { values: values(mean), count, ..Self::new(settings) },
            false => Self::new(settings),
        }
    }

    /// Weights averaged so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds the weights of `model` after `step`, if they are to be averaged.
    pub fn observe<M: Module>(&mut self, step: u64, model: &M) {
        let AverageSettings { ema, average_from, average_every, .. } = self.settings;
        let begun = self.count > 0 || average_from.is_some_and(|from| step >= from);
        if ema.is_some() || begun && step.is_multiple_of(average_every) {
            self.add(model);
        }
    }

    /// Takes note of an evaluation of `model` with this loss; `losses` are those of the evaluations before it, as far
    /// as the mean is waiting for them. Starts the mean with the weights of `model` when the evaluations stop getting
    /// better, and returns whether it did.
    pub fn evaluated<M: Module>(&mut self, losses: &mut Vec<f64>, loss: f64, model: &M) -> bool {
        let Some(wait) = self.settings.average_wait.filter(|_| self.count == 0) else { return false };
        // A loss that is not a number says nothing about the others.
        if !loss.is_finite() {
            return false;
        }
        let due = is_no_better(losses, loss, wait);
        if due {
            losses.clear();
            self.add(model);
        } else {
            losses.push(loss);
        }
        due
    }

    fn add<M: Module>(&mut self, model: &M) {
        self.count += 1;
        let weights = values(model);
        if self.count == 1 {
            self.values = weights;
            return;
        }
        // `m + s (w - m)` is a step of gradient descent with the gradient `w`, the penalty -1 and the rate `-s`, which
        // a GPU takes for all parameters at once.
        let step = Step { momentum: 0.0, penalty: -1.0, learning_rate: -self.settings.share(self.count) };
        let means = std::mem::take(&mut self.values).into_iter().zip(weights);
        self.values = means.map(|(mean, weights)| self.steps.step(mean, weights, None, &step).0).collect();
        self.steps.run();
    }

    /// `model`, without autodiff, with the mean in place of its weights; as it is if there is no mean yet.
    pub fn of<M: Module>(&self, model: M) -> M {
        if self.count == 0 { model } else { model.map(&mut Replace { values: self.values.iter() }) }
    }
}

/// Whether `loss` is worse than the best of the `losses` before it without the last `wait`; not if there are none then.
fn is_no_better(losses: &[f64], loss: f64, wait: u64) -> bool {
    let older = losses.len().saturating_sub(usize::try_from(wait).unwrap_or(usize::MAX));
    losses[..older].iter().any(|&before| loss > before)
}

/// The values of every parameter, `[N]`, without autodiff.
pub(crate) fn values<M: Module>(model: &M) -> Vec<Tensor<1>> {
    let mut visitor = Values { values: Vec::new() };
    model.visit(&mut visitor);
    visitor.values
}

struct Values {
    values: Vec<Tensor<1>>,
}

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.push(flat(param));
    }
}

/// Gives every parameter the next values.
struct Replace<'a> {
    values: std::slice::Iter<'a, Tensor<1>>,
}

impl ModuleMapper for Replace<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let values = self.values.next().expect("the mean is of a model with the same parameters");
        let mean = values.clone().reshape(tensor.dims());
        Param::from_mapped_value(id, mean, mapper)
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
