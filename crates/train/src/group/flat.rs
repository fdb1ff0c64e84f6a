//! All gradients, or all weights, of a model in one buffer.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rekindle_kernels::device::is_cpu;
use rekindle_models::host::numbers;

use super::Group;
use crate::average::values;
use crate::error::TrainError;
use crate::files::sha256;
use crate::updates::flat;

/// The buffer. It is kept from step to step.
#[derive(Debug, Default)]
pub(crate) struct Flat {
    values: Vec<f32>,
    /// Parameters of the model, for each of which the last values say whether it has a gradient.
    parameters: usize,
}

impl Flat {
    /// Takes the gradients of `model`, and `loss` `[1]`.
    pub fn take<M: Module>(
        &mut self,
        model: &M,
        gradients: GradientsParams,
        loss: &Tensor<1>,
    ) -> Result<(), TrainError> {
        let mut take = Take { from: gradients, values: Vec::new(), there: Vec::new() };
        model.visit(&mut take);
        let Take { mut values, there, .. } = take;
        values.push(loss.clone());
        if !is_cpu(&loss.device()) {
            // A GPU is waited for once.
            values = vec![Tensor::cat(values, 0)];
        }
        self.values.clear();
        for values in values {
            self.values.extend(numbers(values)?);
        }
        self.parameters = there.len();
        self.values.extend(there.into_iter().map(|there| f32::from(u8::from(there))));
        Ok(())
    }

    /// Replaces what it has by the sums over all processes.
    pub fn sum(&mut self, group: &dyn Group) {
        group.sum(&mut self.values);
    }

    /// Gives back the gradients and the loss. A parameter without a gradient on some processes has one of zeros there;
    /// one without a gradient on all has none.
    pub fn give<M: Module>(&self, model: &M, device: &Device) -> (GradientsParams, Tensor<1>) {
        let (values, there) = self.values.split_at(self.values.len() - self.parameters);
        let mut give = Give { values, there, device: device.clone(), to: GradientsParams::new() };
        model.visit(&mut give);
        let loss = Tensor::from_data(TensorData::new(give.values.to_vec(), [1]), device);
        (give.to, loss)
    }

    /// `model` with the mean of the weights of all processes.
    pub fn mean<M: Module>(&mut self, group: &dyn Group, model: M) -> Result<M, TrainError> {
        self.values = weights(&model)?;
        group.sum(&mut self.values);
        let share = 1.0 / group.size() as f32;
        self.values.iter_mut().for_each(|value| *value *= share);
        Ok(model.map(&mut Replace { values: &self.values }))
    }
}

/// All weights of a model, in order.
fn weights<M: Module>(model: &M) -> Result<Vec<f32>, TrainError> {
    let weights = values(model);
    Ok(if weights.is_empty() { Vec::new() } else { numbers(Tensor::cat(weights, 0))? })
}

/// The SHA-256 of all weights of a model.
pub(crate) fn digest<M: Module>(model: &M) -> Result<String, TrainError> {
    Ok(sha256(
        weights(model)?
            .chunks(4096)
            .map(|chunk| chunk.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()),
    ))
}

/// Takes the gradients of the parameters, in order, `[N]`.
struct Take {
    from: GradientsParams,
    values: Vec<Tensor<1>>,
    /// Whether each parameter has one.
    there: Vec<bool>,
}

impl ModuleVisitor for Take {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.from.remove::<D>(param.id);
        self.there.push(gradient.is_some());
        let values = match gradient {
            Some(gradient) => {
                let count = gradient.shape().num_elements();
                gradient.reshape([count])
            }
            None => flat(param).zeros_like(),
        };
        self.values.push(values);
    }
}

/// Gives the parameters their gradients, in order.
struct Give<'a> {
    values: &'a [f32],
    there: &'a [f32],
    device: Device,
    to: GradientsParams,
}

impl ModuleVisitor for Give<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = param.val().shape();
        let (values, rest) = self.values.split_at(shape.num_elements());
        self.values = rest;
        let Some((there, rest)) = self.there.split_first() else { return };
        self.there = rest;
        // A parameter may be in a model twice; its gradient is taken once.
        if *there > 0.0 && self.to.get::<D>(param.id).is_none() {
            let gradient = TensorData::new(values.to_vec(), shape);
            self.to.register(param.id, Tensor::<D>::from_data(gradient, &self.device));
        }
    }
}

/// Replaces the weights, in order.
struct Replace<'a> {
    values: &'a [f32],
}

impl ModuleMapper for Replace<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.val().shape();
        let (values, rest) = self.values.split_at(shape.num_elements());
        self.values = rest;
        let values = TensorData::new(values.to_vec(), shape);
        param.map(|old| {
            let (device, tracked) = (old.device(), old.is_require_grad());
            let new = Tensor::from_data(values, &device);
            if tracked { new.require_grad() } else { new }
        })
    }
}
