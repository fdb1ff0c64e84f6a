//! Mistakes in shapes and sizes panic with a message that says what is wrong.

use burn::tensor::{Int, Tensor};
use rekindle_rnn::{Cell, Error, Recurrent, RecurrentConfig, SequenceInput};
use rstest::rstest;

use crate::devices::any as device;

fn network(cell: Cell) -> Recurrent {
    RecurrentConfig::new(5, 4, cell).init(&device())
}

fn rows(batch: usize, features: usize) -> Tensor<3> {
    Tensor::zeros([batch, 3, features], &device())
}

#[test]
#[should_panic(expected = "the input has 6 features a step, but the layer takes 5")]
fn dense_input_of_another_width() {
    network(Cell::Lstm).forward(rows(2, 6), None, None);
}

#[test]
#[should_panic(expected = "the input has 3 features a step, but the layer takes 5")]
fn embedding_table_of_another_width() {
    let input = SequenceInput::Embedded {
        table: Tensor::zeros([9, 3], &device()),
        tokens: Tensor::<2, Int>::zeros([2, 3], &device()),
    };
    network(Cell::Gru).forward(input, None, None);
}

#[rstest]
#[should_panic(expected = "h0")]
#[case::kernel(Cell::Lstm)]
#[should_panic(expected = "the state must have a row for each of the 2 rows of the batch")]
#[case::composed(Cell::PeepholeLstm)]
fn state_of_another_batch(#[case] cell: Cell) {
    let network = network(cell);
    let state = network.zero_state(3, &device());
    network.forward(rows(2, 5), Some(state), None);
}

#[test]
#[should_panic(expected = "an LSTM layer needs a state with a cell state")]
fn state_of_another_cell() {
    let state = network(Cell::Gru).zero_state(2, &device());
    network(Cell::Lstm).forward(rows(2, 5), Some(state), None);
}

#[test]
#[should_panic(expected = "the state is of 1 layers (each direction counted), but the network has 4")]
fn state_of_another_depth() {
    let deep = RecurrentConfig::new(5, 4, Cell::Rnn).with_num_layers(2).with_bidirectional(true).init(&device());
    let state = network(Cell::Rnn).zero_state(2, &device());
    deep.forward(rows(2, 5), Some(state), None);
}

#[rstest]
#[should_panic(expected = "lengths")]
fn lengths_that_do_not_fit(
    #[values(Cell::Gru, Cell::CoupledLstm)] cell: Cell,
    #[values(&[3][..], &[3, 0], &[3, 4])] lengths: &[usize],
) {
    network(cell).forward(rows(2, 5), None, Some(lengths));
}

#[test]
#[should_panic(expected = "a bidirectional network cannot run step by step")]
fn step_of_a_bidirectional_network() {
    let network = RecurrentConfig::new(5, 4, Cell::Rnn).with_bidirectional(true).init(&device());
    let state = network.zero_state(1, &device());
    network.step(Tensor::<2>::zeros([1, 5], &device()), state);
}

#[rstest]
#[should_panic(expected = "at least 1")]
fn sizes_of_zero(
    #[values(
        RecurrentConfig::new(0, 4, Cell::Lstm),
        RecurrentConfig::new(5, 0, Cell::Lstm),
        RecurrentConfig::new(5, 4, Cell::Lstm).with_num_layers(0)
    )]
    config: RecurrentConfig,
) {
    config.init(&device());
}

#[test]
#[should_panic(expected = "row 4 is not in the batch of 4 rows")]
fn reset_of_a_row_outside_the_batch() {
    network(Cell::Gru).zero_state(4, &device()).reset_rows(&[4]);
}

#[test]
fn an_unknown_cell_name_lists_the_known_ones() {
    let error = "lstmm".parse::<Cell>().unwrap_err();
    assert_eq!(error, Error::UnknownCell { name: "lstmm".into() });
    let message = error.to_string();
    for cell in Cell::ALL {
        assert!(message.contains(cell.name()), "{message}");
    }
}

#[test]
fn cell_names_are_the_same_everywhere() {
    for cell in Cell::ALL {
        assert_eq!(cell.to_string().parse(), Ok(cell));
        let stored = serde_json::to_string(&cell).expect("a cell is a string");
        assert_eq!(stored, format!("\"{cell}\""));
    }
}

#[test]
fn a_stored_configuration_comes_back() {
    let config = RecurrentConfig::new(5, 4, Cell::CoupledLstm).with_num_layers(3).with_dropout(0.25);
    let stored = serde_json::to_string(&config).expect("a configuration is data");
    let back: RecurrentConfig = serde_json::from_str(&stored).expect("as it was stored");
    assert_eq!(back.to_string(), config.to_string());
}
