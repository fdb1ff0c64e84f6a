//! Sampled captions and their weighted loss; scheduled sampling; a blind model.

use burn::module::{Module, ModuleVisitor};

use super::*;

/// Captions of two images: the second of the first image was cut off, so it has no end.
pub(super) fn captions() -> Vec<Vec<WeightedCaption>> {
    let caption = |tokens: &[u32], weight| WeightedCaption { tokens: tokens.to_vec(), weight };
    vec![vec![caption(&[4, 5, 6, 3], 0.5), caption(&[7, 8], -1.5)], vec![caption(&[3], 2.0)]]
}

/// The numbers of all gradients, in the order of the parameters.
struct Numbers<'g>(&'g burn::tensor::Gradients, Vec<f64>);

impl ModuleVisitor for Numbers<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.0).expect("every weight has a gradient");
        self.1.extend(gradient.into_data().iter::<f64>());
    }
}

fn gradients(model: &Captioner, loss: &Tensor<1>) -> Vec<f64> {
    let gradients = loss.backward();
    let mut numbers = Numbers(&gradients, Vec::new());
    model.visit(&mut numbers);
    numbers.1
}

#[rstest]
fn weights_of_one_give_the_usual_loss_a_caption_instead_of_a_token(
    #[values(AttentionKind::None, AttentionKind::General, AttentionKind::Additive)] attention: AttentionKind,
) {
    for device in devices() {
        let device = device.autodiff();
        let plain = CaptionerSettings { doubly_stochastic: 0.0, ..settings(Cell::Lstm, attention) };
        let mut model = build(&plain, &device);
        // The start, which is never drawn, has the probability 0 here too.
        let mask = (0..model.output_bias.dims()[0]).map(|word| if word == 2 { -1e4 } else { 0.0 });
        let mask = Tensor::<1>::from_floats(&mask.collect::<Vec<f32>>()[..], &device.clone().inner());
        model.output_bias = model.output_bias.map(|bias| Tensor::from_inner(bias.inner() + mask).require_grad());
        let features = features(2, attention, &device);
        let given = [vec![CAPTIONS[0], CAPTIONS[1]], vec![CAPTIONS[2]]];
        let ended = given.iter().map(|captions| {
            let weighted = |caption: &&[u32]| WeightedCaption { tokens: [caption, &[3][..]].concat(), weight: 1.0 };
            captions.iter().map(weighted).collect()
        });
        let weighted = model.weighted_loss(features.clone(), &ended.collect::<Vec<_>>(), &[]);
        // Eight tokens of three captions.
        let usual = model.loss(features, &given) * (8.0 / 3.0);
        let (is, wanted) = (weighted.clone().into_scalar::<f64>(), usual.clone().into_scalar::<f64>());
        assert!((is - wanted).abs() < 1e-5, "{is} and {wanted}");
        for (is, wanted) in gradients(&model, &weighted).into_iter().zip(gradients(&model, &usual)) {
            // Sums of single precision in another order.
            assert!((is - wanted).abs() < 1e-5, "{is} and {wanted}");
        }
    }
}

#[rstest]
fn the_gradient_of_the_weighted_loss_is_that_of_each_caption_times_its_weight(
    #[values(AttentionKind::None, AttentionKind::General)] attention: AttentionKind,
) {
    for device in devices() {
        let device = device.autodiff();
        let model = model(Cell::Gru, attention, &device);
        let features = features(2, attention, &device);
        let all = gradients(&model, &model.weighted_loss(features.clone(), &captions(), &[0]));
        let mut sum = vec![0.0; all.len()];
        for (image, captions) in captions().into_iter().enumerate() {
            for WeightedCaption { tokens, weight } in captions {
                let alone = vec![vec![WeightedCaption { tokens, weight: 1.0 }]];
                let loss = model.weighted_loss(features.clone().narrow(0, image, 1), &alone, &[0]);
                let alone = gradients(&model, &loss);
                sum.iter_mut().zip(alone).for_each(|(sum, gradient)| *sum += gradient * weight / 3.0);
            }
        }
        assert!(all.iter().any(|gradient| gradient.abs() > 1e-3));
        // Sums of single precision in another order.
        assert!(all.iter().zip(&sum).all(|(is, wanted)| (is - wanted).abs() < 1e-5), "{all:?} and {sum:?}");
    }
}

#[rstest]
fn the_weighted_loss_of_a_sampled_caption_is_the_log_probability_it_was_drawn_with(
    #[values(AttentionKind::None, AttentionKind::General, AttentionKind::Additive)] attention: AttentionKind,
    #[values(ImageTerm::First, ImageTerm::Every)] term: ImageTerm,
) {
    for device in devices() {
        let model = build(&CaptionerSettings { image_term: term, ..settings(Cell::Lstm, attention) }, &device);
        let features = features(3, attention, &device);
        let drawn = model.draw_several(features.clone(), 4, &[0, 1], 5, Sampling::default(), 9).unwrap();
        assert_eq!(drawn.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 4]);
        let all = || drawn.iter().flatten();
        assert!(all().any(|caption| caption.ended) && all().any(|caption| !caption.ended), "both kinds are tested");
        for (image, drawn) in drawn.iter().enumerate() {
            for caption in drawn {
                let end = caption.ended.then_some(3);
                let tokens = caption.symbols.iter().copied().chain(end).collect();
                let alone = [vec![WeightedCaption { tokens, weight: -1.0 }]];
                let forced =
                    model.weighted_loss(features.clone().narrow(0, image, 1), &alone, &[0, 1]).into_scalar::<f64>();
                assert!((forced - caption.log_prob).abs() < 1e-4, "{forced} and {}", caption.log_prob);
            }
        }
        let again = model.draw_several(features.clone(), 4, &[0, 1], 5, Sampling::default(), 9).unwrap();
        assert_eq!(drawn, again);
        assert_ne!(drawn, model.draw_several(features, 4, &[0, 1], 5, Sampling::default(), 10).unwrap());
    }
}

#[test]
fn words_that_are_never_drawn_get_no_gradient() {
    for device in devices() {
        let device = device.autodiff();
        let model = build(&settings(Cell::Lstm, AttentionKind::General), &device);
        let gradient = |never: &[u32]| {
            let loss = model.weighted_loss(features(2, AttentionKind::General, &device), &captions(), never);
            let gradients = loss.backward();
            model.output_bias.val().grad(&gradients).unwrap().into_data().iter::<f64>().collect::<Vec<_>>()
        };
        let (some, all) = (gradient(&[0, 1]), gradient(&[]));
        // 2 is the start.
        assert!(some[..3].iter().all(|gradient| gradient.abs() < 1e-30), "{some:?}");
        assert!(all[0].abs() > 1e-3 && all[1].abs() > 1e-3 && all[2].abs() < 1e-30, "{all:?}");
    }
}

#[test]
fn several_captions_without_temperature_are_the_greedy_one() {
    for device in devices() {
        let model = model(Cell::Gru, AttentionKind::General, &device);
        let features = features(3, AttentionKind::General, &device);
        let cold = Sampling { temperature: 0.0, ..Sampling::default() };
        let greedy = model.draw(features.clone(), &[0, 1], 9, cold, 1).unwrap();
        for (greedy, several) in greedy.iter().zip(model.draw_several(features, 3, &[0, 1], 9, cold, 1).unwrap()) {
            assert!(several.iter().all(|caption| caption.symbols == greedy.symbols), "{several:?}");
        }
    }
}

#[test]
fn what_is_read_with_scheduled_sampling_is_right_or_guessed() {
    for device in devices() {
        for attention in [AttentionKind::None, AttentionKind::General] {
            let model = model(Cell::Gru, attention, &device);
            let features = features(2, attention, &device);
            let targets = || model.targets(2, &[vec![CAPTIONS[0], CAPTIONS[1]], vec![CAPTIONS[2]]]);
            let numbers = |tokens: Tensor<1, Int>| tokens.into_data().iter::<i64>().collect::<Vec<i64>>();
            let sampled = |share| {
                numbers(targets().with_predictions(share, |before| model.guesses(features.clone(), before)).read)
            };
            // Four rows, the last of them empty: the start, the tokens, and the start as padding.
            let right = numbers(targets().read);
            assert_eq!(sampled(0.0), right);
            let guessed = sampled(1.0);
            assert_eq!(guessed[..4], right[..4], "a start is never guessed");
            // Each is guessed from what is right before it: token by token, for the first row.
            let mut state = model.begin(features.clone().narrow(0, 0, 1));
            for (t, token) in [2].into_iter().chain(CAPTIONS[0].iter().copied()).take(4).enumerate() {
                let logits = model.step(&[token], &mut state).logits.numbers().unwrap().into_owned();
                let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                assert_eq!(logits[guessed[(t + 1) * 4] as usize], largest, "time step {t}");
            }
        }
    }
}

#[test]
fn scheduled_sampling_reaches_every_weight() {
    for device in devices() {
        let device = device.autodiff();
        for attention in [AttentionKind::None, AttentionKind::General] {
            let settings = CaptionerSettings { scheduled_sampling: 0.5, ..settings(Cell::Lstm, attention) };
            let model = build(&settings, &device);
            let captions = [vec![CAPTIONS[0], CAPTIONS[1]], vec![CAPTIONS[2]]];
            let gradients = gradients(&model, &model.loss(features(2, attention, &device), &captions));
            assert!(gradients.iter().all(|gradient| gradient.is_finite()) && gradients.iter().any(|g| g.abs() > 1e-3));
        }
    }
}

#[test]
fn a_blind_model_says_the_same_of_every_image() {
    for device in devices() {
        for attention in [AttentionKind::None, AttentionKind::General] {
            let settings = CaptionerSettings { blind: true, ..settings(Cell::Lstm, attention) };
            let (blind, seeing) = (build(&settings, &device), model(Cell::Lstm, attention, &device));
            let features = features(2, attention, &device);
            let apart = |model: &Captioner| {
                let of = |image| model.score(features.clone().narrow(0, image, 1), &[vec![CAPTIONS[0]]]).unwrap();
                (of(0).log_prob - of(1).log_prob).abs()
            };
            assert!(apart(&blind) == 0.0 && apart(&seeing) > 1e-4, "{} and {}", apart(&blind), apart(&seeing));
            let written = blind.write(features.clone(), &[0, 1], &Search::default()).unwrap();
            assert_eq!(written[0][0].symbols, written[1][0].symbols);
        }
    }
}
