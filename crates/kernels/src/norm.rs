//! The norm of a gradient, and clipping by it.
//!
//! ```text
//! value         g_pi = max(-c, min(c, g_pi))
//! tensor norm   g_p  = g_p min(1, c / (‖g_p‖ + ε))          each parameter by itself
//! global norm   g_p  = g_p min(1, c / (√Σ_p ‖g_p‖² + ε))     PyTorch's clip_grad_norm_, ε = 1e-6
//! ```
//!
//! Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks" (arXiv 1211.5063).

#[cfg(feature = "native-cpu")]
mod cpu;
#[cfg(feature = "native-gpu")]
mod cube;

use burn::backend::{Dispatch, tensor::FloatTensor};
use burn::tensor::{Device, Tensor};

use crate::layout::contiguous;
#[cfg(feature = "native-cpu")]
use crate::{cpu::operation::run, device::is_native_on_cpu};

/// The sum of the squares of all elements, `[1]`.
///
/// For `f32` on a CPU one pass on all threads, with the same result for any number of them; elsewhere Burn's
/// operations.
pub fn squared_norm<const D: usize>(input: Tensor<D>) -> Tensor<1> {
    #[cfg(feature = "native-cpu")]
    if is_native_on_cpu(&input) {
        return Tensor::from_dispatch(run(cpu::SquaredNorm, [input.into_dispatch()]));
    }
    input.square().sum()
}

/// PyTorch's constant, against division by 0.
const EPSILON: f64 = 1e-6;

/// What clipping bounds, and the bound `c`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Nothing.
    None,
    /// Each value.
    Value(f64),
    /// The norm of each parameter's gradient.
    TensorNorm(f64),
    /// The norm of all gradients together.
    GlobalNorm(f64),
}

/// The gradients of a model's parameters, in the order in which they were added.
#[derive(Default)]
pub struct Gradients {
    /// Row-major, unless all are on a GPU whose kernels take any layout.
    tensors: Vec<Flattened>,
}

/// A gradient, and its operations for its number of dimensions.
struct Flattened {
    tensor: FloatTensor<Dispatch>,
    /// Whether the kernels for many tensors take it.
    #[cfg_attr(not(feature = "native-gpu"), allow(dead_code, reason = "only GPUs have such kernels"))]
    has_kernels: bool,
    squared_norm: fn(FloatTensor<Dispatch>) -> Tensor<1>,
    clip: fn(FloatTensor<Dispatch>, Bound, &Tensor<1>) -> FloatTensor<Dispatch>,
}

impl Gradients {
    /// No gradient.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the gradient of another parameter, without gradients of its own.
    pub fn push<const D: usize>(&mut self, gradient: Tensor<D>) {
        #[cfg(feature = "native-gpu")]
        let has_kernels = crate::multi::has_kernels(&gradient);
        #[cfg(not(feature = "native-gpu"))]
        let has_kernels = false;
        // The gradient of a transposed weight is a transposed view, which everything that reads it, the optimizer
        // included, is slow at until it is made contiguous.
        let gradient = if has_kernels { gradient } else { contiguous(gradient) };
        self.tensors.push(Flattened {
            tensor: gradient.into_dispatch(),
            has_kernels,
            squared_norm: |tensor| squared_norm(Tensor::<D>::from_dispatch(tensor)),
            clip: |tensor, bound, global| clip_one(Tensor::<D>::from_dispatch(tensor), bound, global).into_dispatch(),
        });
    }

    /// Clips the gradients. Returns them in order, with the global norm before clipping, `[1]`.
    ///
    /// On a GPU three launches, whatever the number of gradients, or a few more where a kernel may have few buffers.
    /// Nothing is read back.
    pub fn clip(self, bound: Bound) -> (Clipped, Tensor<1>) {
        #[cfg(feature = "native-gpu")]
        if self.tensors.iter().all(|gradient| gradient.has_kernels)
            && let Some(clipped) = self.clip_with_kernels(bound)
        {
            return clipped;
        }
        self.clip_each(bound)
    }

    /// [`clip`](Self::clip) in tensor operations: the specification that tests compare the kernels with.
    pub fn clip_each(self, bound: Bound) -> (Clipped, Tensor<1>) {
        let squared = self.tensors.iter().map(|gradient| (gradient.squared_norm)(gradient.tensor.clone()));
        let global = squared.reduce(|sum, squared| sum + squared).map(Tensor::sqrt);
        let global = global.unwrap_or_else(|| Tensor::zeros([1], &Device::default()));
        let clipped = self.tensors.into_iter().map(|gradient| (gradient.clip)(gradient.tensor, bound, &global));
        (Clipped(clipped.collect::<Vec<_>>().into_iter()), global)
    }

    #[cfg(feature = "native-gpu")]
    fn clip_with_kernels(&self, bound: Bound) -> Option<(Clipped, Tensor<1>)> {
        use crate::multi::{primitive, wrap};
        // The number of dimensions does not matter to kernels.
        let gradients = self.tensors.iter().map(|gradient| Tensor::<1>::from_dispatch(gradient.tensor.clone()));
        let tensors: Vec<_> = gradients.map(primitive).collect();
        if tensors.iter().any(|tensor| tensor.device != tensors[0].device) {
            return None;
        }
        let (clipped, norm) = cube::clip(tensors, bound)?;
        let clipped: Vec<_> = clipped.into_iter().map(|tensor| wrap::<1>(tensor).into_dispatch()).collect();
        Some((Clipped(clipped.into_iter()), wrap(norm)))
    }
}

/// Clipped gradients.
pub struct Clipped(std::vec::IntoIter<FloatTensor<Dispatch>>);

impl Clipped {
    /// Takes the next one.
    ///
    /// # Panics
    /// If there is none, or it has another number of dimensions.
    pub fn take<const D: usize>(&mut self) -> Tensor<D> {
        Tensor::from_dispatch(self.0.next().expect("a gradient for each that was added"))
    }
}

fn clip_one<const D: usize>(gradient: Tensor<D>, bound: Bound, global: &Tensor<1>) -> Tensor<D> {
    let scaled = |gradient: Tensor<D>, norm: Tensor<1>, at: f64| {
        let factor = norm.add_scalar(EPSILON).recip().mul_scalar(at).clamp_max(1.0);
        #[cfg(feature = "native-cpu")]
        if is_native_on_cpu(&gradient) {
            // A number can be read at once here, and most steps clip nothing.
            let factor: f32 = factor.into_scalar();
            return if factor == 1.0 { gradient } else { gradient.mul_scalar(factor) };
        }
        gradient.mul(factor.unsqueeze())
    };
    match bound {
        Bound::None => gradient,
        Bound::Value(at) => gradient.clamp(-at, at),
        Bound::TensorNorm(at) => {
            let norm = squared_norm(gradient.clone()).sqrt();
            scaled(gradient, norm, at)
        }
        Bound::GlobalNorm(at) => scaled(gradient, global.clone(), at),
    }
}
