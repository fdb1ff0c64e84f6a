//! Takes a recurrent network of PyTorch through Rekindle: reads its state and an input, writes its state and its
//! output.
//!
//! ```sh
//! cargo run --release -p rekindle-weights --example resave -- lstm LAYERS one|both network.pt network.safetensors
//! ```
//!
//! `network.pt` holds `{"state": network.state_dict(), "input": x}`; `tests/fixtures/round_trip.py` makes such files.

use std::collections::BTreeMap;
use std::error::Error;

use burn::tensor::{Device, Tensor, TensorData};
use rekindle_rnn::{Cell, RecurrentConfig};
use rekindle_weights::{Rename, StateDict, Strictness, WeightFile, WeightTensor, rename, save_safetensors};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [cell, layers, directions, from, to] = &arguments[..] else {
        return Err("give CELL LAYERS one|both FROM.pt TO.safetensors".into());
    };
    let (cell, device): (Cell, _) = (cell.parse()?, Device::flex());
    let mut tensors = WeightFile::open(from)?.into_tensors();
    let input = tensors.remove("input").ok_or("there is no input")?;
    let state = rename(tensors, &[Rename::new("state", "")])?;
    let (Some(&[_, _, features]), Some(&[_, hidden])) =
        (Some(input.shape()), state.get("weight_hh_l0").map(WeightTensor::shape))
    else {
        return Err("an input [B, T, I] and a weight_hh_l0 [G, H] are wanted".into());
    };
    let config = RecurrentConfig::new(features, hidden, cell).with_num_layers(layers.parse()?);
    let config = config.with_bidirectional(directions == "both").with_bias(state.contains_key("bias_ih_l0"));
    let (network, _) = config.init(&device).load_state_dict(&state, Strictness::Strict)?;
    let input = Tensor::<3>::from_data(TensorData::new(input.values().to_vec(), input.shape()), &device);
    let (output, _) = network.forward(input, None, None);
    let (shape, values) = (output.dims().to_vec(), output.into_data().try_to_vec::<f32>()?);
    let mut written = network.state_dict();
    written.insert("output".to_owned(), WeightTensor::new(shape, values)?);
    save_safetensors(to, &written, &BTreeMap::new())?;
    Ok(())
}
