use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, TensorData};
use rekindle_testing::Numbers;

use super::*;

#[derive(Module, Debug)]
struct Model {
    first: Linear,
    second: Linear,
}

/// Gradient descent at the rate 0.1 moves the weights by a tenth of the gradient.
#[test]
fn the_update_of_gradient_descent_is_its_rate_times_the_gradient() {
    let device = Device::flex().autodiff();
    let mut model = Model {
        first: LinearConfig::new(3, 4).init(&device),
        second: LinearConfig::new(4, 2).with_bias(false).init(&device),
    };
    // The same at every run: gradients that happen to be small would be lost in the roundings of the weights.
    let mut numbers = Numbers::new(1);
    for layer in [&mut model.first, &mut model.second] {
        let shape = layer.weight.dims();
        layer.weight = Param::from_tensor(numbers.uniform(shape, -1.0..1.0, &device));
    }
    model.first.bias = Some(Param::from_tensor(numbers.uniform([4], -1.0..1.0, &device)));
    let input = Tensor::<2>::from_data(TensorData::from([[0.5, -1.0, 2.0], [1.0, 0.0, -0.5]]), &device);
    let loss = model.second.forward(model.first.forward(input)).square().sum();
    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    let norm = |parameters: &[Tensor<1>]| {
        parameters.iter().map(|values| values.clone().square().sum().into_scalar::<f64>()).sum::<f64>().sqrt()
    };
    let second = model.second.weight.val().inner().reshape([8]);
    let watched = Watched::before(&model, &gradients);
    let model = SgdConfig::new().init().step(0.1, model, gradients);
    let layers = watched.after(&model).unwrap();
    assert_eq!(layers.iter().map(|layer| layer.layer.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    for layer in &layers {
        assert!((layer.update_norm - 0.1 * layer.gradient_norm).abs() < 1e-6 * layer.gradient_norm, "{layer:?}");
        assert!((layer.ratio.unwrap() - layer.update_norm / layer.weight_norm).abs() < 1e-9);
    }
    assert!((layers[1].weight_norm - norm(&[second])).abs() < 1e-6);
    assert!(layers[0].gradient_norm > 0.0);
}
