//! The walk over a sequence for cells composed of plain tensor operations.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use rekindle_kernels::unrolled::unbind;
use rekindle_kernels::{Direction, Input, Scan};

use crate::LayerState;

/// Runs `cell`, which maps a step's projected input `[B, G]` and `[h, c]`,
/// each `[B, H]`, to the next `[h, c]`, over a time-major input.
///
/// Returns the hidden states `[T, B, H]` and the final state. Rows past their
/// length keep their state, put out 0 and get no gradient; a reversed walk
/// begins at each row's last valid step.
///
/// # Panics
///
/// If the lengths or the state do not fit the input.
pub(crate) fn walk(
    input: Input,
    state: LayerState,
    scan: &Scan,
    cell: impl Fn(Tensor<2>, [Tensor<2>; 2]) -> [Tensor<2>; 2],
) -> (Tensor<3>, LayerState) {
    let [time, batch, _] = input.dims();
    let [mut hidden, mut memory] = state.into_hidden_and_cell();
    let shape = hidden.dims();
    assert!(
        shape[0] == batch && memory.dims() == shape,
        "the state must have a row for each of the {batch} rows of the batch, but h is {shape:?} \
         and c {:?}",
        memory.dims()
    );
    if let Some(lengths) = &scan.lengths {
        check_lengths(lengths, time, batch);
    }

    let steps = steps_of(input);
    let mut outputs = vec![None; time];
    let order: Box<dyn Iterator<Item = usize>> = match scan.direction {
        Direction::Forward => Box::new(0..time),
        Direction::Reverse => Box::new((0..time).rev()),
    };
    for t in order {
        let [h, c] = cell(steps[t].clone(), [hidden.clone(), memory.clone()]);
        match finished_rows(scan, t, &hidden.device()) {
            Some(finished) => {
                let finished = finished.expand(shape);
                outputs[t] = Some(h.clone().mask_fill(finished.clone(), 0.0));
                hidden = h.mask_where(finished.clone(), hidden);
                memory = c.mask_where(finished, memory);
            }
            None => {
                outputs[t] = Some(h.clone());
                (hidden, memory) = (h, c);
            }
        }
    }
    let outputs = Tensor::stack(outputs.into_iter().flatten().collect(), 0);
    let cell = Some(memory);
    (outputs, LayerState { hidden, cell })
}

fn check_lengths(lengths: &[usize], time: usize, batch: usize) {
    assert!(
        lengths.len() == batch,
        "`lengths` must have one length for each of the {batch} rows, but has {}",
        lengths.len()
    );
    for (row, length) in lengths.iter().enumerate() {
        assert!(
            (1..=time).contains(length),
            "`lengths[{row}]` must be in 1..={time}, the steps of the input, but is {length}"
        );
    }
}

/// `[B, G]` for each step.
fn steps_of(input: Input) -> Vec<Tensor<2>> {
    let [time, batch, gate_rows] = input.dims();
    let projected = match input {
        Input::Projected(projected) => projected,
        Input::Tokens { table, tokens } => {
            table.select(0, tokens.reshape([time * batch])).reshape([time, batch, gate_rows])
        }
    };
    unbind(projected)
}

/// `[B, 1]`, true where a row has ended before step `t`; none if no row has.
fn finished_rows(scan: &Scan, t: usize, device: &Device) -> Option<Tensor<2, Bool>> {
    let lengths = scan.lengths.as_ref()?;
    let finished: Vec<bool> = lengths.iter().map(|&length| t >= length).collect();
    let shape = [finished.len(), 1];
    finished.contains(&true).then(|| Tensor::from_data(TensorData::new(finished, shape), device))
}
