//! A recurrent stack that predicts one number at the end of a sequence.

use burn::module::Module;
use burn::nn::Linear;
use rekindle_models::init;
use rekindle_models::settings::RecurrentSettings;
use rekindle_onnx::{Axis, Element, Graph, NamedModel, OnnxError, Opset, recurrent};
use rekindle_rnn::{Probes, Recurrent};

use super::sequences::Sequences;
use crate::prelude::*;

/// `y = W_hy h_T + b_y`: one number from the last hidden state.
#[derive(Module, Debug)]
pub struct AddingModel {
    /// Reads `[B, T, 2]`.
    pub recurrent: Recurrent,
    /// `W_hy [H, 1]` and `b_y [1]`.
    pub output: Linear,
}

impl AddingModel {
    /// A model with weights drawn from `seed`.
    pub fn new(settings: &RecurrentSettings, seed: u64, device: &Device) -> Self {
        let mut rng = seeded(seed);
        let recurrent = settings.config(2).init_with(&mut rng, device);
        Self { recurrent, output: init::linear(settings.hidden, 1, &mut rng, device) }
    }

    /// The sum over the sequences of their squared errors, `[1]`, and the probes of every layer.
    pub fn probed_loss(&self, sequences: &Sequences, device: &Device) -> (Tensor<1>, Vec<Probes>) {
        let (batch, numbers) = (sequences.len(), sequences.inputs.len());
        let inputs = TensorData::new(sequences.inputs.clone(), [batch, numbers / batch / 2, 2]);
        let (mut hidden, probes) = self.recurrent.probed(Tensor::<3>::from_data(inputs, device).swap_dims(0, 1));
        let last = hidden.pop().expect("a sequence has two time steps");
        let targets = Tensor::from_data(TensorData::new(sequences.targets.clone(), [batch]), device);
        ((self.output.forward(last).reshape([batch]) - targets).square().sum(), probes)
    }

    /// The predictions `[B]` for sequences.
    pub fn forward(&self, sequences: &Sequences, device: &Device) -> Tensor<1> {
        let (batch, numbers) = (sequences.len(), sequences.inputs.len());
        let inputs = TensorData::new(sequences.inputs.clone(), [batch, numbers / batch / 2, 2]);
        let (hidden, _) = self.recurrent.forward(Tensor::<3>::from_data(inputs, device), None, None);
        let [_, time, width] = hidden.dims();
        let last = hidden.narrow(1, time - 1, 1).reshape([batch, width]);
        self.output.forward(last).reshape([batch])
    }

    /// The graph `model`: from `sequences` `[B, T, 2]` to `sums` `[B]`.
    ///
    /// # Errors
    ///
    /// When the device fails, or a weight is not finite.
    pub fn graph(&self, opset: Opset) -> Result<NamedModel, OnnxError> {
        let (batch, time) = (Axis::Named("batch"), Axis::Named("time"));
        let mut graph = Graph::new(opset);
        let input = graph.input("sequences", Element::F32, &[batch, time, Axis::Size(2)]);
        let input = graph.transpose(&input, &[1, 0, 2]);
        let (_, state) = recurrent(&mut graph, "rnn", &self.recurrent, &input, None, None)?;
        let layers = self.recurrent.layers.len();
        let last = graph.slice(&state.hidden, 0, layers - 1, layers);
        let last = graph.squeeze(&last, &[0]);
        let sums = graph.linear("output", &last, &self.output)?;
        let sums = graph.squeeze(&sums, &[1]);
        graph.output("sums", &sums, Element::F32, &[batch]);
        Ok(NamedModel::new("model", "The sum of the marked numbers of each sequence.", graph))
    }

    /// The mean squared error `[1]` of the predictions.
    pub fn loss(&self, sequences: &Sequences, device: &Device) -> Tensor<1> {
        let targets = TensorData::new(sequences.targets.clone(), [sequences.len()]);
        (self.forward(sequences, device) - Tensor::from_data(targets, device)).square().mean()
    }
}
