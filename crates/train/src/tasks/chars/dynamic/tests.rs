use burn::nn::{Linear, LinearConfig};
use rekindle_data::{TextSource, Unit, VocabularyConfig};
use rekindle_testing::{assert_close, values};

use super::super::evaluation::Passages;
use super::*;

fn dynamics(rate: f64, decay: f64, statistics: usize) -> Dynamics {
    Dynamics { rate, decay, length: 5, statistics }
}

/// A text, a small model of it, and its settings.
fn problem(text: &str) -> (tempfile::TempDir, Corpus, Vocabulary, CharsSettings, CharLm, Device) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.txt");
    std::fs::write(&path, text).unwrap();
    let corpus = Corpus::open(&TextSource::parse(&path.display().to_string()).unwrap(), Unit::Char).unwrap();
    let vocabulary = Vocabulary::from_corpus(&corpus, &VocabularyConfig::default()).unwrap();
    let mut settings = CharsSettings::default();
    (settings.model.recurrent.hidden, settings.model.embedding, settings.model.recurrent.dropout) = (12, 6, 0.5);
    let device = Device::flex();
    let model = settings.model.init_with(vocabulary.len(), &mut seeded(3), &device);
    (folder, corpus, vocabulary, settings, model, device)
}

#[test]
fn a_model_that_does_not_learn_has_the_figures_of_the_usual_evaluation() {
    let (_folder, corpus, vocabulary, settings, model, device) = problem(&"a cat and a hat. ".repeat(20));
    let text = Part { corpus: &corpus, vocabulary: &vocabulary, range: 10..301 };
    let found = evaluate(&model, &settings, &text, None, dynamics(0.0, 0.3, 0), &device).unwrap().loss.value;
    let passages = Passages::whole(&corpus, &vocabulary, 10..301).unwrap().unwrap();
    let usual = passages.evaluate(&[&model], [4, 7], &device).unwrap().loss.value;
    // The sums are of other lengths. The dropout of the settings acts in neither.
    assert!((found - usual).abs() < 1e-5, "{found} and {usual}");
}

#[test]
fn a_model_learns_from_what_it_has_read() {
    let (_folder, corpus, vocabulary, settings, model, device) = problem(&"a cat and a hat. ".repeat(60));
    let part = |range| Part { corpus: &corpus, vocabulary: &vocabulary, range };
    let (text, training) = (part(200..1000), part(0..200));
    let loss = |how: Dynamics| {
        evaluate(&model, &settings, &text, Some(&training), how, &device).unwrap().loss.value
    };
    let (still, plain, scaled) = (loss(dynamics(0.0, 0.0, 0)), loss(dynamics(0.5, 0.0, 0)), loss(dynamics(0.01, 0.0, 20)));
    assert!(plain < 0.95 * still && scaled < 0.8 * still, "{still}, {plain}, {scaled}");
    // A decay of 1 undoes all that was learnt before each segment.
    let forgetful = loss(dynamics(0.5, 1.0, 0));
    assert!(forgetful > plain, "{forgetful} and {plain}");
    // A part that is read later does not change the figure of what is read before it.
    let first = |range| evaluate(&model, &settings, &part(range), None, dynamics(0.5, 0.01, 0), &device).unwrap();
    let (short, long) = (first(0..101).loss.value * 100.0, first(0..106).loss.value * 105.0);
    assert!(short < long, "{short} and {long}");
}

#[test]
fn a_step_is_that_of_the_equation() {
    let device = Device::flex().autodiff();
    let mut model: Linear = LinearConfig::new(2, 2).with_bias(false).init(&device);
    // Any weights, but the same at every run: the device's own may be so unlucky that sums of single precision cancel.
    model.weight = Param::from_data([[0.4, -0.6], [0.3, 0.5]], &device);
    let numbers = |numbers: [f64; 4]| Tensor::<1>::from_data(numbers, &device).inner();
    let squares = [0.04, 0.0, 1.0, 0.25];
    let (rate, decay) = (0.1, 0.6);
    let rule = Rule::new(&model, dynamics(rate, decay, 1), Some(vec![numbers(squares)])).unwrap();
    let input = Tensor::<2>::from_data([[0.5, -1.0], [2.0, 0.3]], &device);
    let mut now = model.clone();
    let trained = values(model.weight.val());
    let mut wanted = trained.clone();
    let roots = squares.map(f64::sqrt);
    let mean = roots.iter().sum::<f64>() / 4.0;
    for _ in 0..3 {
        let gradients = now.forward(input.clone()).square().sum().backward();
        let gradient = values(now.weight.val().grad(&gradients).unwrap().reshape([2, 2]));
        for i in 0..4 {
            let pull = (decay * roots[i] / mean).min(1.0);
            wanted[i] += pull * (trained[i] - wanted[i]) - rate * gradient[i] / (roots[i] + EPSILON);
        }
        now = rule.apply(now.clone(), GradientsParams::from_grads(gradients, &now));
        // Single precision; the rate of a parameter without a gradient's square is 50.
        assert_close("weights", &values(now.weight.val()), &wanted, 1e-5);
    }
}
