//! The GPU backends: all of them are Burn's one CubeCL backend.

use std::any::{Any, TypeId};

use burn::backend::tensor::FloatTensor;
use burn_cubecl::{Cube, CubeBackend, tensor::CubeTensor};

use super::{InputTensors, NativeBackend};
use crate::{
    Scan,
    cube::recurrence::CubeRecurrence,
    recurrence::{Gradients, Recurrence, Upstream, Walked, Wanted},
};

/// Whether kernels of our own can be given Burn's tensors.
///
/// With Burn's feature `fusion` they cannot: there a tensor is a place in a stream of
/// operations yet to be fused, and the composed twin has its place in that stream.
pub(crate) fn runs_kernels() -> bool {
    TypeId::of::<FloatTensor<Cube>>() == TypeId::of::<CubeTensor>()
}

impl NativeBackend for Cube {}

// `Cube` is `CubeBackend` or wraps it, as Burn's `fusion` will have it, a feature that
// other crates switch: the code must compile for both.
impl<R: CubeRecurrence<P, S>, const P: usize, const S: usize> Recurrence<Cube, P, S> for R {
    type Saved = R::Saved;

    fn forward(
        self,
        input: InputTensors<Cube>,
        parameters: [FloatTensor<Cube>; P],
        scan: &Scan,
        keep: bool,
    ) -> (Walked<Cube, S>, Option<R::Saved>) {
        let input = match input {
            InputTensors::Projected(projection) => InputTensors::Projected(cast(projection)),
            InputTensors::Tokens { table, tokens } => InputTensors::Tokens { table: cast(table), tokens: cast(tokens) },
        };
        let (walked, saved) = CubeRecurrence::forward(self, input, parameters.map(cast), scan);
        let walked = Walked { hidden: cast(walked.hidden), last: walked.last.map(cast) };
        (walked, keep.then_some(saved))
    }

    fn backward(saved: R::Saved, upstream: Upstream<Cube, S>, wanted: Wanted) -> Gradients<Cube, P> {
        let upstream = Upstream::<CubeBackend, S> {
            hidden: upstream.hidden.map(cast),
            last: upstream.last.map(|gradient| gradient.map(cast)),
        };
        let gradients = <R as CubeRecurrence<P, S>>::backward(saved, upstream, wanted);
        Gradients {
            input: gradients.input.map(cast),
            parameters: gradients.parameters.map(|gradient| gradient.map(cast)),
        }
    }
}

/// A value as what it is: the types are the same where [`runs_kernels`].
fn cast<A: Any, B: Any>(value: A) -> B {
    let mut value = Some(value);
    let value = (&mut value as &mut dyn Any).downcast_mut::<Option<B>>();
    value.and_then(Option::take).expect("kernels run on tensors that are not to be fused")
}
