//! Gradient clipping, against the explosion that repeated multiplication by `W_hh` causes.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rekindle_kernels::layout::contiguous;
use rekindle_kernels::norm::squared_norm;

use crate::settings::ClipKind;

/// Clips the gradients `g` of a model with parameters `p`:
///
/// ```text
/// value         g_pi = max(-c, min(c, g_pi))
/// tensor norm   g_p  = g_p min(1, c / (‖g_p‖ + ε))          each parameter by itself
/// global norm   g_p  = g_p min(1, c / (√Σ_p ‖g_p‖² + ε))     PyTorch's clip_grad_norm_, ε = 1e-6
/// ```
///
/// Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks" (arXiv 1211.5063).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip {
    /// What is clipped.
    pub kind: ClipKind,
    /// The bound `c`.
    pub at: f64,
}

/// PyTorch's constant, against division by 0.
const EPSILON: f64 = 1e-6;

impl Clip {
    /// Clips the gradients of `model`. Returns them with the global norm before clipping, `[1]`.
    ///
    /// Everything is computed on the device; nothing is read back.
    pub fn apply<M: Module>(&self, model: &M, gradients: GradientsParams) -> (GradientsParams, Tensor<1>) {
        let mut norm = SquaredNorm { gradients, out: GradientsParams::new(), sum: None };
        model.visit(&mut norm);
        let global = norm.sum.map(Tensor::sqrt).unwrap_or_else(|| Tensor::zeros([1], &Device::default()));
        let clipped = match self.kind {
            ClipKind::None => norm.out,
            kind => {
                let mut bound = Bound {
                    clip: Clip { kind, ..*self },
                    global: global.clone(),
                    gradients: norm.out,
                    out: GradientsParams::new(),
                };
                model.visit(&mut bound);
                bound.out
            }
        };
        (clipped, global)
    }
}

/// The gradient norm of each parameter, with its path, largest first. Reads back from the device.
pub fn gradient_norms<M: Module>(model: &M, gradients: &GradientsParams) -> Vec<(String, f64)> {
    let mut norms = Norms { gradients, path: Vec::new(), norms: Vec::new() };
    model.visit(&mut norms);
    let mut norms = norms.norms;
    // Values that are not finite come first: they matter most to the reader.
    norms.sort_by(|a, b| {
        (!b.1.is_finite(), b.1).partial_cmp(&(!a.1.is_finite(), a.1)).unwrap_or(std::cmp::Ordering::Equal)
    });
    norms
}

struct SquaredNorm {
    gradients: GradientsParams,
    out: GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for SquaredNorm {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            // The gradient of a transposed weight is a transposed view, which everything that reads it, the optimizer
            // included, is slow at until it is made contiguous.
            let gradient = contiguous(gradient);
            let squared = squared_norm(gradient.clone());
            self.out.register(param.id, gradient);
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + squared,
                None => squared,
            });
        }
    }
}

struct Bound {
    clip: Clip,
    global: Tensor<1>,
    gradients: GradientsParams,
    out: GradientsParams,
}

impl ModuleVisitor for Bound {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        let scaled = |gradient: Tensor<D>, norm: Tensor<1>| {
            let factor = norm.add_scalar(EPSILON).recip().mul_scalar(self.clip.at).clamp_max(1.0);
            gradient.mul(factor.unsqueeze())
        };
        let gradient = match self.clip.kind {
            ClipKind::None => gradient,
            ClipKind::Value => gradient.clamp(-self.clip.at, self.clip.at),
            ClipKind::TensorNorm => {
                let norm = squared_norm(gradient.clone()).sqrt();
                scaled(gradient, norm)
            }
            ClipKind::GlobalNorm => scaled(gradient, self.global.clone()),
        };
        self.out.register(param.id, gradient);
    }
}

struct Norms<'a> {
    gradients: &'a GradientsParams,
    path: Vec<String>,
    norms: Vec<(String, f64)>,
}

impl ModuleVisitor for Norms<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let norm = gradient.square().sum().sqrt().into_scalar::<f64>();
            self.norms.push((self.path.join("."), norm));
        }
    }
}
