//! Recurrences on GPUs, and the passes of all cells with a recurrent product.

use std::fmt::Debug;

use burn::backend::ops::FloatTensorOps;
use burn_cubecl::kernel::into_contiguous;

use super::{
    CubeBackend, CubeTensor,
    cell::{CubeCell, Sequence, StateGradients},
    walk::{Walk, at, own, sum_of_rows},
};
use crate::{
    Scan,
    recurrence::{Arguments, Gradients, Recurrence, Upstream, Walked, Wanted},
};

/// The forward and backward passes over a sequence.
pub(crate) trait CubeWalk: Recurrence {
    /// State that the forward pass saves for the backward pass.
    type Saved: Clone + Debug + Send + 'static;

    /// Runs the sequence.
    fn forward(self, arguments: Arguments<CubeBackend>, scan: &Scan) -> (Walked<CubeBackend>, Self::Saved);

    /// Back-propagation through time.
    fn backward(self, saved: Self::Saved, upstream: Upstream<CubeBackend>, wanted: Wanted) -> Gradients<CubeBackend>;
}

/// State that the forward pass saves for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    walk: Walk,
    weight_hh: CubeTensor,
    /// `[T, B, G]`: the gates, if they are not the hidden states.
    gates: Option<CubeTensor>,
    /// `[T, B, G]`: the recurrent products of a cell with a separate gate.
    recurrent: Option<CubeTensor>,
    /// `[T + 1, B, H]` each: the states before and after each step.
    states: Vec<CubeTensor>,
}

impl<R: CubeCell> CubeWalk for R {
    type Saved = Saved;

    fn forward(self, arguments: Arguments<CubeBackend>, scan: &Scan) -> (Walked<CubeBackend>, Saved) {
        let mut weights = arguments.weights.0.into_iter();
        let weight_hh = weights.next().expect("every cell has recurrent weights");
        let bias = weights.next().map(into_contiguous);
        let initial = arguments.initial.0;
        let (walk, gates) = Walk::new(arguments.input, &initial[0], scan);
        let recurrent = (R::APART > 0).then(|| walk.sequence(R::GATES, &gates));
        let states = initial.into_iter().map(|initial| walk.states(initial)).collect();
        let weight_t = CubeBackend::float_transpose(weight_hh.clone());
        let sequence = Sequence::new(walk, gates, recurrent, bias, states);
        for t in sequence.walk.order() {
            let before = sequence.walk.before(&sequence.states[0], t);
            self.step(&sequence, t, CubeBackend::float_matmul(before, weight_t.clone()));
        }
        let Sequence { walk, gates, recurrent, states, .. } = sequence;
        let last = states.iter().map(|states| walk.last(states)).collect();
        let walked = Walked { hidden: walk.outputs(&states[0]), last };
        let gates = (!R::GATE_IS_STATE).then_some(gates);
        (walked, Saved { walk, weight_hh, gates, recurrent, states })
    }

    fn backward(self, saved: Saved, upstream: Upstream<CubeBackend>, wanted: Wanted) -> Gradients<CubeBackend> {
        let Saved { walk, weight_hh, gates, recurrent, states } = saved;
        let like = &states[0];
        let mut last = upstream.last.into_iter().map(|gradient| walk.gradient_or_zeros(gradient, like));
        let mut dh = last.next().expect("every cell has a hidden state");
        let gradients = StateGradients {
            cell: last.next().map(own),
            direct: walk.zero_state(like),
            hidden: upstream.hidden.map(into_contiguous),
        };
        let gates = gates.map_or_else(|| walk.sequence(R::GATES, like), own);
        let sequence = Sequence::new(walk, gates, recurrent.map(own), None, states);
        // The gradients of the recurrent products.
        let products = sequence.recurrent.as_ref().unwrap_or(&sequence.gates);
        for t in sequence.walk.order().into_iter().rev() {
            self.step_back(&sequence, t, dh, &gradients);
            dh = CubeBackend::float_matmul(at(products, t), weight_hh.clone());
        }
        let dh = CubeBackend::float_add(dh, gradients.direct);
        let weight_hh = wanted.weight_hh.then(|| sequence.walk.weight_gradient(products, &sequence.states[0]));
        let Sequence { walk, gates, recurrent, .. } = sequence;
        let bias_hh = recurrent.map(sum_of_rows);
        let input = wanted.input.then(|| walk.input_gradient(gates));
        Gradients {
            input,
            weights: [weight_hh].into_iter().chain(bias_hh.map(Some)).collect(),
            initial: [dh].into_iter().chain(gradients.cell).collect(),
        }
    }
}
