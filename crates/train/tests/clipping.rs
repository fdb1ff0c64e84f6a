//! Bounds on gradients, against numbers worked out by hand and by PyTorch.

mod support;

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rekindle_train::clipping::{Clip, gradient_norms};
use rekindle_train::settings::ClipKind;
use rstest::rstest;
use support::devices;

#[derive(Module, Debug)]
struct Two {
    a: Param<Tensor<1>>,
    b: Param<Tensor<2>>,
}

/// Gradients a = [3, -4] and b = [[12, 0]]: norms 5 and 12, global norm 13.
fn gradients(device: &Device) -> (Two, GradientsParams) {
    let device = device.clone().autodiff();
    let model = Two {
        a: Param::from_tensor(Tensor::from_floats([1.0, 1.0], &device)),
        b: Param::from_tensor(Tensor::from_floats([[1.0, 1.0]], &device)),
    };
    let factors_a = Tensor::<1>::from_floats([3.0, -4.0], &device);
    let factors_b = Tensor::<2>::from_floats([[12.0, 0.0]], &device);
    let loss = (model.a.val() * factors_a).sum() + (model.b.val() * factors_b).sum();
    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    (model, gradients)
}

#[rstest]
#[case::none(ClipKind::None, 1.0, [3.0, -4.0], [12.0, 0.0])]
#[case::value(ClipKind::Value, 3.5, [3.0, -3.5], [3.5, 0.0])]
#[case::tensor_norm(ClipKind::TensorNorm, 10.0, [3.0, -4.0], [10.0, 0.0])]
#[case::global_norm(ClipKind::GlobalNorm, 6.5, [1.5, -2.0], [6.0, 0.0])]
#[case::global_norm_within_the_bound(ClipKind::GlobalNorm, 13.5, [3.0, -4.0], [12.0, 0.0])]
fn gradients_are_bounded(#[case] kind: ClipKind, #[case] at: f64, #[case] a: [f32; 2], #[case] b: [f32; 2]) {
    for device in devices() {
        let (model, gradients) = gradients(&device);
        let (gradients, norm) = Clip { kind, at }.apply(&model, gradients);
        assert!((norm.into_scalar::<f32>() - 13.0).abs() < 1e-5);
        let seen_a = gradients.get::<1>(model.a.id).unwrap().into_data();
        let seen_b = gradients.get::<2>(model.b.id).unwrap().into_data();
        let seen: Vec<f32> = seen_a.iter::<f32>().chain(seen_b.iter::<f32>()).collect();
        for (seen, expected) in seen.into_iter().zip([a, b].concat()) {
            // PyTorch's 1e-6 beside the norm moves the seventh digit.
            assert!((seen - expected).abs() < 1e-5, "{seen} for {expected}");
        }
    }
}

#[test]
fn norms_come_with_their_names_largest_first() {
    for device in devices() {
        let (model, gradients) = gradients(&device);
        let norms = gradient_norms(&model, &gradients);
        assert_eq!(norms, [("b".to_owned(), 12.0), ("a".to_owned(), 5.0)]);
    }
}
