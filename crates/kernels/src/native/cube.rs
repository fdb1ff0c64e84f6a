//! The GPU backends, all of them Burn's CubeCL backend.

use std::any::Any;

use burn_cubecl::Cube;

use super::{NativeBackend, NativeWalk};
use crate::{
    Scan,
    cube::walks::CubeWalk,
    recurrence::{Arguments, Gradients, Kept, Upstream, Walked, Wanted},
};

// `Cube` is `CubeBackend` or wraps it, depending on Burn's `fusion`, a feature that other crates
// may enable: the code must compile for both.
impl NativeBackend for Cube {
    type Saved<R: NativeWalk> = <R as CubeWalk>::Saved;

    fn forward<R: NativeWalk>(
        walk: R,
        arguments: Arguments<Self>,
        scan: &Scan,
        keep: bool,
    ) -> Kept<Self, Self::Saved<R>> {
        let (walked, saved) = CubeWalk::forward(walk, arguments.map(cast, cast), scan);
        let last = walked.last.into_iter().map(cast).collect();
        (Walked { hidden: cast(walked.hidden), last }, keep.then_some(saved))
    }

    fn backward<R: NativeWalk>(
        walk: R,
        saved: Self::Saved<R>,
        upstream: Upstream<Self>,
        wanted: Wanted,
    ) -> Gradients<Self> {
        let upstream = Upstream {
            hidden: upstream.hidden.map(cast),
            last: upstream.last.into_iter().map(|gradient| gradient.map(cast)).collect(),
        };
        let gradients = CubeWalk::backward(walk, saved, upstream, wanted);
        Gradients {
            input: gradients.input.map(cast),
            weights: gradients.weights.into_iter().map(|gradient| gradient.map(cast)).collect(),
            initial: gradients.initial.into_iter().map(cast).collect(),
        }
    }
}

/// Casts a value to its actual type: the types are equal wherever our kernels
/// [run](crate::device::is_native).
pub(crate) fn cast<A: Any, B: Any>(value: A) -> B {
    let mut value = Some(value);
    let value = (&mut value as &mut dyn Any).downcast_mut::<Option<B>>();
    value.and_then(Option::take).expect("kernels run on tensors that are not to be fused")
}
