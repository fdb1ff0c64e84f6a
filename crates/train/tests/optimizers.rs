//! The optimizers against PyTorch's, on the numbers of `fixtures/make_optimizers.py`.

mod support;

use burn::module::{Module, Param};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::Tensor;
use rekindle_train::optimizer;
use rekindle_train::settings::{OptimizerKind, TrainingSettings};
use rstest::rstest;
use serde::Deserialize;
use support::devices;

#[derive(Deserialize)]
struct Fixture {
    start: [f32; 3],
    gradients: Vec<[f32; 3]>,
    learning_rate: f64,
    steps: std::collections::HashMap<String, Vec<[f32; 3]>>,
}

#[derive(Module, Debug)]
struct One {
    parameter: Param<Tensor<1>>,
}

#[rstest]
#[case("adam", OptimizerKind::Adam, 0.0, 0.0)]
#[case("adam with weight decay", OptimizerKind::Adam, 0.0, 0.1)]
#[case("adamw", OptimizerKind::AdamW, 0.0, 0.1)]
#[case("sgd", OptimizerKind::Sgd, 0.0, 0.0)]
#[case("sgd with momentum", OptimizerKind::Sgd, 0.9, 0.0)]
#[case("rmsprop", OptimizerKind::RmsProp, 0.0, 0.0)]
#[case("adagrad", OptimizerKind::Adagrad, 0.0, 0.0)]
fn steps_are_those_of_pytorch(
    #[case] name: &str,
    #[case] optimizer: OptimizerKind,
    #[case] momentum: f64,
    #[case] weight_decay: f64,
) {
    let fixture: Fixture = serde_json::from_str(include_str!("fixtures/optimizers.json")).unwrap();
    let settings = TrainingSettings { optimizer, momentum, weight_decay, ..TrainingSettings::default() };
    for device in devices() {
        let device = device.autodiff();
        let mut model = One { parameter: Param::from_tensor(Tensor::from_floats(fixture.start, &device)) };
        let mut optimizer = optimizer::build(&settings);
        for (gradient, expected) in fixture.gradients.iter().zip(&fixture.steps[name]) {
            let loss = (model.parameter.val() * Tensor::from_floats(*gradient, &device)).sum();
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(fixture.learning_rate, model, gradients);
            let seen: Vec<f32> = model.parameter.val().into_data().try_to_vec::<f32>().unwrap();
            for (seen, expected) in seen.iter().zip(expected) {
                // Five steps of f32 arithmetic on numbers of order 1.
                assert!((seen - expected).abs() < 2e-6, "{name}: {seen} for {expected}");
            }
        }
    }
}

#[test]
fn adam_has_the_numbers_of_burns() {
    let fixture: Fixture = serde_json::from_str(include_str!("fixtures/optimizers.json")).unwrap();
    for device in devices() {
        let device = device.autodiff();
        let start = || One { parameter: Param::from_tensor(Tensor::from_floats(fixture.start, &device)) };
        let (mut ours, mut burns) = (start(), start());
        let settings = TrainingSettings { optimizer: OptimizerKind::Adam, ..TrainingSettings::default() };
        let (mut optimizer, mut burns_optimizer) =
            (optimizer::build(&settings), AdamConfig::new().with_epsilon(1e-8).init());
        for gradient in &fixture.gradients {
            let gradients = |model: &One| {
                let loss = (model.parameter.val() * Tensor::from_floats(*gradient, &device)).sum();
                GradientsParams::from_grads(loss.backward(), model)
            };
            let (of_ours, of_burns) = (gradients(&ours), gradients(&burns));
            ours = optimizer.step(fixture.learning_rate, ours.clone(), of_ours);
            burns = burns_optimizer.step(fixture.learning_rate, burns.clone(), of_burns);
        }
        let [ours, burns] = [ours, burns].map(|model| model.parameter.val().into_data());
        assert_eq!(ours, burns, "{device:?}");
    }
}

/// As a run of an earlier version, whose SGD was Burn's.
#[test]
fn sgd_goes_on_from_a_record_of_burns() {
    for momentum in [0.0, 0.9] {
        for device in devices() {
            let device = device.autodiff();
            let start = || One { parameter: Param::from_tensor(Tensor::from_floats([1.0, -2.0, 0.5], &device)) };
            let gradients =
                |model: &One| GradientsParams::from_grads(model.parameter.val().square().sum().backward(), model);
            let config_of =
                |momentum| (momentum > 0.0).then(|| MomentumConfig::new().with_momentum(momentum).with_dampening(0.0));
            let mut burns: ModuleOptimizer = SgdConfig::new().with_momentum(config_of(momentum)).init();
            let mut model = start();
            for _ in 0..2 {
                let gradients = gradients(&model);
                model = burns.step(0.1, model, gradients);
            }
            let settings = TrainingSettings { optimizer: OptimizerKind::Sgd, momentum, ..TrainingSettings::default() };
            let mut ours = optimizer::build(&settings).from_bytes(burns.into_bytes().unwrap()).unwrap();
            let step =
                |optimizer: &mut ModuleOptimizer, model: &One| optimizer.step(0.1, model.clone(), gradients(model));
            let seen = ours.step(0.1, model.clone(), gradients(&model));
            let values = |model: &One| model.parameter.val().into_data();
            assert_eq!(values(&seen), values(&step(&mut burns, &model)), "momentum {momentum}, {device:?}");
            // And Burn's reads what ours writes.
            let config = config_of(momentum);
            let mut back =
                SgdConfig::new().with_momentum(config).init().from_bytes(ours.into_bytes().unwrap()).unwrap();
            assert_eq!(values(&step(&mut back, &seen)), values(&step(&mut burns, &seen)), "{momentum}, {device:?}");
        }
    }
}
