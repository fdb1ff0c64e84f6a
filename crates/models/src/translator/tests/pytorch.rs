//! The same numbers as PyTorch's, for the same weights: `crates/bench/python/translate_reference.py fixture`.

use std::collections::BTreeMap;

use burn::nn::Linear;
use burn::tensor::TensorData;
use rekindle_rnn::Layer;

use super::*;

/// A weight as PyTorch names it.
enum Weight<'m> {
    /// `[output, input]`.
    Matrix(&'m mut Param<Tensor<2>>),
    /// The same, stored as `[input, output]`.
    Transposed(&'m mut Param<Tensor<2>>),
    Vector(&'m mut Param<Tensor<1>>),
}

fn weights(model: &mut Translator) -> BTreeMap<String, Weight<'_>> {
    let mut all = BTreeMap::new();
    for (name, network) in [("encoder", &mut model.encoder), ("decoder", &mut model.decoder)] {
        for (i, level) in network.layers.iter_mut().enumerate() {
            let directions = [("", Some(&mut level.forward)), ("_reverse", level.reverse.as_mut())];
            for (direction, layer) in directions {
                for (weight, value) in layer.into_iter().flat_map(Layer::weights_mut) {
                    let value = match value {
                        rekindle_rnn::Weight::Matrix(matrix) => Weight::Matrix(matrix),
                        rekindle_rnn::Weight::Vector(vector) => Weight::Vector(vector),
                    };
                    all.insert(format!("{name}.{weight}_l{i}{direction}"), value);
                }
            }
        }
    }
    fn linear(name: String, layer: &mut Linear) -> [(String, Weight<'_>); 2] {
        let Linear { weight, bias, .. } = layer;
        [
            (format!("{name}.weight"), Weight::Transposed(weight)),
            (format!("{name}.bias"), Weight::Vector(bias.as_mut().unwrap())),
        ]
    }
    for (i, layer) in model.bridge.iter_mut().enumerate() {
        all.extend(linear(format!("bridge.{i}"), layer));
    }
    all.extend(linear("combine".to_owned(), &mut model.combine));
    if let Some(Attention { query, units }) = &mut model.attention {
        all.extend(query.as_mut().map(|query| ("query.weight".to_owned(), Weight::Transposed(query))));
        if let Some(units) = units {
            all.insert("key.weight".to_owned(), Weight::Transposed(&mut units.key));
            all.insert("value.weight".to_owned(), Weight::Transposed(&mut units.value));
        }
    }
    all.insert("source.weight".to_owned(), Weight::Matrix(&mut model.source_embedding));
    all.insert("target.weight".to_owned(), Weight::Matrix(&mut model.target_embedding));
    all.insert("output.weight".to_owned(), Weight::Matrix(model.output.as_mut().unwrap()));
    all.insert("output.bias".to_owned(), Weight::Vector(&mut model.output_bias));
    all
}

/// `wave` of the script, times 2.5: numbers between -1 and 1 that any language makes alike.
fn wave<const D: usize>(shape: [usize; D], start: usize, device: &Device) -> Tensor<D> {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| ((i as f64 * 0.7 + start as f64).sin() * 0.4) as f32 * 2.5).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The loss, and of the gradient of every matrix the sum of the magnitudes and the last number.
#[rstest]
#[rustfmt::skip]
#[case::gru_general(Cell::Gru, AttentionKind::General, 1, 2.490271, &[
    ("bridge.0.weight", 0.390459, 0.0043477),
    ("combine.weight", 1.171470, 0.1118349),
    ("decoder.weight_hh_l0", 0.398075, 0.0092869),
    ("decoder.weight_ih_l0", 1.322593, 0.0851215),
    ("encoder.weight_hh_l0", 0.073983, 0.0066602),
    ("encoder.weight_hh_l0_reverse", 0.055028, -0.0173353),
    ("encoder.weight_ih_l0", 0.139320, -0.0227524),
    ("encoder.weight_ih_l0_reverse", 0.127763, 0.0054316),
    ("output.weight", 0.859205, 0.0337751),
    ("query.weight", 0.208035, -0.0274476),
    ("source.weight", 0.374849, 0.0207338),
    ("target.weight", 0.518699, 0.0217865),
])]
#[case::gru_additive(Cell::Gru, AttentionKind::Additive, 2, 2.571989, &[
    ("bridge.0.weight", 0.161874, -0.0199514),
    ("bridge.1.weight", 0.038874, 0.0037446),
    ("combine.weight", 3.065434, -0.1242982),
    ("decoder.weight_hh_l0", 1.114804, 0.0287969),
    ("decoder.weight_hh_l1", 2.248589, 0.0164444),
    ("decoder.weight_ih_l0", 1.131345, 0.0642727),
    ("decoder.weight_ih_l1", 2.446031, 0.0379425),
    ("encoder.weight_hh_l0", 0.079498, -0.0029879),
    ("encoder.weight_hh_l0_reverse", 0.089130, -0.0359915),
    ("encoder.weight_hh_l1", 0.228933, 0.0167473),
    ("encoder.weight_hh_l1_reverse", 0.102403, -0.0010063),
    ("encoder.weight_ih_l0", 0.335675, 0.0121420),
    ("encoder.weight_ih_l0_reverse", 0.384538, -0.0032679),
    ("encoder.weight_ih_l1", 0.682822, 0.0676535),
    ("encoder.weight_ih_l1_reverse", 0.425221, -0.0047253),
    ("key.weight", 0.021889, 0.0004147),
    ("output.weight", 1.674439, -0.0585375),
    ("query.weight", 0.009937, 0.0002252),
    ("source.weight", 0.454159, 0.0452230),
    ("target.weight", 0.412292, 0.0289967),
    ("value.weight", 0.004633, -0.0010019),
])]
#[case::lstm_dot(Cell::Lstm, AttentionKind::Dot, 2, 3.010331, &[
    ("bridge.0.weight", 0.023516, 0.0010834),
    ("bridge.1.weight", 0.019585, -0.0013101),
    ("bridge.2.weight", 0.027222, 0.0017073),
    ("bridge.3.weight", 0.101994, -0.0029573),
    ("combine.weight", 0.586716, 0.0571367),
    ("decoder.weight_hh_l0", 0.062180, 0.0002220),
    ("decoder.weight_hh_l1", 0.334700, -0.0088967),
    ("decoder.weight_ih_l0", 0.111672, -0.0007672),
    ("decoder.weight_ih_l1", 0.411767, -0.0078270),
    ("encoder.weight_hh_l0", 0.007065, -0.0000605),
    ("encoder.weight_hh_l0_reverse", 0.008787, -0.0004499),
    ("encoder.weight_hh_l1", 0.015303, 0.0006537),
    ("encoder.weight_hh_l1_reverse", 0.017694, -0.0032984),
    ("encoder.weight_ih_l0", 0.045715, -0.0008979),
    ("encoder.weight_ih_l0_reverse", 0.062619, -0.0038711),
    ("encoder.weight_ih_l1", 0.058264, 0.0004753),
    ("encoder.weight_ih_l1_reverse", 0.032949, -0.0016538),
    ("output.weight", 2.380138, 0.0381398),
    ("source.weight", 0.059470, 0.0024240),
    ("target.weight", 0.043251, -0.0016651),
])]
#[case::lstm_none(Cell::Lstm, AttentionKind::None, 1, 2.782814, &[
    ("bridge.0.weight", 0.008992, -0.0003113),
    ("bridge.1.weight", 0.046562, -0.0000803),
    ("combine.weight", 0.359496, -0.0090450),
    ("decoder.weight_hh_l0", 0.230893, -0.0013422),
    ("decoder.weight_ih_l0", 0.425474, 0.0033809),
    ("encoder.weight_hh_l0", 0.001684, 0.0000480),
    ("encoder.weight_hh_l0_reverse", 0.005309, 0.0000061),
    ("encoder.weight_ih_l0", 0.011143, 0.0006241),
    ("encoder.weight_ih_l0_reverse", 0.032796, -0.0000255),
    ("output.weight", 2.305017, 0.0765019),
    ("source.weight", 0.028325, 0.0022843),
    ("target.weight", 0.280812, -0.0046784),
])]
fn losses_and_gradients_are_those_of_pytorch(
    #[case] cell: Cell,
    #[case] attention: AttentionKind,
    #[case] layers: usize,
    #[case] loss: f64,
    #[case] gradients: &[(&str, f64, f64)],
) {
    for device in devices() {
        let device = device.autodiff();
        let settings = TranslatorSettings {
            recurrent: RecurrentSettings { cell, layers, hidden: 4, ..RecurrentSettings::default() },
            embedding: 3,
            attention,
            label_smoothing: 0.1,
            ..TranslatorSettings::default()
        };
        let sizes = TranslatorSizes::new(9, 8);
        let mut model = settings.init_with(&sizes, &mut ChaCha8Rng::seed_from_u64(7), &device);
        for (start, weight) in weights(&mut model).into_values().enumerate() {
            match weight {
                Weight::Matrix(param) => *param = Param::from_tensor(wave(param.dims(), start, &device)),
                Weight::Vector(param) => *param = Param::from_tensor(wave(param.dims(), start, &device)),
                Weight::Transposed(param) => {
                    let [input, output] = param.dims();
                    *param = Param::from_tensor(wave([output, input], start, &device).transpose());
                }
            }
        }
        let near = |name: &str, seen: f64, wanted: f64| {
            // Two implementations in f32.
            assert!((seen - wanted).abs() < 5e-6 + 1e-5 * wanted.abs(), "{name}: {seen} and {wanted} on {device:?}");
        };
        let found = model.loss(&[&[4, 5, 6, 7], &[8, 4]], &[&[4, 5], &[6, 7, 4, 5]]);
        near("loss", found.clone().into_scalar::<f32>().into(), loss);
        let grads = found.backward();
        let mut wanted = gradients.iter();
        for (name, weight) in weights(&mut model) {
            let gradient = match weight {
                Weight::Matrix(param) => param.val().grad(&grads),
                Weight::Transposed(param) => param.val().grad(&grads).map(|gradient| gradient.transpose()),
                Weight::Vector(_) => continue,
            };
            let gradient: Vec<f32> = gradient.unwrap().into_data().iter().collect();
            let &(known, sum, last) = wanted.next().unwrap();
            assert_eq!(name, known);
            near(known, gradient.iter().map(|x| f64::from(x.abs())).sum(), sum);
            near(known, gradient[gradient.len() - 1].into(), last);
        }
        assert!(wanted.next().is_none());
    }
}
