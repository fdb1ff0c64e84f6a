//! The size of an update beside that of the weights that it changes, layer by layer.
//!
//! The ratio of both says whether a learning rate fits: about 1e-3 is usual, 1e-1 shakes a layer, 1e-6 leaves it as it
//! is.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rekindle_models::host::{DeviceError, numbers};
use serde::Serialize;

/// The norms of a layer: of all its parameters together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerUpdate {
    /// The path of the layer in the model.
    pub layer: String,
    /// The norm of the weights before the update.
    pub weight_norm: f64,
    /// The norm of the gradient, after clipping.
    pub gradient_norm: f64,
    /// The norm of the update.
    pub update_norm: f64,
    /// The norm of the update by that of the weights; none for weights of zeros.
    pub ratio: Option<f64>,
}

/// The weights before an update, and their gradients.
#[derive(Debug)]
pub(crate) struct Watched {
    /// For each parameter its layer, its values `[N]`, and the squared norm of its gradient `[1]`.
    parameters: Vec<(String, Tensor<1>, Tensor<1>)>,
}

impl Watched {
    /// The weights of `model` and their clipped `gradients`.
    pub fn before<M: Module>(model: &M, gradients: &GradientsParams) -> Self {
        let mut visitor = Before { gradients, path: Vec::new(), parameters: Vec::new() };
        model.visit(&mut visitor);
        Self { parameters: visitor.parameters }
    }

    /// The norms of each layer, when `model` is the updated one.
    ///
    /// # Errors
    ///
    /// When the device fails.
    pub fn after<M: Module>(self, model: &M) -> Result<Vec<LayerUpdate>, DeviceError> {
        let mut after = After { parameters: Vec::new() };
        model.visit(&mut after);
        let (mut layers, mut norms) = (Vec::new(), Vec::new());
        for ((layer, before, gradient), after) in self.parameters.into_iter().zip(after.parameters) {
            layers.push(layer);
            norms.extend([before.clone().square().sum(), gradient, (after - before).square().sum()]);
        }
        if norms.is_empty() {
            return Ok(Vec::new());
        }
        let norms = numbers(Tensor::cat(norms, 0))?;
        let mut sums: BTreeMap<String, [f64; 3]> = BTreeMap::new();
        for (layer, squares) in layers.into_iter().zip(norms.chunks_exact(3)) {
            let sum = sums.entry(layer).or_default();
            sum.iter_mut().zip(squares).for_each(|(sum, square)| *sum += f64::from(*square));
        }
        let update = |(layer, squares): (String, [f64; 3])| {
            let [weight_norm, gradient_norm, update_norm] = squares.map(f64::sqrt);
            let ratio = (weight_norm > 0.0).then(|| update_norm / weight_norm);
            LayerUpdate { layer, weight_norm, gradient_norm, update_norm, ratio }
        };
        Ok(sums.into_iter().map(update).collect())
    }
}

/// The values of a parameter, `[N]`, without autodiff.
pub(crate) fn flat<const D: usize>(parameter: &Param<Tensor<D>>) -> Tensor<1> {
    let values = parameter.val();
    let count = values.shape().num_elements();
    let values = if values.device().is_autodiff() { values.inner() } else { values };
    values.reshape([count])
}

struct Before<'a> {
    gradients: &'a GradientsParams,
    path: Vec<String>,
    parameters: Vec<(String, Tensor<1>, Tensor<1>)>,
}

impl ModuleVisitor for Before<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = flat(param);
        let gradient = match self.gradients.get::<D>(param.id) {
            Some(gradient) => gradient.square().sum(),
            None => Tensor::zeros([1], &values.device()),
        };
        // The last name is that of the parameter in its layer.
        let layer = self.path.len().saturating_sub(1).max(1).min(self.path.len());
        self.parameters.push((self.path[..layer].join("."), values, gradient));
    }
}

struct After {
    parameters: Vec<Tensor<1>>,
}

impl ModuleVisitor for After {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.parameters.push(flat(param));
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
