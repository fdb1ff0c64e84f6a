use burn::{
    backend::{Flex, flex::FlexTensor},
    tensor::TensorData,
};
use rekindle_testing::on_threads;

use super::*;
use crate::{
    cpu::testing::{SIZES, arguments_of, assert_paths_agree, tensor},
    recurrence::InputTensors,
    tensors::Tensors,
};

const CELLS: [Minimal; 2] = [Minimal::Gru, Minimal::Lstm];
const STATE: [usize; 2] = [SIZES[1], SIZES[2]];

/// The arguments of a walk without weights.
fn with_state(input: InputTensors<Flex>, h0: FlexTensor) -> Arguments<Flex> {
    Arguments { input, weights: Tensors(Vec::new()), initial: Tensors(vec![h0]) }
}

#[test]
fn the_scalar_path_gives_the_numbers_of_the_vector_path() {
    for cell in CELLS {
        assert_paths_agree(cell, || arguments_of(cell.gates(), 1, &[]));
    }
}

#[test]
fn nothing_is_kept_beside_the_input_and_the_hidden_states() {
    for cell in CELLS {
        let arguments = arguments_of(cell.gates(), 1, &[]);
        let InputTensors::Projected(projection) = &arguments.input else {
            unreachable!("the arguments hold a projection");
        };
        let memory = Flex::slice(projection).as_ptr();
        let (walked, saved) = CpuWalk::forward::<Flex>(cell, Arch::new(), arguments, &Scan::default(), true);
        let saved = saved.expect("the walk keeps what it is told to");
        assert_eq!(Flex::slice(&saved.hidden).as_ptr(), Flex::slice(&walked.hidden).as_ptr());
        // The gradient takes the place of the projection.
        let upstream = Upstream { hidden: None, last: vec![Some(tensor(STATE, 2))] };
        let gradients = cell.backward::<Flex>(saved, upstream, Wanted { input: true, weight_hh: false });
        assert_eq!(Flex::slice(&gradients.input.expect("it was asked for")).as_ptr(), memory);
    }
}

#[test]
fn a_table_is_kept_and_its_rows_are_not_written_out() {
    for cell in CELLS {
        let table = tensor([5, cell.gates() * SIZES[2]], 1);
        let memory = Flex::slice(&table).as_ptr();
        let tokens = FlexTensor::from_data(TensorData::new(vec![3i64; SIZES[0] * SIZES[1]], [SIZES[0], SIZES[1]]));
        let input = InputTensors::Tokens { table, tokens };
        let (_, saved) = cell.forward::<Flex>(Arch::new(), with_state(input, tensor(STATE, 2)), &Scan::default(), true);
        let Some(Reader::Table(kept, _)) = saved.map(|saved| saved.input) else {
            unreachable!("a table was given");
        };
        assert_eq!(Flex::slice(&kept).as_ptr(), memory);
    }
}

#[test]
fn threads_share_the_units_of_a_single_row() {
    let sizes @ [_, batch, hidden] = [40, 1, 333];
    for cell in CELLS {
        let ends = |threads| {
            on_threads(threads, || {
                let extent = Extent { arch: Arch::new(), steps: sizes[0], batch, gates: cell.gates(), hidden };
                let scan = Scan::default();
                let walk = Walk { cell, extent: &extent, scan: &scan, source: Source::InPlace };
                let mut states = vec![0.0; hidden];
                let mut steps = vec![0.0; sizes[0] * hidden];
                let strands = walk.strands(1, &mut steps, &mut states);
                strands.iter().map(|strand| strand.units.end).collect::<Vec<_>>()
            })
        };
        assert_eq!(ends(1), [333]);
        assert_eq!(ends(2), [96, 192, 288, 333]);

        let results = |threads| {
            on_threads(threads, || {
                let input = InputTensors::Projected(tensor([sizes[0], batch, cell.gates() * hidden], 1));
                let h0 = tensor([batch, hidden], 2);
                let (walked, saved) = cell.forward::<Flex>(Arch::new(), with_state(input, h0), &Scan::default(), true);
                let upstream = Upstream { hidden: Some(tensor(sizes, 3)), last: vec![None] };
                let saved = saved.expect("the walk keeps what it is told to");
                let gradients = cell.backward::<Flex>(saved, upstream, Wanted { input: true, weight_hh: false });
                let gradients = gradients.in_order().map(|gradient| gradient.expect("all were asked for"));
                let results = [walked.hidden].into_iter().chain(walked.last).chain(gradients);
                results.map(|tensor| Flex::slice(&tensor).to_vec()).collect::<Vec<_>>()
            })
        };
        assert_eq!(results(1), results(3));
    }
}
