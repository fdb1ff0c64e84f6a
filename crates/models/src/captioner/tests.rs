mod pytorch;
mod sampled;
#[cfg(feature = "flex")]
mod slopes;

use burn::tensor::TensorData;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_rnn::Cell;
use rekindle_weights::{StateDict, Strictness, WeightTensor};
use rstest::rstest;

use super::encoder::EncoderKind;
use super::*;
use crate::decode::{Sampling, Search, StepDecoder};
use crate::settings::by_hand::{self, BOTH, states};
use rekindle_testing::devices;

/// `noise` of the script: numbers between -1 and 1 that any language makes alike.
pub(super) fn noise(count: usize, start: f64) -> Vec<f32> {
    let number = |i: usize| {
        let x = (i as f64 * 12.9898 + start * 78.233).sin() * 43758.5453;
        ((x - x.floor()) * 2.0 - 1.0) as f32
    };
    (0..count).map(number).collect()
}

fn settings(cell: Cell, attention: AttentionKind) -> CaptionerSettings {
    CaptionerSettings {
        recurrent: RecurrentSettings { cell, layers: 2, hidden: 8, ..RecurrentSettings::default() },
        embedding: 6,
        pillar: 8,
        attention,
        doubly_stochastic: 0.5,
        ..CaptionerSettings::default()
    }
}

/// Of twelve words and five features.
fn build(settings: &CaptionerSettings, device: &Device) -> Captioner {
    settings.init_with(&CaptionerSizes::new(12, 5), &mut ChaCha8Rng::seed_from_u64(7), device)
}

fn model(cell: Cell, attention: AttentionKind, device: &Device) -> Captioner {
    build(&settings(cell, attention), device)
}

fn features(pictures: usize, attention: AttentionKind, device: &Device) -> Tensor<3> {
    let places = if attention == AttentionKind::None { 1 } else { 7 };
    Tensor::from_data(TensorData::new(noise(pictures * places * 5, 0.5), [pictures, places, 5]), device)
}

const CAPTIONS: [&[u32]; 3] = [&[4, 5, 6, 7], &[8], &[]];

#[rstest]
fn a_caption_is_foreseen_alike_alone_and_beside_others(
    #[values(Cell::Rnn, Cell::Gru, Cell::Lstm)] cell: Cell,
    #[values(AttentionKind::None, AttentionKind::Dot, AttentionKind::General, AttentionKind::Additive)]
    attention: AttentionKind,
) {
    for device in devices() {
        let model = model(cell, attention, &device);
        let features = features(2, attention, &device);
        let all = model.score(features.clone(), &[vec![CAPTIONS[0], CAPTIONS[1]], vec![CAPTIONS[2]]]).unwrap();
        assert_eq!(all.symbols, 8);
        let alone = [(0, 0), (0, 1), (1, 2)].map(|(picture, caption)| {
            model.score(features.clone().narrow(0, picture, 1), &[vec![CAPTIONS[caption]]]).unwrap().log_prob
        });
        // Products of other shapes add in another order.
        assert!((alone.iter().sum::<f64>() - all.log_prob).abs() < 1e-4, "{alone:?} and {}", all.log_prob);
    }
}

/// Each caption is read alone and step by step, so that no padding is in the penalties by hand.
#[rstest]
fn the_loss_has_the_penalties_on_the_hidden_states(
    #[values(Cell::Gru, Cell::Lstm)] cell: Cell,
    #[values(AttentionKind::None, AttentionKind::General)] attention: AttentionKind,
) {
    let plain = settings(cell, attention);
    let penalized = CaptionerSettings { penalties: BOTH, ..plain.clone() };
    for device in devices() {
        let of = |settings: &CaptionerSettings, device: &Device| {
            let captions = [vec![CAPTIONS[0], CAPTIONS[1]], vec![CAPTIONS[2]]];
            build(settings, device).loss(features(2, attention, device), &captions).into_scalar::<f64>()
        };
        let model = build(&plain, &device);
        let read = [(0, 0), (0, 1), (1, 2)].map(|(picture, caption)| {
            let mut state = model.begin(features(2, attention, &device).narrow(0, picture, 1));
            let tokens = [2].into_iter().chain(CAPTIONS[caption].iter().copied());
            let hidden = tokens.map(|token| {
                model.step(&[token], &mut state);
                state.recurrent.as_ref().unwrap().layers.last().unwrap().hidden.clone().unsqueeze_dim::<3>(0)
            });
            states(Tensor::cat(hidden.collect(), 1))
        });
        let wanted = by_hand::penalty(&read, &BOTH);
        assert!(wanted > 0.001, "{wanted}");
        // A difference of two losses near 2.5 in single precision.
        by_hand::check(of, [&plain, &penalized], &device, wanted, 3e-6);
    }
}

#[rstest]
fn scores_are_those_of_a_forced_rescore(
    #[values(AttentionKind::None, AttentionKind::General, AttentionKind::Additive)] attention: AttentionKind,
    #[values(ImageTerm::First, ImageTerm::Every)] term: ImageTerm,
    #[values(6, 0)] embedding: usize,
    #[values(1, 3)] beam: usize,
) {
    for device in devices() {
        let settings = CaptionerSettings { image_term: term, embedding, ..settings(Cell::Lstm, attention) };
        let model = build(&settings, &device);
        let features = features(2, attention, &device);
        let settings = Search { beam, max_length: 9, ..Search::default() };
        let found = model.write(features.clone(), &[0, 1], &settings).unwrap();
        for (picture, hypotheses) in found.iter().enumerate() {
            assert!(!hypotheses.is_empty() && hypotheses.is_sorted_by(|a, b| a.score >= b.score));
            for hypothesis in hypotheses.iter().filter(|hypothesis| hypothesis.ended) {
                let features = features.clone().narrow(0, picture, 1);
                let forced = model.score(features, &[vec![&hypothesis.symbols]]).unwrap().log_prob;
                assert!((forced - hypothesis.log_prob).abs() < 1e-4, "{forced} and {}", hypothesis.log_prob);
            }
        }
        let cold = Sampling { temperature: 0.0, ..Sampling::default() };
        let drawn = model.draw(features, &[0, 1], 9, cold, 1).unwrap();
        if beam == 1 {
            assert_eq!(
                drawn.iter().map(|h| &h.symbols).collect::<Vec<_>>(),
                found.iter().map(|h| &h[0].symbols).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn attention_is_a_distribution_over_places() {
    for device in devices() {
        let table = model(Cell::Gru, AttentionKind::General, &device)
            .attention_weights(features(1, AttentionKind::General, &device), CAPTIONS[0])
            .unwrap()
            .unwrap();
        assert_eq!((table.len(), table[0].len()), (5, 7));
        // Seven numbers of single precision.
        assert!(table.iter().all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5));
        let plain = model(Cell::Gru, AttentionKind::None, &device);
        assert!(plain.attention_weights(features(1, AttentionKind::None, &device), CAPTIONS[0]).unwrap().is_none());
    }
}

#[test]
fn the_picture_enters_a_plain_model_at_the_first_step_only_unless_told_otherwise() {
    for device in devices() {
        let last = |term, vector: f32| {
            let mut settings = CaptionerSettings { image_term: term, ..settings(Cell::Rnn, AttentionKind::None) };
            settings.recurrent.layers = 1;
            let mut model = build(&settings, &device);
            // A network without memory shows what enters beside the last word.
            let weight_hh = model.recurrent.layers[0].forward.matrix_mut("weight_hh");
            *weight_hh = Param::from_tensor(weight_hh.val().zeros_like());
            let targets = model.targets(1, &[vec![CAPTIONS[0]]]);
            let Read { outputs, .. } = model.read(Tensor::full([1, 1, 5], vector, &device), &targets);
            outputs.narrow(0, 4, 1).into_data().iter::<f32>().collect::<Vec<f32>>()
        };
        assert_eq!(last(ImageTerm::First, 1.0), last(ImageTerm::First, -1.0));
        assert_ne!(last(ImageTerm::Every, 1.0), last(ImageTerm::Every, -1.0));
    }
}

#[test]
fn gradients_reach_the_encoder() {
    for device in devices() {
        let device = device.autodiff();
        let encoder = EncoderConfig::new(EncoderKind::Small).with_side(16);
        for attention in [AttentionKind::None, AttentionKind::General] {
            let settings = settings(Cell::Gru, attention);
            let view = if attention == AttentionKind::None { View::Vector } else { View::Map };
            let features = encoder.shape(view)[1];
            let sizes = CaptionerSizes { encoder: Some(encoder.clone()), ..CaptionerSizes::new(12, features) };
            let model = settings.init_with(&sizes, &mut ChaCha8Rng::seed_from_u64(7), &device);
            assert_eq!((model.view(), settings.view()), (view, view));
            let pictures = Tensor::from_data(TensorData::new(noise(2 * 3 * 256, 0.1), [2, 3, 16, 16]), &device);
            let features = model.encoder.as_ref().unwrap().forward(pictures, view);
            assert_eq!([features.dims()[1], features.dims()[2]], encoder.shape(view));
            let gradients = model.loss(features, &[vec![CAPTIONS[0]], vec![CAPTIONS[1], CAPTIONS[2]]]).backward();
            let Some(Encoder::Small(network)) = &model.encoder else { panic!("a small network was asked for") };
            let first = network.convolutions[0].weight.grad(&gradients).unwrap();
            assert!(first.abs().sum().into_scalar::<f32>() > 0.0);
        }
    }
}
