//! The same numbers as PyTorch's, for the same weights: `crates/bench/python/caption_reference.py captioner`.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Gradients;

use super::*;

/// A model of gradients in place of weights.
struct Gradient<'g>(&'g Gradients);

impl ModuleMapper for Gradient<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let gradient = param.val().grad(self.0).expect("every weight has a gradient");
        Param::from_tensor(gradient)
    }
}

/// The loss, and of every gradient the sum of the magnitudes and the last number.
#[rstest]
#[rustfmt::skip]
#[case::lstm_general_1(Cell::Lstm, AttentionKind::General, 1, 3, ImageTerm::First, 2.790251, &[
    ("attention.query", 0.146983, -0.0013933),
    ("combine.bias", 0.299719, 0.0771598),
    ("combine.weight", 1.197095, -0.0175107),
    ("embedding.weight", 0.627356, -0.0075452),
    ("gate.bias", 0.008602, -0.0086016),
    ("gate.weight", 0.035679, 0.0036842),
    ("image.bias", 0.204845, -0.0346390),
    ("image.weight", 0.269458, 0.0124058),
    ("initial.0.bias", 0.067814, -0.0462162),
    ("initial.0.weight", 0.182595, 0.0169672),
    ("initial.1.bias", 0.007149, 0.0010918),
    ("initial.1.weight", 0.026878, 0.0020875),
    ("output", 1.116211, 0.0424980),
    ("output_bias", 0.950124, 0.0651405),
    ("rnn.bias_hh_l0", 0.126034, 0.0051011),
    ("rnn.bias_ih_l0", 0.126034, 0.0051011),
    ("rnn.weight_hh_l0", 0.169179, -0.0005480),
    ("rnn.weight_ih_l0", 0.317391, -0.0011046),
])]
#[case::gru_additive_2(Cell::Gru, AttentionKind::Additive, 2, 3, ImageTerm::First, 2.521105, &[
    ("attention.query", 0.023048, -0.0016601),
    ("attention.units.key", 0.184472, 0.0066723),
    ("attention.units.value", 0.085266, 0.0109153),
    ("combine.bias", 0.231557, -0.0457199),
    ("combine.weight", 0.904633, 0.0332398),
    ("embedding.weight", 0.410389, -0.0114586),
    ("gate.bias", 0.012132, -0.0121322),
    ("gate.weight", 0.009619, 0.0004361),
    ("image.bias", 0.295421, -0.0593014),
    ("image.weight", 0.271768, 0.0085759),
    ("initial.0.bias", 0.005185, -0.0029787),
    ("initial.0.weight", 0.013083, 0.0024757),
    ("initial.1.bias", 0.096557, 0.0176834),
    ("initial.1.weight", 0.221960, -0.0130552),
    ("output", 1.310652, 0.0452981),
    ("output_bias", 0.671613, -0.0580968),
    ("rnn.bias_hh_l0", 0.023023, 0.0008646),
    ("rnn.bias_hh_l1", 0.046580, 0.0037541),
    ("rnn.bias_ih_l0", 0.038741, 0.0074008),
    ("rnn.bias_ih_l1", 0.055047, 0.0041079),
    ("rnn.weight_hh_l0", 0.044298, -0.0001960),
    ("rnn.weight_hh_l1", 0.056560, -0.0000579),
    ("rnn.weight_ih_l0", 0.085162, -0.0045486),
    ("rnn.weight_ih_l1", 0.103853, -0.0009514),
])]
#[case::lstm_dot_2_one_hot(Cell::Lstm, AttentionKind::Dot, 2, 0, ImageTerm::First, 2.645071, &[
    ("combine.bias", 0.498500, 0.1615461),
    ("combine.weight", 1.809341, -0.0289410),
    ("gate.bias", 0.032745, 0.0327453),
    ("gate.weight", 0.035886, -0.0087529),
    ("image.bias", 0.061987, -0.0095427),
    ("image.weight", 0.195355, 0.0132244),
    ("initial.0.bias", 0.043246, -0.0107799),
    ("initial.0.weight", 0.142943, 0.0066914),
    ("initial.1.bias", 0.136822, 0.0750324),
    ("initial.1.weight", 0.446969, -0.0602551),
    ("initial.2.bias", 0.034574, -0.0016523),
    ("initial.2.weight", 0.113960, 0.0014336),
    ("initial.3.bias", 0.134466, 0.0332399),
    ("initial.3.weight", 0.436866, -0.0193685),
    ("output", 2.004512, 0.0060410),
    ("output_bias", 0.802002, -0.0492567),
    ("rnn.bias_hh_l0", 0.081704, -0.0010545),
    ("rnn.bias_hh_l1", 0.383988, -0.0222719),
    ("rnn.bias_ih_l0", 0.081704, -0.0010545),
    ("rnn.bias_ih_l1", 0.383988, -0.0222719),
    ("rnn.weight_hh_l0", 0.161384, -0.0003461),
    ("rnn.weight_hh_l1", 0.640314, 0.0088111),
    ("rnn.weight_ih_l0", 0.197105, 0.0002068),
    ("rnn.weight_ih_l1", 0.411489, 0.0036998),
])]
#[case::rnn_none_1(Cell::Rnn, AttentionKind::None, 1, 3, ImageTerm::First, 2.919740, &[
    ("embedding.weight", 1.046653, 0.1268504),
    ("image.bias", 0.229911, -0.0354737),
    ("image.weight", 0.516704, -0.0273924),
    ("output", 2.612700, 0.0725719),
    ("output_bias", 1.009172, -0.0522985),
    ("rnn.bias_hh_l0", 0.353911, 0.1246129),
    ("rnn.bias_ih_l0", 0.353911, 0.1246129),
    ("rnn.weight_hh_l0", 1.281543, -0.1216714),
    ("rnn.weight_ih_l0", 1.213245, -0.0312699),
])]
#[case::gru_none_1_every(Cell::Gru, AttentionKind::None, 1, 3, ImageTerm::Every, 2.821231, &[
    ("embedding.weight", 0.449178, -0.0567526),
    ("image.bias", 0.407627, 0.0849086),
    ("image.weight", 0.801892, 0.0611042),
    ("output", 1.311337, -0.0091845),
    ("output_bias", 1.173683, -0.0345079),
    ("rnn.bias_hh_l0", 0.204128, 0.0603643),
    ("rnn.bias_ih_l0", 0.480818, 0.1551531),
    ("rnn.weight_hh_l0", 0.233684, 0.0306741),
    ("rnn.weight_ih_l0", 1.965080, 0.1081400),
])]
fn losses_and_gradients_are_those_of_pytorch(
    #[case] cell: Cell,
    #[case] attention: AttentionKind,
    #[case] layers: usize,
    #[case] embedding: usize,
    #[case] image_term: ImageTerm,
    #[case] loss: f64,
    #[case] gradients: &[(&str, f64, f64)],
) {
    for device in devices() {
        let device = device.autodiff();
        let settings = CaptionerSettings {
            recurrent: RecurrentSettings { cell, layers, hidden: 4, ..RecurrentSettings::default() },
            embedding,
            pillar: 4,
            attention,
            image_term,
            doubly_stochastic: 0.7,
            label_smoothing: 0.1,
            ..CaptionerSettings::default()
        };
        let model = settings.init_with(&CaptionerSizes::new(9, 5), &mut ChaCha8Rng::seed_from_u64(7), &device);
        let weights = model.state_dict().into_iter().enumerate().map(|(index, (name, weight))| {
            let values = noise(weight.values().len(), index as f64);
            (name, WeightTensor::new(weight.shape().to_vec(), values).unwrap())
        });
        let (model, _) = model.load_state_dict(&weights.collect(), Strictness::Strict).unwrap();
        let places = if attention == AttentionKind::None { 1 } else { 6 };
        let seen = Tensor::from_data(TensorData::new(noise(2 * places * 5, 0.5), [2, places, 5]), &device);
        let near = |name: &str, seen: f64, wanted: f64| {
            // Two implementations in f32.
            assert!((seen - wanted).abs() < 5e-6 + 2e-5 * wanted.abs(), "{name}: {seen} and {wanted} on {device:?}");
        };
        let found = model.loss(seen, &[vec![&[4, 5, 6], &[7]], vec![&[8, 4, 5, 5]]]);
        near("loss", found.clone().into_scalar::<f32>().into(), loss);
        let found = model.map(&mut Gradient(&found.backward())).state_dict();
        assert_eq!(found.len(), gradients.len());
        for ((name, gradient), &(known, sum, last)) in found.iter().zip(gradients) {
            assert_eq!(name, known);
            let values = gradient.values();
            near(known, values.iter().map(|x| f64::from(x.abs())).sum(), sum);
            near(known, values[values.len() - 1].into(), last);
        }
    }
}
