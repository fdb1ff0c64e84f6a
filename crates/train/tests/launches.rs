//! What a training step launches on a GPU besides its recurrence depends on neither the number of parameters nor, but
//! for a few launches, that of layers.
#![cfg(feature = "wgpu")]

mod support;

use std::convert::Infallible;

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};
use rekindle_kernels::launches::count;
use rekindle_models::char_lm::CharLmSettings;
use rekindle_models::settings::RecurrentSettings;
use rekindle_testing::Numbers;
use rekindle_train::clipping::Clip;
use rekindle_train::optimizer;
use rekindle_train::settings::{OptimizerKind, TrainingSettings};
use rekindle_train::trainer::Learner;
use support::devices;

#[derive(Module, Debug)]
struct Many {
    parameters: Vec<Param<Tensor<1>>>,
}

/// The launches of clipping and of the optimizer for this many parameters.
fn of_parameters(optimizer: OptimizerKind, count_of_them: usize, device: &Device) -> usize {
    let mut numbers = Numbers::new(1);
    let parameter = |k| Param::from_tensor(numbers.uniform([k + 1], 0.0..1.0, device));
    let mut model = Many { parameters: (0..count_of_them).map(parameter).collect() };
    let settings = TrainingSettings { optimizer, ..TrainingSettings::default() };
    let mut optimizer = optimizer::build(&settings);
    let mut launches = 0;
    // The first step also makes the optimizer's state.
    for _ in 0..2 {
        let loss = model.parameters.iter().map(|parameter| parameter.val().square().sum()).reduce(|sum, x| sum + x);
        let gradients = GradientsParams::from_grads(loss.unwrap().backward(), &model);
        (model, launches) = count(|| {
            let clip = Clip { kind: settings.clip, at: settings.clip_at };
            let (gradients, _) = clip.apply(&model, gradients);
            optimizer.step(1e-3, model, gradients)
        });
    }
    launches
}

const STEPS: usize = 3;

/// The launches of a training step of an LSTM language model.
fn of_layers(layers: usize, device: &Device) -> usize {
    let recurrent = RecurrentSettings { layers, hidden: 64, dropout: 0.0, ..RecurrentSettings::default() };
    let settings = CharLmSettings { recurrent, embedding: 0, ..CharLmSettings::default() };
    let mut learner = Learner::new(settings.init(65, device), TrainingSettings::default(), device);
    let tokens = Tensor::<2, Int>::from_ints([[1, 2, 3], [4, 5, 6]], device);
    let mut carry = None;
    let mut launches = 0;
    for _ in 0..2 {
        let state = carry.take();
        let (after, launched) = count(|| {
            learner.step(|model| {
                let (loss, state) = model.loss(tokens.clone(), tokens.clone(), state);
                Ok::<_, Infallible>((loss, state.detach()))
            })
        });
        (carry, launches) = (after.ok(), launched);
    }
    learner.wait().expect("the device has run the step");
    launches
}

// One test: the counts are of the whole process.
#[test]
fn a_step_launches_the_same_for_any_number_of_parameters() {
    for device in &devices() {
        if rekindle_kernels::device::is_cpu(device) {
            continue;
        }
        let device = device.clone().autodiff();
        for optimizer in [OptimizerKind::Adam, OptimizerKind::AdamW, OptimizerKind::Sgd] {
            let [two, six, many] = [2, 6, 60].map(|count| of_parameters(optimizer, count, &device));
            // Two for the norm, one for clipping, one for the optimizer.
            assert_eq!([two, six], [4, 4], "{optimizer:?}");
            // Kernels with 7 buffers would take 60 parameters in 60 + 20 + 10 launches and one for the norm; one by one
            // it would be 240 and more.
            assert!(many <= 91, "{optimizer:?}: {many}");
        }
        // The recurrence has at most two launches a time step and pass.
        let (one, two) = (of_layers(1, &device), of_layers(2, &device));
        assert!(one <= 40 + 4 * STEPS, "{one}");
        assert!(two <= 60 + 8 * STEPS, "{two}");
    }
}
