use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rekindle_testing::{Numbers, assert_close};

use super::*;
use crate::{Cell, RecurrentConfig};

/// The input's product adds in another order.
#[track_caller]
fn assert_near(what: &str, seen: &[f32], wanted: &[f32]) {
    let [seen, wanted] = [seen, wanted].map(|list| list.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
    assert_close(what, &seen, &wanted, 1e-6);
}

#[test]
fn rows_are_read_as_by_the_whole_network() {
    let device = Device::flex();
    for cell in [Cell::Rnn, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm] {
        let config = RecurrentConfig::new(5, 7, cell).with_num_layers(2);
        let network = config.init_with(&mut StdRng::seed_from_u64(1), &device);
        let stepper = network.rows_stepper().unwrap();
        let x: Tensor<3> = Numbers::new(2).uniform([6, 3, 5], 0.0..1.0, &device);
        let (first, state) = network.forward_time_major(x.clone().narrow(0, 0, 1), None, None);
        assert_eq!(first.dims(), [1, 3, 7]);
        let order = [2, 0, 2];
        let wanted_state = state.clone().select_rows(&order);
        let (wanted, _) = network.forward_time_major(x.clone().narrow(0, 1, 5), Some(wanted_state), None);
        let mut rows = stepper.state(&state).select_rows(&order);
        for t in 0..5 {
            let step = values(x.clone().narrow(0, t + 1, 1).squeeze_dim::<2>(0));
            let wanted = values(wanted.clone().narrow(0, t, 1).squeeze_dim::<2>(0));
            assert_near(&format!("{cell}, step {t}"), stepper.step_rows(&step, &mut rows), &wanted);
        }
    }
    assert!(RecurrentConfig::new(5, 6, Cell::PeepholeLstm).init(&device).rows_stepper().is_none());
}

#[test]
fn a_reader_reads_as_the_whole_network() {
    let device = Device::flex();
    for cell in [Cell::Rnn, Cell::Lstm, Cell::Gru, Cell::MinGru, Cell::MinLstm] {
        for bidirectional in [false, true] {
            let config = RecurrentConfig::new(5, 7, cell).with_num_layers(2).with_bidirectional(bidirectional);
            let network = config.init_with(&mut StdRng::seed_from_u64(3), &device);
            let reader = network.reader().unwrap();
            for steps in [1, 6] {
                let x: Tensor<3> = Numbers::new(4).uniform([1, steps, 5], 0.0..1.0, &device);
                let (wanted, wanted_state) = network.forward(x.clone(), None, None);
                let (seen, state) = reader.read(&values(x.squeeze_dim::<2>(0)));
                let what = format!("{cell}, bidirectional: {bidirectional}, {steps} steps");
                assert_near(&what, &seen, &values(wanted.squeeze_dim::<2>(0)));
                assert_eq!(state.layers.len(), wanted_state.layers.len());
                for (seen, wanted) in state.layers.into_iter().zip(wanted_state.layers) {
                    assert_near(&what, &values(seen.hidden), &values(wanted.hidden));
                    assert_eq!(seen.cell.is_some(), wanted.cell.is_some());
                    if let Some((seen, wanted)) = seen.cell.zip(wanted.cell) {
                        assert_near(&what, &values(seen), &values(wanted));
                    }
                }
            }
        }
    }
    assert!(RecurrentConfig::new(5, 6, Cell::PeepholeLstm).init(&device).reader().is_none());
}
