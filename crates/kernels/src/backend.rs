//! The operations as a Burn backend extension, and the choice between code of our own
//! and the composed twin.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, DispatchDevice, ExtensionType,
        autodiff::{checkpoint::strategy::CheckpointStrategy, ops::NodeGuard},
        backend_extension,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::{DType, Device, Tensor},
};

use crate::{
    Input, Scan,
    gru::Gru,
    lstm::Lstm,
    node::record,
    recurrence::{Recurrence, infer},
    rnn::{Activation, Rnn},
};

#[cfg(feature = "native-gpu")]
mod cube;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "ndarray")]
mod ndarray;

/// [`Input`] in the tensors of a backend.
#[derive(ExtensionType)]
pub(crate) enum InputTensors<B: Backend> {
    Projected(FloatTensor<B>),
    Tokens { table: FloatTensor<B>, tokens: IntTensor<B> },
}

impl Input {
    /// The input as the extension takes it.
    pub(crate) fn into_tensors(self) -> InputTensors<Dispatch> {
        match self {
            Input::Projected(projection) => InputTensors::Projected(projection.into_dispatch()),
            Input::Tokens { table, tokens } => {
                InputTensors::Tokens { table: table.into_dispatch(), tokens: tokens.into_dispatch() }
            }
        }
    }
}

impl<B: Backend, C: CheckpointStrategy> InputTensors<Autodiff<B, C>> {
    /// The tensors of the inner backend, and the node that takes their gradient.
    pub(crate) fn into_parts(self) -> (InputTensors<B>, NodeGuard) {
        match self {
            InputTensors::Projected(projection) => {
                let (projection, node) = projection.into_parts();
                (InputTensors::Projected(projection), node)
            }
            InputTensors::Tokens { table, tokens } => {
                let (table, node) = table.into_parts();
                (InputTensors::Tokens { table, tokens }, node)
            }
        }
    }
}

/// Whether a backend has code of its own for tensors like this one.
pub(crate) fn is_native<const D: usize>(tensor: &Tensor<D>) -> bool {
    let device = tensor.device();
    tensor.dtype() == DType::F32 && (is_cpu(&device) || is_gpu(&device))
}

/// Whether the CPU computes with tensors like this one in native code.
#[cfg(feature = "native-cpu")]
pub(crate) fn is_native_on_cpu<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && is_cpu(&tensor.device())
}

/// Whether a device is the CPU, in native code.
pub(crate) fn is_cpu(device: &Device) -> bool {
    match device.clone().inner().as_dispatch() {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => true,
        _ => false,
    }
}

/// Whether a device is a GPU that runs kernels of our own.
fn is_gpu(device: &Device) -> bool {
    match device.clone().inner().as_dispatch() {
        #[cfg(feature = "native-gpu")]
        DispatchDevice::Cube(_) => cube::runs_kernels(),
        _ => false,
    }
}

// The selectors name the deprecated ndarray backend.
#[allow(deprecated)]
mod extension {
    use super::*;

    /// The recurrent operations of a backend that has code of its own for them. Each
    /// returns the hidden states and the final state.
    #[backend_extension(
        Flex: cfg(feature = "flex"),
        NdArray: cfg(feature = "ndarray"),
        Cube: cfg(feature = "native-gpu"),
        Autodiff
    )]
    pub(crate) trait RecurrentBackend: Backend {
        fn rnn(
            #[extension_type] input: InputTensors<Self>,
            weight_hh: FloatTensor<Self>,
            h0: FloatTensor<Self>,
            activation: Activation,
            scan: Scan,
        ) -> (FloatTensor<Self>, FloatTensor<Self>);

        fn lstm(
            #[extension_type] input: InputTensors<Self>,
            weight_hh: FloatTensor<Self>,
            h0: FloatTensor<Self>,
            c0: FloatTensor<Self>,
            scan: Scan,
        ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

        fn gru(
            #[extension_type] input: InputTensors<Self>,
            weight_hh: FloatTensor<Self>,
            bias_hh: FloatTensor<Self>,
            h0: FloatTensor<Self>,
            scan: Scan,
        ) -> (FloatTensor<Self>, FloatTensor<Self>);
    }
}
pub(crate) use extension::RecurrentBackend;

/// A backend whose tensors the [`Recurrence`] of every cell walks.
pub(crate) trait NativeBackend: Backend {}

impl<B> RecurrentBackend for B
where
    B: NativeBackend,
    Rnn: Recurrence<B, 2, 1>,
    Lstm: Recurrence<B, 3, 2>,
    Gru: Recurrence<B, 3, 1>,
{
    fn rnn(
        input: InputTensors<Self>,
        weight_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        activation: Activation,
        scan: Scan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let walked = infer(Rnn(activation), input, [weight_hh, h0], &scan);
        let [last] = walked.last;
        (walked.hidden, last)
    }

    fn lstm(
        input: InputTensors<Self>,
        weight_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        c0: FloatTensor<Self>,
        scan: Scan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let walked = infer(Lstm, input, [weight_hh, h0, c0], &scan);
        let [last_hidden, last_cell] = walked.last;
        (walked.hidden, last_hidden, last_cell)
    }

    fn gru(
        input: InputTensors<Self>,
        weight_hh: FloatTensor<Self>,
        bias_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        scan: Scan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let walked = infer(Gru, input, [weight_hh, bias_hh, h0], &scan);
        let [last] = walked.last;
        (walked.hidden, last)
    }
}

impl<B, C> RecurrentBackend for Autodiff<B, C>
where
    B: Backend,
    C: CheckpointStrategy,
    Rnn: Recurrence<B, 2, 1>,
    Lstm: Recurrence<B, 3, 2>,
    Gru: Recurrence<B, 3, 1>,
{
    fn rnn(
        input: InputTensors<Self>,
        weight_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        activation: Activation,
        scan: Scan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let cell = Rnn(activation);
        let (hidden, [last]) = record::<_, _, _, 3, _, _>(cell, input, [weight_hh, h0], &scan);
        (hidden, last)
    }

    fn lstm(
        input: InputTensors<Self>,
        weight_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        c0: FloatTensor<Self>,
        scan: Scan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let parameters = [weight_hh, h0, c0];
        let (hidden, [last_hidden, last_cell]) = record::<_, _, _, 4, _, _>(Lstm, input, parameters, &scan);
        (hidden, last_hidden, last_cell)
    }

    fn gru(
        input: InputTensors<Self>,
        weight_hh: FloatTensor<Self>,
        bias_hh: FloatTensor<Self>,
        h0: FloatTensor<Self>,
        scan: Scan,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let parameters = [weight_hh, bias_hh, h0];
        let (hidden, [last]) = record::<_, _, _, 4, _, _>(Gru, input, parameters, &scan);
        (hidden, last)
    }
}
