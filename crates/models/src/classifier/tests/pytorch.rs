//! The same numbers as PyTorch's, for the same weights: `crates/bench/python/classifier_reference.py`.

use std::collections::BTreeMap;

use burn::module::Param;
use rekindle_rnn::Weight;

use super::*;

/// A weight as PyTorch names it.
enum Named<'m> {
    /// Of the same shape.
    Matrix(&'m mut Param<Tensor<2>>),
    /// Of the transposed shape.
    Transposed(&'m mut Param<Tensor<2>>),
    Vector(&'m mut Param<Tensor<1>>),
}

fn weights(model: &mut Classifier) -> BTreeMap<String, Named<'_>> {
    let mut all = BTreeMap::new();
    for (i, level) in model.recurrent.layers.iter_mut().enumerate() {
        let directions = [("", Some(&mut level.forward)), ("_reverse", level.reverse.as_mut())];
        for (direction, layer) in directions {
            for (weight, value) in layer.into_iter().flat_map(rekindle_rnn::Layer::weights_mut) {
                let value = match value {
                    Weight::Matrix(matrix) => Named::Matrix(matrix),
                    Weight::Vector(vector) => Named::Vector(vector),
                };
                all.insert(format!("recurrent.{weight}_l{i}{direction}"), value);
            }
        }
    }
    all.insert("embedding.weight".to_owned(), Named::Matrix(&mut model.embedding));
    all.insert("output.weight".to_owned(), Named::Transposed(&mut model.output.weight));
    all.insert("output.bias".to_owned(), Named::Vector(model.output.bias.as_mut().unwrap()));
    all
}

fn wave<const D: usize>(shape: [usize; D], start: usize, device: &Device) -> Tensor<D> {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| (i as f64 * 0.7 + start as f64).sin() as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The loss, and of the gradient of every matrix the sum of the magnitudes and the last number.
#[rstest]
#[rustfmt::skip]
#[case::lstm_concat(Cell::Lstm, 1, Pooling::Concat, 0.667679, &[
    ("embedding.weight", 0.632072, 0.0247866),
    ("output.weight", 1.114212, 0.0368987),
    ("recurrent.weight_hh_l0", 0.195030, 0.0127466),
    ("recurrent.weight_hh_l0_reverse", 0.037365, 0.0000425),
    ("recurrent.weight_ih_l0", 0.709260, 0.0095381),
    ("recurrent.weight_ih_l0_reverse", 0.300445, -0.0107268),
])]
#[case::gru_concat(Cell::Gru, 2, Pooling::Concat, 0.772407, &[
    ("embedding.weight", 1.166386, 0.0042549),
    ("output.weight", 1.312060, 0.0402913),
    ("recurrent.weight_hh_l0", 0.350933, -0.0276875),
    ("recurrent.weight_hh_l0_reverse", 0.118035, -0.0028759),
    ("recurrent.weight_hh_l1", 0.259696, 0.0265410),
    ("recurrent.weight_hh_l1_reverse", 0.067292, 0.0109101),
    ("recurrent.weight_ih_l0", 0.682863, 0.1138488),
    ("recurrent.weight_ih_l0_reverse", 0.976848, -0.0325437),
    ("recurrent.weight_ih_l1", 1.467688, -0.1714169),
    ("recurrent.weight_ih_l1_reverse", 0.369671, 0.0226130),
])]
#[case::lstm_last(Cell::Lstm, 1, Pooling::Last, 0.644399, &[
    ("embedding.weight", 0.571831, -0.0250831),
    ("output.weight", 0.547723, 0.0244783),
    ("recurrent.weight_hh_l0", 0.152998, 0.0087563),
    ("recurrent.weight_hh_l0_reverse", 0.038978, 0.0005190),
    ("recurrent.weight_ih_l0", 0.566948, 0.0126979),
    ("recurrent.weight_ih_l0_reverse", 0.214879, -0.0122245),
])]
#[case::gru_max(Cell::Gru, 1, Pooling::Max, 1.121758, &[
    ("embedding.weight", 0.370119, -0.0312805),
    ("output.weight", 1.690200, -0.0434146),
    ("recurrent.weight_hh_l0", 0.154440, -0.0037433),
    ("recurrent.weight_hh_l0_reverse", 0.033861, 0.0031431),
    ("recurrent.weight_ih_l0", 0.659604, -0.0565192),
    ("recurrent.weight_ih_l0_reverse", 0.352888, 0.0276629),
])]
#[case::gru_mean(Cell::Gru, 1, Pooling::Mean, 0.974215, &[
    ("embedding.weight", 0.664583, 0.0266061),
    ("output.weight", 1.337040, 0.0378212),
    ("recurrent.weight_hh_l0", 0.313710, -0.0364133),
    ("recurrent.weight_hh_l0_reverse", 0.032732, 0.0067485),
    ("recurrent.weight_ih_l0", 0.832583, -0.1001272),
    ("recurrent.weight_ih_l0_reverse", 0.310037, 0.0459461),
])]
fn losses_and_gradients_are_those_of_pytorch(
    #[case] cell: Cell,
    #[case] layers: usize,
    #[case] pooling: Pooling,
    #[case] loss: f64,
    #[case] gradients: &[(&str, f64, f64)],
) {
    for device in devices() {
        let device = device.autodiff();
        let recurrent = RecurrentSettings { cell, layers, hidden: 2, dropout: 0.0, ..RecurrentSettings::default() };
        let settings = ClassifierSettings { recurrent, embedding: 3, pooling, ..settings() };
        let mut model = build(&settings, &device);
        for (start, weight) in weights(&mut model).into_values().enumerate() {
            match weight {
                Named::Matrix(param) => *param = Param::from_tensor(wave(param.dims(), start, &device)),
                Named::Vector(param) => *param = Param::from_tensor(wave(param.dims(), start, &device)),
                Named::Transposed(param) => {
                    let [input, output] = param.dims();
                    *param = Param::from_tensor(wave([output, input], start, &device).transpose());
                }
            }
        }
        let near = |name: &str, seen: f64, wanted: f64| {
            // Two implementations in f32.
            assert!((seen - wanted).abs() < 5e-6 + 1e-5 * wanted.abs(), "{name}: {seen} and {wanted} on {device:?}");
        };
        let texts = tokens([[1, 2, 3, 4], [5, 1, 0, 0], [2, 2, 5, 0]], &device);
        let labels = Tensor::<1, Int>::from_data(TensorData::from([0, 1, 1]), &device);
        let found = model.loss(texts, &[4, 2, 3], labels);
        near("loss", found.clone().into_scalar::<f32>().into(), loss);
        let grads = found.backward();
        let mut wanted = gradients.iter();
        for (name, weight) in weights(&mut model) {
            let gradient = match weight {
                Named::Matrix(param) => param.val().grad(&grads),
                Named::Transposed(param) => param.val().grad(&grads).map(|gradient| gradient.transpose()),
                Named::Vector(_) => continue,
            };
            let gradient = values(gradient.unwrap());
            let &(known, sum, last) = wanted.next().unwrap();
            assert_eq!(name, known);
            near(known, gradient.iter().map(|x| f64::from(x.abs())).sum(), sum);
            near(known, gradient[gradient.len() - 1].into(), last);
        }
        assert!(wanted.next().is_none());
    }
}
