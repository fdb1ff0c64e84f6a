//! The GPU backends: all of them are Burn's one CubeCL backend.

use std::any::Any;

use burn_cubecl::Cube;

use super::{NativeBackend, NativeCell};
use crate::{
    Scan,
    cube::passes::{self, Saved},
    recurrence::{Arguments, Gradients, Upstream, Walked, Wanted},
};

// `Cube` is `CubeBackend` or wraps it, as Burn's `fusion` will have it, a feature that
// other crates switch: the code must compile for both.
impl NativeBackend for Cube {
    type Saved = Saved;

    fn forward<R: NativeCell>(
        cell: R,
        arguments: Arguments<Self>,
        scan: &Scan,
        keep: bool,
    ) -> (Walked<Self>, Option<Saved>) {
        let (walked, saved) = passes::forward(cell, arguments.map(cast, cast), scan);
        let last = walked.last.into_iter().map(cast).collect();
        (Walked { hidden: cast(walked.hidden), last }, keep.then_some(saved))
    }

    fn backward<R: NativeCell>(cell: R, saved: Saved, upstream: Upstream<Self>, wanted: Wanted) -> Gradients<Self> {
        let upstream = Upstream {
            hidden: upstream.hidden.map(cast),
            last: upstream.last.into_iter().map(|gradient| gradient.map(cast)).collect(),
        };
        let gradients = passes::backward(cell, saved, upstream, wanted);
        Gradients {
            input: gradients.input.map(cast),
            weight_hh: gradients.weight_hh.map(cast),
            bias_hh: gradients.bias_hh.map(cast),
            initial: gradients.initial.into_iter().map(cast).collect(),
        }
    }
}

/// A value as what it is: the types are the same where kernels of our own
/// [are run](crate::device::is_native).
fn cast<A: Any, B: Any>(value: A) -> B {
    let mut value = Some(value);
    let value = (&mut value as &mut dyn Any).downcast_mut::<Option<B>>();
    value.and_then(Option::take).expect("kernels run on tensors that are not to be fused")
}
