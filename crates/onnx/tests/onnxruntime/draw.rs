use burn::tensor::Tensor;
use rekindle_models::draw::{Draw, DrawModelSettings, ImageShape};
use rekindle_onnx::ToOnnx;
use rekindle_testing::Numbers;

use crate::case::{Calls, Cases, opsets, stirred, tensor};
use crate::{device, rng};

#[test]
fn images_are_drawn_of_noise_with_and_without_a_window() {
    let Some(cases) = Cases::new() else { return };
    for (name, write, channels) in [("whole", 0, 1), ("window", 3, 1), ("one-filter", 1, 1), ("colour", 3, 3)] {
        let settings = DrawModelSettings { glimpses: 4, hidden: 6, latent: 5, write, ..DrawModelSettings::default() };
        let shape = ImageShape { channels, height: 7, width: 5 };
        let model: Draw = stirred(settings.init_with(shape, &mut rng(), &device()));
        let noise = Numbers::new(3).normal::<3>([4, 2, 5], 0.0, 1.0, &device());
        let drawn: Vec<Tensor<2>> = model.generate(noise.clone()).into_iter().map(|step| step.image).collect();
        let images = Tensor::stack::<3>(drawn, 0).reshape([4, 2, channels, 7, 5]);
        for opset in opsets() {
            let mut calls = Calls::default();
            calls.call("decoder", [("noise", tensor(noise.clone()))], [("images", tensor(images.clone()))]);
            cases.add(&format!("{name}-{opset}"), &model.to_onnx(opset).unwrap(), calls);
        }
    }
    cases.run();
}
