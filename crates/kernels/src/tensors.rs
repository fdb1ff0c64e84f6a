//! Any number of tensors as one argument of a backend extension.

use burn::backend::{
    Backend, BackendTensor, Dispatch, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind, ExtensionType,
    tensor::FloatTensor,
};

/// Some tensors, identified by their order.
pub(crate) struct Tensors<B: Backend>(pub Vec<FloatTensor<B>>);

impl<B: Backend> Tensors<B> {
    /// The tensors, of which there are `N`.
    ///
    /// # Panics
    /// If there are not.
    pub fn into_array<const N: usize>(self) -> [FloatTensor<B>; N] {
        self.0.try_into().unwrap_or_else(|tensors: Vec<_>| panic!("{} tensors where {N} are taken", tensors.len()))
    }
}

// The same code as `derive` generates for the fields of a struct.
impl<B: Backend> ExtensionType<B> for Tensors<B> {
    type Target = Tensors<Dispatch>;

    fn map_to_dispatch<F>(self, map_kind: F, autodiff: DispatchAutodiffContext) -> Self::Target
    where
        F: Fn(BackendTensor<B>) -> DispatchTensorKind,
    {
        let wrap = |tensor| DispatchTensor { kind: map_kind(BackendTensor::Float(tensor)), autodiff };
        Tensors(self.0.into_iter().map(wrap).collect())
    }

    fn map_from_dispatch<F>(target: Self::Target, unwrap_kind: F) -> Self
    where
        F: Fn(DispatchTensor) -> BackendTensor<B>,
    {
        Tensors(target.0.into_iter().map(|tensor| unwrap_kind(tensor).float()).collect())
    }

    fn routing_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn routing_float_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn autodiff_context(target: &Self::Target) -> DispatchAutodiffContext {
        target.0.iter().fold(DispatchAutodiffContext::Disabled, |context, tensor| context.merge(tensor.autodiff))
    }
}
