use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_rnn::Cell;
use rstest::rstest;

use super::*;
use crate::settings::by_hand::{BOTH, check, penalty, states};
use rekindle_testing::{assert_close, devices};

fn settings(cell: Option<Cell>) -> FrameTaggerSettings {
    let recurrent = RecurrentSettings { cell: Recurrence(cell), hidden: 4, ..RecurrentSettings::default() };
    FrameTaggerSettings { recurrent, encoder: 5, ..FrameTaggerSettings::default() }
}

fn with_layers(layers: usize, settings: FrameTaggerSettings) -> FrameTaggerSettings {
    FrameTaggerSettings { recurrent: RecurrentSettings { layers, ..settings.recurrent }, ..settings }
}

/// Of three classes.
fn model(settings: &FrameTaggerSettings, input: FrameInput, device: &Device) -> FrameTagger {
    settings.init_with(input, 3, &mut ChaCha8Rng::seed_from_u64(3), device)
}

/// Two clips of four frames.
fn frames(size: usize, device: &Device) -> Tensor<3> {
    let values: Vec<f32> = (0..8 * size).map(|i| (i as f32 * 0.7).sin()).collect();
    Tensor::from_data(TensorData::new(values, [2, 4, size]), device)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec().unwrap()
}

#[track_caller]
fn assert_near(a: &[f32], b: &[f32]) {
    let [a, b] = [a, b].map(|numbers| numbers.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
    // Sums of a few numbers near 1, in another order.
    assert_close("numbers", &a, &b, 1e-5);
}

const FEATURES: FrameInput = FrameInput::Features { width: 6 };
const PIXELS: FrameInput = FrameInput::Pixels { channels: 1, height: 6, width: 5 };

#[rstest]
fn probabilities_of_a_frame_add_up_to_one(
    #[values(FEATURES, PIXELS)] input: FrameInput,
    #[values(None, Some(Cell::Rnn), Some(Cell::Lstm), Some(Cell::Gru))] cell: Option<Cell>,
    #[values(false, true)] bidirectional: bool,
) {
    for device in devices() {
        let settings = FrameTaggerSettings { bidirectional, ..settings(cell) };
        let model = model(&settings, input, &device);
        let (log_probs, state) = model.forward(frames(input.size(), &device), None, &[4, 2]);
        assert_eq!(log_probs.dims(), [2, 4, 3]);
        assert_eq!(state.is_some(), cell.is_some() && !bidirectional);
        assert_near(&numbers(log_probs.exp().sum_dim(2)), &[1.0; 8]);
    }
}

#[rstest]
fn frames_one_by_one_and_chunks_give_what_the_whole_clip_gives(
    #[values(FEATURES, PIXELS)] input: FrameInput,
    #[values((None, false), (Some(Cell::Lstm), false), (Some(Cell::Gru), false), (Some(Cell::Gru), true))]
    (cell, feedback): (Option<Cell>, bool),
) {
    for device in devices() {
        let settings = FrameTaggerSettings { feedback, ..with_layers(2, settings(cell)) };
        let model = model(&settings, input, &device);
        let clips = frames(input.size(), &device);
        let (whole, _) = model.forward(clips.clone(), None, &[4, 4]);

        let (first, state) = model.forward(clips.clone().narrow(1, 0, 3), None, &[3, 3]);
        let (last, _) = model.forward(clips.clone().narrow(1, 3, 1), state, &[1, 1]);
        assert_near(&numbers(Tensor::cat(vec![first, last], 1)), &numbers(whole.clone()));

        let mut live = model.live().unwrap();
        let values = numbers(clips.narrow(0, 0, 1));
        let answers: Vec<f32> = values.chunks(input.size()).flat_map(|frame| live.push(frame)).collect();
        assert_near(&answers, &numbers(whole.narrow(0, 0, 1)));
    }
}

#[test]
fn features_as_they_are_and_layers_of_a_head_are_computed_as_by_hand() {
    for device in devices() {
        let head = Widths(vec![7, 2]);
        let settings = FrameTaggerSettings { encoder: 0, head, ..settings(None) };
        let model = model(&settings, FEATURES, &device);
        let (log_probs, _) = model.forward(frames(6, &device), None, &[4, 4]);
        let by_hand = model.head.iter().fold(frames(6, &device), |rows, layer| relu(layer.forward(rows)));
        assert_near(&numbers(log_probs), &numbers(log_softmax(model.output.forward(by_hand), 2)));
        // Features with a recurrence need no encoder either.
        let settings = FrameTaggerSettings { encoder: 0, ..self::settings(Some(Cell::Gru)) };
        let model = self::model(&settings, FEATURES, &device);
        assert_eq!(model.recurrent.as_ref().map(Recurrent::input_size), Some(6));
    }
}

#[test]
fn online_a_frame_does_not_see_those_after_it_and_bidirectional_it_does() {
    for device in devices() {
        for bidirectional in [false, true] {
            let settings = FrameTaggerSettings { bidirectional, ..settings(Some(Cell::Gru)) };
            let model = model(&settings, FEATURES, &device);
            let clips = frames(6, &device);
            let changed = Tensor::cat(vec![clips.clone().narrow(1, 0, 3), clips.clone().narrow(1, 0, 1)], 1);
            let of = |clips| numbers(model.forward(clips, None, &[4, 4]).0.narrow(1, 0, 3));
            assert_eq!(of(clips) == of(changed), !bidirectional);
            assert_eq!(model.live().is_some(), !bidirectional);
        }
    }
}

#[test]
fn frames_past_the_end_of_a_clip_do_not_count() {
    for device in devices() {
        let model = model(&settings(Some(Cell::Lstm)), FEATURES, &device);
        let labels = [0, 1, 2, 0, 1, 1, 0, 0];
        let other_padding = [0, 1, 2, 0, 1, 1, 2, 1];
        let loss = |labels: &[u32]| numbers(model.loss(frames(6, &device), None, &[4, 2], labels, None).0);
        assert_eq!(loss(&labels), loss(&other_padding));
        // A row that has ended.
        let alone = model.loss(frames(6, &device).narrow(0, 0, 1), None, &[4], &labels[..4], None).0;
        let with_ended = model.loss(frames(6, &device), None, &[4, 0], &labels, None).0;
        assert_near(&numbers(alone), &numbers(with_ended));
    }
}

#[test]
fn the_loss_is_the_weighted_mean_of_the_frames() {
    for device in devices() {
        let model = model(&settings(None), FEATURES, &device);
        let (labels, weights) = ([0, 1, 2, 0, 1, 1, 0, 2], [0.5, 2.0, 1.0]);
        let log_probs = numbers(model.forward(frames(6, &device), None, &[4, 4]).0);
        let nll = |place: usize| -log_probs[place * 3 + labels[place] as usize];
        let weight = |place: usize| weights[labels[place] as usize];
        let total: f32 = (0..8).map(weight).sum();
        let wanted = (0..8).map(|place| weight(place) * nll(place)).sum::<f32>() / total;
        let (loss, _) = model.loss(frames(6, &device), None, &[4, 4], &labels, Some(&weights));
        assert_near(&numbers(loss), &[wanted]);
    }
}

/// Each clip is read alone, without frames past its end.
#[rstest]
fn the_loss_has_the_penalties_on_the_hidden_states(
    #[values(false, true)] bidirectional: bool,
    #[values(false, true)] feedback: bool,
    #[values([4, 2], [3, 0])] lengths: [usize; 2],
) {
    if bidirectional && feedback {
        return;
    }
    let plain = FrameTaggerSettings { bidirectional, feedback, ..settings(Some(Cell::Gru)) };
    let penalized = FrameTaggerSettings { penalties: BOTH, ..plain.clone() };
    let labels = [0, 2, 1, 1, 2, 0, 0, 1];
    for device in devices() {
        let of = |settings: &FrameTaggerSettings, device: &Device| {
            let model = model(settings, FEATURES, device);
            model.loss(frames(6, device), None, &lengths, &labels, None).0.into_scalar::<f64>()
        };
        let model = model(&plain, FEATURES, &device);
        let read = lengths.iter().enumerate().filter(|(_, length)| **length > 0).map(|(b, &length)| {
            let clip = frames(6, &device).narrow(0, b, 1).narrow(1, 0, length);
            let mut input = model.encode(clip);
            if feedback {
                let before = |t: usize, class: usize| t > 0 && labels[b * 4 + t - 1] as usize == class;
                let classes = |t: usize| (0..3).map(move |class| f32::from(u8::from(before(t, class))));
                let said: Vec<f32> = (0..length).flat_map(classes).collect();
                let said = Tensor::from_data(TensorData::new(said, [1, length, 3]), &device);
                input = Tensor::cat(vec![input, said], 2);
            }
            states(model.recurrent.as_ref().unwrap().forward(input, None, None).0)
        });
        let wanted = penalty(&read.collect::<Vec<_>>(), &BOTH);
        assert!(wanted > 0.001, "{wanted}");
        // A difference of two losses near 1 in single precision.
        check(of, [&plain, &penalized], &device, wanted, 2e-6);
    }
}

#[test]
fn weights_are_taken_from_a_model_of_the_same_shape_only() {
    for device in devices() {
        let gru = settings(Some(Cell::Gru));
        let (fresh, source) = (gru.init(PIXELS, 3, &device), model(&gru, PIXELS, &device));
        let clips = frames(30, &device);
        let of = |model: &FrameTagger| numbers(model.forward(clips.clone(), None, &[4, 4]).0);
        let same = fresh.clone().with_weights_of(&source, true).unwrap();
        assert_eq!(of(&same), of(&source));
        assert_ne!(of(&fresh.with_weights_of(&source, false).unwrap()), of(&source));
        for other in [settings(Some(Cell::Lstm)), with_layers(2, gru), settings(None)] {
            assert!(model(&other, PIXELS, &device).with_weights_of(&source, true).is_err());
        }
    }
}

#[rstest]
fn what_is_said_of_a_frame_is_what_is_read_with_the_next(
    #[values(Cell::Rnn, Cell::Lstm, Cell::Gru)] cell: Cell,
    #[values(0.0, 0.9)] scheduled_sampling: f64,
) {
    for device in devices() {
        let settings = FrameTaggerSettings { feedback: true, scheduled_sampling, ..settings(Some(cell)) };
        let model = model(&settings, FEATURES, &device);
        let clips = frames(6, &device) * 3.0;
        let log_probs = numbers(model.forward(clips.clone(), None, &[4, 4]).0);
        let likeliest = |row: &[f32]| (0..3).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap() as u32;
        let said: Vec<u32> = log_probs.chunks(3).map(likeliest).collect();
        let mean = |said: &[u32]| -> f32 {
            log_probs.chunks(3).zip(said).map(|(row, &class)| -row[class as usize]).sum::<f32>() / 8.0
        };
        // Where the labels are what it says, it makes no difference which of them is read.
        assert_near(&numbers(model.loss(clips.clone(), None, &[4, 4], &said, None).0), &[mean(&said)]);
        let other: Vec<u32> = said.iter().map(|&class| (class + 1) % 3).collect();
        let forced = numbers(model.loss(clips.clone(), None, &[4, 4], &other, None).0)[0];
        assert!(scheduled_sampling > 0.0 || (forced - mean(&other)).abs() > 1e-4, "{device:?}: labels are not read");

        // The next chunk goes on from the last label.
        let of = |at, labels: &[u32], state| model.loss(clips.clone().narrow(1, at, 2), state, &[2, 2], labels, None);
        let (first, state) = of(0, &[said[0], said[1], said[4], said[5]], None);
        let (last, _) = of(2, &[said[2], said[3], said[6], said[7]], state);
        assert_near(&numbers((first + last) / 2.0), &[mean(&said)]);
    }
}

#[test]
fn a_state_with_feedback_comes_back_from_a_checkpoint_and_begins_anew() {
    for device in devices() {
        let settings = FrameTaggerSettings { feedback: true, ..settings(Some(Cell::Lstm)) };
        let model = model(&settings, FEATURES, &device);
        let (_, state) = model.forward(frames(6, &device), None, &[4, 4]);
        let state = state.unwrap();
        let again = TaggerState::from_data(state.to_data(), Cell::Lstm, true, &device).unwrap();
        let next = |state| numbers(model.forward(frames(6, &device), state, &[4, 4]).0);
        assert_eq!(next(Some(again)), next(Some(state.clone())));
        assert_ne!(next(Some(state.clone())), next(None));
        assert_near(&next(Some(state.clone().reset_rows(&[0, 1]))), &next(None));
        assert!(TaggerState::from_data(Vec::new(), Cell::Lstm, true, &device).is_none());
        assert!(TaggerState::from_data(state.to_data(), Cell::Lstm, false, &device).is_none());
    }
}
