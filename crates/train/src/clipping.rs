//! Gradient clipping, against the explosion that repeated multiplication by `W_hh` causes.

use std::collections::HashSet;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rekindle_kernels::norm::{Bound, Clipped, Gradients};

use crate::settings::ClipKind;

/// Clips the gradients of a model: see [`norm`](rekindle_kernels::norm) for the equations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip {
    /// What is clipped.
    pub kind: ClipKind,
    /// The bound `c`.
    pub at: f64,
}

impl Clip {
    /// Clips the gradients of `model`. Returns them with the global norm before clipping, `[1]`.
    ///
    /// Everything is computed on the device; nothing is read back.
    pub fn apply<M: Module>(&self, model: &M, gradients: GradientsParams) -> (GradientsParams, Tensor<1>) {
        let mut collect = Collect { from: gradients, to: Gradients::new(), ids: HashSet::new() };
        model.visit(&mut collect);
        let bound = match self.kind {
            ClipKind::None => Bound::None,
            ClipKind::Value => Bound::Value(self.at),
            ClipKind::TensorNorm => Bound::TensorNorm(self.at),
            ClipKind::GlobalNorm => Bound::GlobalNorm(self.at),
        };
        let (clipped, norm) = collect.to.clip(bound);
        let mut register = Register { from: clipped, ids: collect.ids, to: GradientsParams::new() };
        model.visit(&mut register);
        (register.to, norm)
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

/// Takes the gradients of the parameters, in order.
struct Collect {
    from: GradientsParams,
    to: Gradients,
    /// The parameters with a gradient.
    ids: HashSet<ParamId>,
}

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.from.remove::<D>(param.id) {
            self.to.push(gradient);
            self.ids.insert(param.id);
        }
    }
}

/// Gives the clipped gradients back to their parameters, in the same order.
struct Register {
    from: Clipped,
    ids: HashSet<ParamId>,
    to: GradientsParams,
}

impl ModuleVisitor for Register {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // A parameter may be in a model twice; its gradient is taken once.
        if self.ids.remove(&param.id) {
            self.to.register(param.id, self.from.take::<D>());
        }
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
