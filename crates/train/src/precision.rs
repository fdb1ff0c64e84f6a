//! Training in mixed precision: the scale of the loss.
//!
//! In `f16` a number below 6e-8 is 0, and most gradients of a loss are. So the loss is multiplied by a scale `S` before
//! the backward pass, and the gradients by `1 / S` after it, in `f32`. A scale that is too large overflows, which the
//! norm of the gradients shows:
//!
//! ```text
//! S = 2^16
//! each step:  compute the gradients; while their norm is not finite and S > 1:  S = S / 2, compute them again
//!             after 2000 steps without overflow:  S = 2 S
//! ```
//!
//! Micikevicius et al. 2018, "Mixed precision training" (arXiv 1710.03740), section 3.2. They leave out a step that
//! overflows; here it is computed again, so that every batch counts. `bf16` needs no scale.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rekindle_kernels::precision::Precision;
use rekindle_settings::{SettingError, names};
use serde::{Deserialize, Serialize};

names! {
    /// The precision of products in training, on a GPU that has it; the rest is `f32`.
    #[derive(Default)]
    pub enum PrecisionKind {
        /// Single precision.
        #[default]
        F32 = "f32",
        /// IEEE half precision, with a scaled loss.
        F16 = "f16",
        /// The upper half of an `f32`.
        Bf16 = "bf16",
    }
}

impl PrecisionKind {
    pub(crate) fn of_products(self) -> Precision {
        match self {
            Self::F32 => Precision::F32,
            Self::F16 => Precision::F16,
            Self::Bf16 => Precision::Bf16,
        }
    }

    /// Refuses a precision that the device does not have.
    pub(crate) fn check(self, device: &Device) -> Result<(), SettingError> {
        match self.of_products().runs_on(device) {
            true => Ok(()),
            false => {
                Err(SettingError::invalid("precision", self, "f32 on this device, which has no products of this type"))
            }
        }
    }

    /// The scale at the start of a run, where one is needed.
    pub(crate) fn first_scale(self) -> Option<LossScale> {
        (self == Self::F16).then(LossScale::default)
    }
}

/// The scale of the loss; see the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    /// `S`, a power of 2.
    pub factor: f64,
    /// Steps since it changed.
    pub steps: u64,
}

impl Default for LossScale {
    fn default() -> Self {
        Self { factor: 65536.0, steps: 0 }
    }
}

/// Steps without overflow after which the scale grows.
const PATIENCE: u64 = 2000;
/// The largest scale, `2^24`: as many powers of 2 as `f16` has below 1.
const LARGEST: f64 = 16_777_216.0;

impl LossScale {
    /// [`overflowed`](Self::overflowed) for a norm on the device, which is waited for. A device that fails here is
    /// reported when it is read next.
    pub(crate) fn overflows(&mut self, norm: &Tensor<1>) -> bool {
        self.overflowed(norm.clone().try_into_data().map_or(0.0, |norm| norm.iter::<f64>().sum()))
    }

    /// Adapts the scale to a step with this norm of its gradients; returns whether they overflowed, so that the step
    /// has to be computed again. With a scale of 1 they did not: what is not finite then is the loss.
    fn overflowed(&mut self, norm: f64) -> bool {
        if !norm.is_finite() && self.factor > 1.0 {
            *self = Self { factor: self.factor / 2.0, steps: 0 };
            return true;
        }
        self.steps += 1;
        if self.steps >= PATIENCE && self.factor < LARGEST {
            *self = Self { factor: self.factor * 2.0, steps: 0 };
        }
        false
    }
}

/// Multiplies a loss by its scale.
pub(crate) fn scaled(loss: Tensor<1>, factor: f64) -> Tensor<1> {
    if factor == 1.0 { loss } else { loss.mul_scalar(factor) }
}

/// Multiplies the gradients of `model` by `factor`.
pub(crate) fn multiplied<M: Module>(model: &M, gradients: GradientsParams, factor: f64) -> GradientsParams {
    if factor == 1.0 {
        return gradients;
    }
    let mut multiply = Multiply { factor, gradients, out: GradientsParams::new() };
    model.visit(&mut multiply);
    multiply.out
}

struct Multiply {
    factor: f64,
    gradients: GradientsParams,
    out: GradientsParams,
}

impl ModuleVisitor for Multiply {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.out.register(param.id, gradient.mul_scalar(self.factor));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_halves_at_an_overflow_and_grows_after_long_without_one() {
        let mut scale = LossScale::default();
        assert!(scale.overflowed(f64::INFINITY) && scale.overflowed(f64::NAN));
        assert_eq!(scale, LossScale { factor: 16384.0, steps: 0 });
        for _ in 0..PATIENCE - 1 {
            assert!(!scale.overflowed(1.0));
        }
        assert_eq!(scale.factor, 16384.0);
        assert!(!scale.overflowed(1.0));
        assert_eq!(scale, LossScale { factor: 32768.0, steps: 0 });
    }

    #[test]
    fn a_loss_that_is_not_finite_is_not_tried_for_ever() {
        let mut scale = LossScale::default();
        let tries = (0..100).take_while(|_| scale.overflowed(f64::NAN)).count();
        assert_eq!((tries, scale.factor), (16, 1.0));
    }
}
