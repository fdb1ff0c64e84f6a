//! Sequences without a step and batches without a row.

use burn::tensor::{Device, Int, Tensor};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rekindle_rnn::{Cell, RecurrentConfig, SequenceInput};
use rstest::rstest;

#[cfg(feature = "flex")]
use crate::devices::flex;
#[cfg(feature = "ndarray")]
use crate::devices::ndarray;

#[rstest]
#[cfg_attr(feature = "flex", case::flex(flex()))]
#[cfg_attr(feature = "ndarray", case::ndarray(ndarray()))]
fn nothing_in_is_nothing_out_and_the_state_stays(#[case] device: Device) {
    for device in [device.clone(), device.autodiff()] {
        for (cell, [batch, time]) in Cell::ALL.into_iter().flat_map(|cell| [(cell, [2, 0]), (cell, [0, 3])]) {
            let config = RecurrentConfig::new(3, 4, cell).with_num_layers(2).with_dropout(0.5);
            let network = config.init_with(&mut StdRng::seed_from_u64(1), &device);
            let (hidden, before) = network.forward(Tensor::<3>::ones([batch, 1, 3], &device), None, None);
            assert_eq!(hidden.dims(), [batch, 1, 4], "{cell}");
            let (hidden, after) =
                network.forward(Tensor::<3>::zeros([batch, time, 3], &device), Some(before.clone()), None);
            assert_eq!(hidden.dims(), [batch, time, 4], "{cell}");
            if batch > 0 {
                after.stacked_hidden().to_data().assert_eq(&before.stacked_hidden().to_data(), true);
            }
            let tokens = SequenceInput::OneHot { tokens: Tensor::<2, Int>::zeros([batch, time], &device) };
            assert_eq!(network.forward(tokens, None, None).0.dims(), [batch, time, 4], "{cell}");
            let (_, known) = network.unrolled(Tensor::zeros([time, batch, 2], &device));
            assert_eq!(known.len(), time, "{cell}");
        }
    }
}
