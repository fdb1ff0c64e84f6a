//! Mixed precision on a GPU: products of half precision, everything else in `f32`.
//!
//! ```text
//! Y = f32(half(A) half(B))            parameters, sums, states and the optimizer stay f32
//! ```
//!
//! Micikevicius et al. 2018, "Mixed precision training" (arXiv 1710.03740). A product reads half of the bytes, and runs
//! on the units for small matrices where a GPU has them. `f16` has 5 bits of exponent: gradients below 6e-8 are 0 in
//! it, so that the loss must be scaled. `bf16` has the exponents of `f32` and 8 bits of precision.
//!
//! [`within`] sets the precision of the products that are made in it: [`linear`](crate::linear),
//! [`matmul`](crate::matmul), and the recurrent products. Their backward passes have the same precision, wherever they
//! run.

use std::cell::Cell;

use burn::tensor::{DType, Device, FloatDType, Tensor};

use crate::device::is_cpu;

/// The precision of products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of an `f32`.
    Bf16,
}

impl Precision {
    /// The element type of the operands of a product; none if they stay as they are.
    fn half(self) -> Option<FloatDType> {
        match self {
            Self::F32 => None,
            Self::F16 => Some(FloatDType::F16),
            Self::Bf16 => Some(FloatDType::BF16),
        }
    }

    /// Whether a device computes with it. A CPU has native code for `f32` only.
    pub fn runs_on(self, device: &Device) -> bool {
        match self.half() {
            None => true,
            Some(half) => !is_cpu(device) && device.clone().inner().supports_dtype(half),
        }
    }
}

thread_local! {
    static CURRENT: Cell<Precision> = const { Cell::new(Precision::F32) };
}

/// Runs `action`, whose products on GPUs have this precision. On CPUs, and for tensors other than `f32`, nothing
/// changes.
///
/// The precision belongs to the thread: work that `action` hands to other threads has single precision.
pub fn within<R>(precision: Precision, action: impl FnOnce() -> R) -> R {
    /// Restores the precision, also after a panic.
    struct Before(Precision);
    impl Drop for Before {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _before = Before(CURRENT.replace(precision));
    action()
}

/// The element type of the operands of a product in the precision of the thread; none if they stay as they are.
pub(crate) fn half() -> Option<FloatDType> {
    CURRENT.get().half()
}

/// `a b`, Burn's own product, in the precision of the thread.
pub(crate) fn product<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    match half() {
        Some(half) if [&a, &b].iter().all(|operand| operand.dtype() == DType::F32) && !is_cpu(&a.device()) => {
            a.cast(half).matmul(b.cast(half)).cast(FloatDType::F32)
        }
        _ => a.matmul(b),
    }
}
