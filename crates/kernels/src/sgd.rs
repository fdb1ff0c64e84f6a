//! A step of stochastic gradient descent.
//!
//! ```text
//! g = ∂L/∂w + λ w
//! v = μ v + g                 with momentum, else v = g
//! w = w - η v
//! ```
//!
//! PyTorch's form (Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", with the
//! learning rate outside of the velocity), with values identical to those of Burn's `Sgd`.

#[cfg(feature = "native-gpu")]
mod cube;

use burn::tensor::Tensor;

/// The constants of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// `μ`, of parameters with a velocity.
    pub momentum: f32,
    /// `λ`: an L2 penalty.
    pub penalty: f32,
    /// `η`.
    pub learning_rate: f64,
}

/// The steps of several parameters, which a GPU takes in a few launches, whatever their number.
///
/// [`step`](Self::step) returns tensors at once, but on a GPU they have their new values only after [`run`](Self::run).
/// Nothing may read them before.
#[derive(Default)]
pub struct Steps {
    #[cfg(feature = "native-gpu")]
    pending: Vec<cube::Pending>,
}

impl Steps {
    /// No step.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step of another parameter and of its velocity `v`, initially zeros, if there is momentum; takes it at
    /// once where there is no kernel for many of them. All have one shape and none is tracked by autodiff.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn step<const D: usize>(
        &mut self,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        velocity: Option<Tensor<D>>,
        step: &Step,
    ) -> (Tensor<D>, Option<Tensor<D>>) {
        let shape = parameter.dims();
        for (name, other) in [("gradient", Some(&gradient)), ("velocity", velocity.as_ref())] {
            if let Some(other) = other {
                assert!(other.dims() == shape, "`{name}` must be {shape:?} as the parameter, got {:?}", other.dims());
            }
        }
        #[cfg(feature = "native-gpu")]
        if [Some(&parameter), Some(&gradient), velocity.as_ref()].into_iter().flatten().all(crate::multi::has_kernels) {
            let (pending, parameter, velocity) = cube::Pending::new(parameter, gradient, velocity, *step);
            self.pending.push(pending);
            return (parameter, velocity);
        }
        composed(parameter, gradient, velocity, step)
    }

    /// Takes the steps.
    pub fn run(&mut self) {
        #[cfg(feature = "native-gpu")]
        cube::run(std::mem::take(&mut self.pending));
    }
}

/// A step in tensor operations: the specification that tests compare the kernel with.
pub fn composed<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    velocity: Option<Tensor<D>>,
    step: &Step,
) -> (Tensor<D>, Option<Tensor<D>>) {
    let g = if step.penalty == 0.0 { gradient } else { parameter.clone().mul_scalar(step.penalty) + gradient };
    let velocity = velocity.map(|velocity| g.clone() + velocity.mul_scalar(step.momentum));
    let change = velocity.clone().unwrap_or(g).mul_scalar(step.learning_rate);
    (parameter - change, velocity)
}
