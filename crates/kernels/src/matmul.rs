//! Matrix products, as Burn's `matmul`.
//!
//! ```text
//! Y = A B,  ∂L/∂A = ∂L/∂Y Bᵀ,  ∂L/∂B = Aᵀ ∂L/∂Y
//! ```
//!
//! For `f32` on Burn's ndarray backend, whose own products are slow, one operation: operands that are transposed views
//! are read as they are, the matrices of a batch are shared out over the threads, and so are the rows of a single one.
//! Everywhere else it is Burn's own, in the thread's [`precision`](crate::precision).

#[cfg(feature = "native-cpu")]
pub(crate) mod cpu;

use burn::tensor::Tensor;

use crate::precision::product;

#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::has_native_product};

/// `a b` of matrices, or of batches of them.
///
/// # Shapes
/// - `a` `[.., N, K]`, `b` `[.., K, M]`; a dimension before these is the same in both, or 1 in one of them
/// - output `[.., N, M]`
///
/// # Panics
/// If the shapes do not fit.
pub fn matmul<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "native-cpu")]
    if D >= 2 && has_native_product(&a) && has_native_product(&b) && cpu::fits(&a.dims(), &b.dims()) {
        return Tensor::from_dispatch(run(cpu::Matmul, [a.into_dispatch(), b.into_dispatch()]));
    }
    // Burn's own refuses what does not fit.
    product(a, b)
}
