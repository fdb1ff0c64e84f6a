//! A step of Adam in one pass over a parameter, its gradient and its moments.
//!
//! ```text
//! g = ∂L/∂w + λ w                                     λ: Decay::Gradient, else 0
//! m = β₁ m + (1 - β₁) g,  v = β₂ v + (1 - β₂) g²
//! w = (1 - η λ) w - η (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)     λ: Decay::Weight, else 0
//! ```
//!
//! Kingma and Ba 2015, *Adam* (arXiv 1412.6980), algorithm 1; Loshchilov and Hutter 2019,
//! *Decoupled weight decay regularization* (arXiv 1711.05101), algorithm 2. In tensor operations a
//! step reads and writes a dozen tensors of the parameter's size, on one CPU thread. Here it reads
//! four and writes three, in place, on all threads, with values identical to those of Burn's
//! `Adam`.

#[cfg(feature = "native-cpu")]
mod cpu;
#[cfg(feature = "native-gpu")]
mod cube;

use burn::tensor::Tensor;

/// Weight decay: how unused weights go to 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// Part of the gradient, as in Adam with an L2 penalty.
    Gradient(f32),
    /// Separate from the gradient, as in AdamW.
    Weight(f32),
}

/// The constants of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// `β₁`: decay of the running mean of gradients.
    pub beta_1: f32,
    /// `β₂`: decay of the running mean of their squares.
    pub beta_2: f32,
    /// `ε`: prevents division by 0.
    pub epsilon: f32,
    /// `λ`.
    pub decay: Decay,
    /// `η`.
    pub learning_rate: f64,
    /// `t`: 1 for the first step of a parameter.
    pub time: usize,
}

impl Step {
    /// `√(1 - β₂ᵗ) / (1 - β₁ᵗ)`, and `ε √(1 - β₂ᵗ)`: the corrections of both moments, for a
    /// step `m c / (√v + ε)`.
    fn corrections(&self) -> [f32; 2] {
        let root = (1.0 - self.beta_2.powi(self.time as i32)).sqrt();
        [root / (1.0 - self.beta_1.powi(self.time as i32)), self.epsilon * root]
    }

    /// `λ` of a decay in the gradient.
    fn penalty(&self) -> f32 {
        match self.decay {
            Decay::Gradient(decay) => decay,
            Decay::Weight(_) => 0.0,
        }
    }

    /// `1 - η λ` of a decay separate from the gradient.
    fn kept(&self) -> f32 {
        match self.decay {
            Decay::Gradient(_) => 1.0,
            Decay::Weight(decay) => (1.0 - self.learning_rate * f64::from(decay)) as f32,
        }
    }
}

/// Updates the parameter and its moments `m` and `v`, initially zeros, by a step down `gradient`.
/// All have one shape and none is tracked by autodiff. Tensors without other owners are
/// overwritten.
///
/// # Panics
/// If the shapes differ.
pub fn step<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    moments: [Tensor<D>; 2],
    step: &Step,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    check(&parameter, &gradient, &moments);
    #[cfg(feature = "native-cpu")]
    if crate::device::is_native_on_cpu(&parameter) && !parameter.device().is_autodiff() {
        return cpu::step(parameter, gradient, moments, *step);
    }
    composed(parameter, gradient, moments, step)
}

fn check<const D: usize>(parameter: &Tensor<D>, gradient: &Tensor<D>, moments: &[Tensor<D>; 2]) {
    let shape = parameter.dims();
    for (name, other) in [("gradient", gradient), ("moments[0]", &moments[0]), ("moments[1]", &moments[1])] {
        assert!(other.dims() == shape, "`{name}` must be {shape:?} as the parameter, got {:?}", other.dims());
    }
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

    /// Adds a [`step`] of another parameter; takes it at once where there is no kernel for many of them.
    ///
    /// # Panics
    /// As [`step`].
    pub fn step<const D: usize>(
        &mut self,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        moments: [Tensor<D>; 2],
        step: &Step,
    ) -> (Tensor<D>, [Tensor<D>; 2]) {
        #[cfg(feature = "native-gpu")]
        if [&parameter, &gradient, &moments[0], &moments[1]].into_iter().all(crate::multi::has_kernels) {
            check(&parameter, &gradient, &moments);
            let (pending, parameter, moments) = cube::Pending::new(parameter, gradient, moments, *step);
            self.pending.push(pending);
            return (parameter, moments);
        }
        self::step(parameter, gradient, moments, step)
    }

    /// Takes the steps.
    pub fn run(&mut self) {
        #[cfg(feature = "native-gpu")]
        cube::run(std::mem::take(&mut self.pending));
    }
}

/// [`step`] in tensor operations: the specification that tests compare the native code with.
pub fn composed<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    [m, v]: [Tensor<D>; 2],
    step: &Step,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let [correction, epsilon] = step.corrections();
    let penalty = step.penalty();
    let g = if penalty == 0.0 { gradient } else { parameter.clone().mul_scalar(penalty) + gradient };
    let m = m.mul_scalar(step.beta_1) + g.clone().mul_scalar(1.0 - step.beta_1);
    let v = v.mul_scalar(step.beta_2) + g.square().mul_scalar(1.0 - step.beta_2);
    let change = m.clone().mul_scalar(correction) / v.clone().sqrt().add_scalar(epsilon);
    let kept = if step.kept() == 1.0 { parameter } else { parameter.mul_scalar(step.kept()) };
    (kept - change.mul_scalar(step.learning_rate), [m, v])
}
