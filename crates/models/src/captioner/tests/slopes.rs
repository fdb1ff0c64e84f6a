//! Gradients of the whole model against finite differences, in f64.

use burn::module::{Module, ModuleMapper, ModuleVisitor};

use super::*;

/// Moves one number of one parameter, and tells how many there are.
struct Nudge {
    parameter: usize,
    at: usize,
    by: f64,
    features: usize,
}

impl ModuleMapper for Nudge {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let tensor = param.val();
        let (shape, device) = (tensor.dims(), tensor.device());
        let mut values: Vec<f64> = tensor.into_data().convert::<f64>().try_to_vec().unwrap();
        if self.features == self.parameter {
            let at = self.at % values.len();
            values[at] += self.by;
        }
        self.features += 1;
        let on = (&device, burn::tensor::DType::F64);
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), on))
    }
}

/// The gradients of all parameters, in their order.
struct Collected<'g>(&'g burn::tensor::Gradients, Vec<Vec<f64>>);

impl ModuleVisitor for Collected<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.0).expect("every weight has a gradient");
        self.1.push(gradient.into_data().convert::<f64>().try_to_vec().unwrap());
    }
}

/// Compares the gradients of a loss of two images with central differences.
fn check(settings: &CaptionerSettings, loss: impl Fn(&Captioner, Tensor<3>) -> Tensor<1>) {
    let device = Device::flex().autodiff();
    let still = |parameter, at, by| Nudge { parameter, at, by, features: 0 };
    let model = build(settings, &device).map(&mut still(usize::MAX, 0, 0.0));
    let features = features(2, settings.attention, &device).cast(burn::tensor::DType::F64);
    let gradients = loss(&model, features.clone()).backward();
    let mut collected = Collected(&gradients, Vec::new());
    model.visit(&mut collected);
    let step = 1e-5;
    for (parameter, gradient) in collected.1.iter().enumerate() {
        for at in [0, gradient.len() / 2, gradient.len() - 1] {
            let moved = |by| {
                let moved = model.clone().map(&mut still(parameter, at, by));
                loss(&moved, features.clone()).into_scalar::<f64>()
            };
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            // Central differences in f64 are good to about the square of the step.
            assert!((slope - gradient[at]).abs() < 1e-7, "{parameter}: {slope} and {}", gradient[at]);
        }
    }
}

#[rstest]
#[case::plain(Cell::Lstm, AttentionKind::None, ImageTerm::First)]
#[case::every(Cell::Rnn, AttentionKind::None, ImageTerm::Every)]
#[case::general(Cell::Lstm, AttentionKind::General, ImageTerm::First)]
#[case::additive(Cell::Gru, AttentionKind::Additive, ImageTerm::First)]
fn gradients_are_those_of_finite_differences(
    #[case] cell: Cell,
    #[case] attention: AttentionKind,
    #[case] term: ImageTerm,
) {
    let settings = CaptionerSettings { image_term: term, label_smoothing: 0.1, ..settings(cell, attention) };
    check(&settings, |model, features| model.loss(features, &[vec![CAPTIONS[0], CAPTIONS[1]], vec![CAPTIONS[2]]]));
}

#[rstest]
fn gradients_of_the_weighted_loss_are_those_of_finite_differences(
    #[values(AttentionKind::None, AttentionKind::General)] attention: AttentionKind,
) {
    check(&settings(Cell::Lstm, attention), |model, features| {
        model.weighted_loss(features, &sampled::captions(), &[0, 1])
    });
}
