//! Recurrences on GPUs, and the passes of all cells with a recurrent product.

use std::fmt::Debug;

use burn::backend::{TensorMetadata, ops::FloatTensorOps};
use burn_cubecl::kernel::into_contiguous;

use super::{
    CubeBackend, CubeTensor,
    cell::CubeCell,
    plan::Plan,
    sequence, step,
    unit::{BackwardTensorsLaunch, ForwardTensorsLaunch, buffer},
    walk::{Walk, at, element, own, product, sum_of_rows},
};
use crate::{
    Scan, precision,
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
    /// If the sequence runs in one launch.
    plan: Option<Plan>,
    /// `[G, H]`, in the precision of the products.
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
        let weight_hh = match precision::half() {
            Some(half) => CubeBackend::float_cast(weight_hh, half),
            None => weight_hh,
        };
        let bias = weights.next().map(into_contiguous);
        let initial: Vec<_> = arguments.initial.0.into_iter().map(into_contiguous).collect();
        let (walk, gates) = Walk::new(arguments.input, &initial[0], scan);
        let plan = walk.plan::<R>(&gates.client);
        let recurrent = (R::APART > 0).then(|| walk.sequence(R::GATES, &gates));
        let states: Vec<_> = match plan {
            Some(_) => initial.iter().map(|initial| walk.slots(initial)).collect(),
            None => initial.iter().map(|initial| walk.states(initial.clone())).collect(),
        };
        // Without lengths, the states are the outputs.
        let outputs = walk.lengths().map(|_| walk.sequence(1, &gates));
        let tensors = || {
            ForwardTensorsLaunch::new(
                buffer(&gates),
                recurrent.as_ref().map(buffer).into(),
                bias.as_ref().map(buffer).into(),
                buffer(&states[0]),
                states.get(1).map(buffer).into(),
                outputs.as_ref().map(buffer).into(),
                walk.lengths().map(buffer).into(),
            )
        };
        let weight_t = CubeBackend::float_transpose(weight_hh.clone());
        let of_weights = element(&weight_hh);
        let ([steps, batch, hidden], client) = (walk.sizes(), &gates.client);
        match plan {
            Some(Plan { forward: tile, .. }) => {
                let (count, group) = tile.threads_of(batch);
                // SAFETY: a thread stays within the shapes of the sequence: it computes only units
                // of rows that there are, and reads only columns of weights that there are.
                unsafe {
                    sequence::forward::launch_unchecked::<R>(
                        client,
                        count,
                        group,
                        tensors(),
                        into_contiguous(weight_t).into_tensor_arg(),
                        initial[0].clone().into_tensor_arg(),
                        initial.get(1).map(|c0| c0.clone().into_tensor_arg()).into(),
                        steps,
                        batch,
                        self,
                        walk.is_reverse(),
                        tile,
                        of_weights,
                    );
                }
            }
            None => {
                for t in walk.order() {
                    let before = walk.before(&states[0], t);
                    let product = product(before, weight_t.clone());
                    let (count, group) = walk.threads(client);
                    // SAFETY: every thread that has a unit stays within the shapes of the sequence,
                    // and the others leave at once.
                    unsafe {
                        step::forward::launch_unchecked::<R>(
                            client,
                            count,
                            group,
                            tensors(),
                            product.into_tensor_arg(),
                            t,
                            batch,
                            hidden,
                            self,
                            walk.is_reverse(),
                        );
                    }
                }
            }
        }
        let last = states.iter().map(|states| walk.last(states)).collect();
        let walked = Walked { hidden: outputs.unwrap_or_else(|| walk.after(&states[0])), last };
        let gates = (!R::GATE_IS_STATE).then_some(gates);
        (walked, Saved { walk, plan, weight_hh, gates, recurrent, states })
    }

    fn backward(self, saved: Saved, upstream: Upstream<CubeBackend>, wanted: Wanted) -> Gradients<CubeBackend> {
        let Saved { walk, plan, weight_hh, gates, recurrent, states } = saved;
        let like = &states[0];
        let (of_weights, of_products) = (element(&weight_hh), weight_hh.dtype());
        let gates = gates.map_or_else(|| walk.sequence(R::GATES, like), own);
        let recurrent = recurrent.map(own);
        let d_hidden = upstream.hidden.map(into_contiguous);
        let tensors = || {
            BackwardTensorsLaunch::new(
                buffer(&gates),
                recurrent.as_ref().map(buffer).into(),
                buffer(&states[states.len() - 1]),
                d_hidden.as_ref().map(buffer).into(),
                walk.lengths().map(buffer).into(),
            )
        };
        // The gradients of the recurrent products.
        let products = recurrent.as_ref().unwrap_or(&gates);
        let ([steps, batch, hidden], client) = (walk.sizes(), &gates.client);
        let last = upstream.last.into_iter().map(|gradient| gradient.map(into_contiguous));
        let initial = match plan {
            Some(Plan { backward: tile, .. }) => {
                let initial: Vec<_> = states.iter().map(|_| walk.state(like)).collect();
                let mut last = last.map(|gradient| gradient.map(CubeTensor::into_tensor_arg));
                let (count, group) = tile.threads_of(batch);
                // SAFETY: as in the forward pass.
                unsafe {
                    sequence::backward::launch_unchecked::<R>(
                        client,
                        count,
                        group,
                        tensors(),
                        into_contiguous(weight_hh).into_tensor_arg(),
                        last.next().flatten().into(),
                        last.next().flatten().into(),
                        initial[0].clone().into_tensor_arg(),
                        initial.get(1).map(|dc0| dc0.clone().into_tensor_arg()).into(),
                        steps,
                        batch,
                        self,
                        walk.is_reverse(),
                        tile,
                        of_weights,
                    );
                }
                initial
            }
            None => {
                let mut last = last.map(|gradient| gradient.unwrap_or_else(|| walk.zero_state(like)));
                let mut dh = last.next().expect("every cell has a hidden state");
                let (direct, dc) = (walk.zero_state(like), last.next().map(own));
                for t in walk.order().into_iter().rev() {
                    let (count, group) = walk.threads(client);
                    // SAFETY: as in the forward pass.
                    unsafe {
                        step::backward::launch_unchecked::<R>(
                            client,
                            count,
                            group,
                            tensors(),
                            dh.into_tensor_arg(),
                            direct.clone().into_tensor_arg(),
                            dc.as_ref().map(|dc| dc.clone().into_tensor_arg()).into(),
                            t,
                            batch,
                            hidden,
                            self,
                            walk.is_reverse(),
                        );
                    }
                    dh = product(at(products, t), weight_hh.clone());
                }
                [CubeBackend::float_add(dh, direct)].into_iter().chain(dc).collect()
            }
        };
        let weight_hh = wanted.weight_hh.then(|| walk.weight_gradient(products, like, of_products));
        let bias_hh = recurrent.map(sum_of_rows);
        let input = wanted.input.then(|| walk.input_gradient(gates));
        Gradients { input, weights: [weight_hh].into_iter().chain(bias_hh.map(Some)).collect(), initial }
    }
}
