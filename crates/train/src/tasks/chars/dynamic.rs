//! Dynamic evaluation: the model goes on learning from the text that it is evaluated on.
//!
//! ```text
//! for every segment s_i of the text, in order:
//!   L_i  = -ln p(s_i | θ_{i-1})                                          counted before the model learns from s_i
//!   θ_i  = θ_{i-1} - η ∇L_i / (√M + ε) + min(λ R, 1) (θ_0 - θ_{i-1})     L_i as a mean over the segment's tokens
//! M = mean of (∇L)² over segments of the training text,   R = √M / mean √M
//! ```
//!
//! Krause et al. 2017 (arXiv 1709.07432). Without segments of the training text, `√M + ε` and `R` are 1: plain gradient
//! descent with a decay towards the trained weights `θ_0`.
//!
//! The figure is that of another model than the one in the checkpoint: it has also been trained on the evaluated text,
//! up to each token that it predicts. It must be compared with figures of the same kind only.

use std::ops::Range;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use rekindle_data::{Corpus, StreamBatch, Vocabulary};
use rekindle_models::char_lm::CharLm;
use rekindle_weights::{StateDict, Strictness};

use super::evaluation::{Total, tensors};
use super::settings::CharsSettings;
use crate::prelude::*;
use crate::updates::flat;

/// Keeps a parameter with hardly any gradient from being divided by 0: Krause's value.
const EPSILON: f64 = 2e-3;

/// How a model learns during its evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dynamics {
    /// `η`.
    pub rate: f64,
    /// `λ`.
    pub decay: f64,
    /// Tokens of a segment.
    pub length: usize,
    /// Segments of the training text that `M` is taken from; 0 for plain gradient descent.
    pub statistics: usize,
}

/// A part of a text, as a model reads it.
pub(super) struct Part<'t> {
    pub corpus: &'t Corpus,
    pub vocabulary: &'t Vocabulary,
    pub range: Range<usize>,
}

/// `model` on a device with autodiff, without its dropout and penalties.
fn learner(model: &CharLm, settings: &CharsSettings, vocabulary: &Vocabulary, device: &Device) -> CharLm {
    let blank = settings.model.without_dropout().init_with(vocabulary.len(), &mut seeded(0), device);
    let (model, _) = blank.load_state_dict(&model.state_dict(), Strictness::Strict).expect("the same model");
    model
}

/// The figures of `model`, which learns as it reads `text` as one stream. `training` is the text that it was trained
/// on.
///
/// # Errors
///
/// When a text cannot be read, or the device fails.
pub(super) fn evaluate(
    model: &CharLm,
    settings: &CharsSettings,
    text: &Part<'_>,
    training: Option<&Part<'_>>,
    dynamics: Dynamics,
    device: &Device,
) -> Result<Report, TaskError> {
    let device = device.clone().autodiff();
    let mut model = learner(model, settings, text.vocabulary, &device);
    let squares = match training {
        Some(training) if dynamics.statistics > 0 => Some(mean_squares(&model, training, dynamics, &device)?),
        _ => None,
    };
    let rule = Rule::new(&model, dynamics, squares)?;
    let (mut state, mut losses, mut total) = (None, Vec::new(), Total::default());
    let end = text.range.end - 1;
    for start in text.range.clone().take_while(|&start| start < end).step_by(dynamics.length) {
        check_stop()?;
        let length = dynamics.length.min(end - start);
        let (loss, after) = loss(&model, text, start, length, state, &device)?;
        losses.push(loss.clone().inner().mul_scalar(length as f64));
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = rule.apply(model, gradients);
        state = Some(after.detach());
    }
    total.predict(text.vocabulary, &text.corpus.ids(text.vocabulary, text.range.start + 1..text.range.end)?);
    total.loss = numbers(Tensor::cat(losses, 0))?.into_iter().map(f64::from).sum();
    Ok(total.report(text.vocabulary))
}

/// The mean loss of `length` tokens after the one at `start`, `[1]`.
fn loss(
    model: &CharLm,
    text: &Part<'_>,
    start: usize,
    length: usize,
    state: Option<rekindle_rnn::State>,
    device: &Device,
) -> Result<(Tensor<1>, rekindle_rnn::State), TaskError> {
    let ids = text.corpus.ids(text.vocabulary, start..start + length + 1)?;
    let batch = StreamBatch { inputs: ids[..length].to_vec(), targets: ids[1..].to_vec() };
    let [inputs, targets] = tensors(batch, 1, device);
    Ok(model.loss(inputs, targets, state))
}

/// `M` of each parameter, `[N]`: from segments that lie evenly over the training text, each from a state of zeros.
fn mean_squares(
    model: &CharLm,
    training: &Part<'_>,
    dynamics: Dynamics,
    device: &Device,
) -> Result<Vec<Tensor<1>>, TaskError> {
    let starts = training.range.len().saturating_sub(dynamics.length + 1);
    if starts == 0 {
        return Err(super::error::CharsError::TooShort.into());
    }
    let count = dynamics.statistics.min(starts);
    let mut sums: Option<Vec<Tensor<1>>> = None;
    for number in 0..count {
        check_stop()?;
        let start = training.range.start + starts * number / count;
        let (loss, _) = loss(model, training, start, dynamics.length, None, device)?;
        let squares = flat_gradients(model, &GradientsParams::from_grads(loss.backward(), model));
        let squares = squares.into_iter().map(|gradient| gradient.square() / count as f64);
        sums = Some(match sums {
            Some(sums) => sums.into_iter().zip(squares).map(|(sum, square)| sum + square).collect(),
            None => squares.collect(),
        });
    }
    Ok(sums.unwrap_or_default())
}

/// The gradients of all parameters, `[N]` each, and zeros for those without one.
fn flat_gradients<M: Module>(model: &M, gradients: &GradientsParams) -> Vec<Tensor<1>> {
    struct Flat<'g> {
        gradients: &'g GradientsParams,
        found: Vec<Tensor<1>>,
    }
    impl ModuleVisitor for Flat<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let values = flat(param);
            let [count] = values.dims();
            let gradient = self.gradients.get::<D>(param.id).map(|gradient| gradient.reshape([count]));
            self.found.push(gradient.unwrap_or_else(|| values.zeros_like()));
        }
    }
    let mut visitor = Flat { gradients, found: Vec::new() };
    model.visit(&mut visitor);
    visitor.found
}

/// The rule by which each parameter learns.
struct Rule {
    parameters: Vec<OfParameter>,
}

struct OfParameter {
    /// `θ_0`, `[N]`.
    trained: Tensor<1>,
    /// `η / (√M + ε)`, `[N]` or `[1]`.
    rate: Tensor<1>,
    /// `min(λ R, 1)`, `[N]` or `[1]`.
    pull: Tensor<1>,
}

impl Rule {
    /// The rule with the mean squares `M` of each parameter's gradients, `[N]`, if there are any.
    fn new<M: Module>(model: &M, dynamics: Dynamics, squares: Option<Vec<Tensor<1>>>) -> Result<Self, DeviceError> {
        struct Flat(Vec<Tensor<1>>);
        impl ModuleVisitor for Flat {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0.push(flat(param));
            }
        }
        let Dynamics { rate, decay, .. } = dynamics;
        let mut trained = Flat(Vec::new());
        model.visit(&mut trained);
        let constant = |value: f64, like: &Tensor<1>| Tensor::ones([1], (&like.device(), like.dtype())) * value;
        let Some(squares) = squares else {
            let of = |trained: Tensor<1>| OfParameter {
                rate: constant(rate, &trained),
                pull: constant(decay.min(1.0), &trained),
                trained,
            };
            return Ok(Self { parameters: trained.0.into_iter().map(of).collect() });
        };
        let roots: Vec<Tensor<1>> = squares.into_iter().map(Tensor::sqrt).collect();
        let count: usize = roots.iter().map(|root| root.dims()[0]).sum();
        let sums = numbers(Tensor::cat(roots.iter().map(|root| root.clone().sum()).collect(), 0))?;
        let mean = sums.into_iter().map(f64::from).sum::<f64>() / count as f64;
        let of = |(trained, root): (Tensor<1>, Tensor<1>)| OfParameter {
            rate: (root.clone() + EPSILON).recip() * rate,
            pull: (root * (decay / mean.max(f64::MIN_POSITIVE))).clamp_max(1.0),
            trained,
        };
        Ok(Self { parameters: trained.0.into_iter().zip(roots).map(of).collect() })
    }

    /// The model after it has learnt from these gradients.
    fn apply<M: Module>(&self, model: M, gradients: GradientsParams) -> M {
        model.map(&mut Learn { rule: self.parameters.iter(), gradients })
    }
}

struct Learn<'r> {
    rule: std::slice::Iter<'r, OfParameter>,
    gradients: GradientsParams,
}

impl ModuleMapper for Learn<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let rule = self.rule.next().expect("there is a rule for every parameter");
        let gradient = self.gradients.remove::<D>(param.id);
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.dims();
        let weights = tensor.inner().reshape([shape.iter().product::<usize>()]);
        let pulled = weights.clone() + (rule.trained.clone() - weights.clone()) * rule.pull.clone();
        let learnt = match gradient {
            Some(gradient) => pulled - gradient.reshape([weights.dims()[0]]) * rule.rate.clone(),
            None => pulled,
        };
        let learnt = Tensor::from_inner(learnt.reshape(shape)).require_grad();
        Param::from_mapped_value(id, learnt, mapper)
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
