//! Burn's `Learner` can train every model of the zoo.
#![cfg(all(feature = "learner", feature = "flex"))]

use std::fmt::Debug;

use burn::module::{Module, ModuleDisplay, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};
use burn_train::{InferenceStep, TrainStep};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_models::captioner::{Captioner, CaptionerSettings, CaptionerSizes};
use rekindle_models::char_lm::{CharLm, CharLmSettings};
use rekindle_models::classifier::{Classifier, ClassifierSettings};
use rekindle_models::draw::{Draw, DrawModelSettings, ImageShape};
use rekindle_models::frame_tagger::{FrameInput, FrameTagger, FrameTaggerSettings};
use rekindle_models::learner::{Loss, LossOnly, WithLoss};
use rekindle_models::translator::{Translator, TranslatorSettings, TranslatorSizes};

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

fn device() -> Device {
    Device::flex().autodiff()
}

fn tokens() -> Tensor<2, Int> {
    Tensor::from_data([[1, 2, 0], [3, 1, 2]], &device())
}

/// A fixed batch of two rows.
#[derive(Clone, Debug)]
struct Fixed;

/// [`Fixed`] as the loss of a model.
macro_rules! fixed {
    ($model:ty, $loss:expr) => {
        impl Loss<$model> for Fixed {
            type Batch = ();
            type Output = LossOnly;

            fn loss(&self, model: &$model, (): ()) -> (Tensor<1>, LossOnly) {
                let loss: fn(&$model) -> Tensor<1> = $loss;
                let loss = loss(model);
                (loss.clone(), LossOnly(loss))
            }
        }
    };
}

fixed!(CharLm, |model| model.loss(tokens(), tokens(), None).0);
fixed!(Classifier, |model| model.loss(tokens(), &[3, 2], Tensor::from_data([0, 1], &device())));
fixed!(FrameTagger, |model| {
    model.loss(Tensor::ones([2, 3, 4], &device()), None, &[3, 2], &[0, 1, 1, 0, 1, 0], None).0
});
fixed!(Translator, |model| model.loss(&[&[4, 5], &[5]], &[&[5], &[4, 4]]));
fixed!(Captioner, |model| { model.loss(Tensor::ones([2, 3, 4], &device()), &[vec![&[4, 5]], vec![&[5]]]) });
fixed!(Draw, |model| {
    model.loss(Tensor::ones([2, 30], &device()) * 0.5, Tensor::ones([model.settings().glimpses, 2, 2], &device()))
});

/// Counts the parameters that have a gradient.
struct Count<'g>(&'g GradientsParams, [usize; 2]);

impl ModuleVisitor for Count<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        self.1[0] += 1;
        self.1[1] += usize::from(self.0.get::<D>(parameter.id).is_some());
    }
}

fn check<M: Module + ModuleDisplay>(model: M)
where
    Fixed: Loss<M, Batch = (), Output = LossOnly>,
{
    let model = WithLoss::new(model, Fixed);
    let output = TrainStep::step(&model, ());
    let mut count = Count(&output.grads, [0, 0]);
    model.visit(&mut count);
    assert!(count.1[0] > 0 && count.1[0] == count.1[1], "of {} parameters {} have a gradient", count.1[0], count.1[1]);
    let loss = InferenceStep::step(&model, ()).0.into_scalar::<f32>();
    assert!(loss.is_finite() && loss > 0.0, "{loss}");
}

#[test]
fn every_model_of_the_zoo_has_a_step_of_burns_learner() {
    let (device, rng) = (device(), &mut rng());
    check(CharLmSettings::default().init_with(5, rng, &device));
    check(ClassifierSettings::default().init_with(5, 2, rng, &device));
    let frames = FrameInput::Features { width: 4 };
    check(FrameTaggerSettings::default().init_with(frames, 2, rng, &device));
    check(TranslatorSettings::default().init_with(&TranslatorSizes::new(6, 6), rng, &device));
    check(CaptionerSettings::default().init_with(&CaptionerSizes::new(6, 4), rng, &device));
    let shape = ImageShape { channels: 1, height: 6, width: 5 };
    let settings = DrawModelSettings { hidden: 4, latent: 2, read: 2, write: 3, ..DrawModelSettings::default() };
    check(settings.init_with(shape, rng, &device));
}
