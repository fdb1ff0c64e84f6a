use burn::tensor::Device;
use rekindle_models::attention::AttentionKind;
use rekindle_models::captioner::ImageTerm;
use rekindle_models::captioner::encoder::EncoderKind;

use super::*;

fn opened(change: impl Fn(&mut CaptionSettings), assets: Option<CaptionAssets>) -> Result<CaptionTask, TaskError> {
    let mut settings = CaptionSettings::default();
    change(&mut settings);
    CaptionTask::open(&settings, assets, &Device::default())
}

#[test]
fn steps_are_counted_as_the_loop_counts_them() {
    let task = opened(|settings| settings.training.accumulate = 7, None).unwrap();
    let batches = task.batches();
    assert_ne!(batches % 7, 0, "the last step of an epoch has fewer batches");
    let steps: Vec<u64> = (0..3).flat_map(|epoch| [0, 7, batches - 1].map(|batch| task.step(epoch, batch))).collect();
    let each = batches.div_ceil(7);
    assert_eq!(steps, [0, 1, each - 1, each, each + 1, 2 * each - 1, 2 * each, 2 * each + 1, 3 * each - 1]);
}

#[test]
fn a_penalty_on_attention_that_is_not_there_is_refused_in_new_runs_only() {
    let change = |settings: &mut CaptionSettings| {
        settings.model.captioner.attention = AttentionKind::None;
        settings.model.captioner.doubly_stochastic = 1.0;
    };
    let error = opened(change, None).unwrap_err().to_string();
    assert!(error.contains("--doubly-stochastic 1") && error.contains("--attention none"), "{error}");
    let vocabulary = WordVocabulary::new([vec!["red".to_owned()]].iter(), 1, None);
    opened(change, Some(CaptionAssets { vocabulary, encoder: None })).unwrap();
}

/// A change of settings, and the option that it is.
type Case = (&'static str, fn(&mut CaptionSettings));

#[test]
fn options_without_an_effect_or_with_a_wrong_one_are_refused_in_new_runs() {
    let cases: [Case; 6] = [
        ("--no-gate", |settings| {
            settings.model.captioner.attention = AttentionKind::None;
            settings.model.captioner.no_gate = true;
        }),
        ("--image-term every", |settings| settings.model.captioner.image_term = ImageTerm::Every),
        ("--images here", |settings| settings.data.images = Some("here".into())),
        ("--allow-missing", |settings| settings.data.allow_missing = true),
        ("--flip", |settings| settings.data.flip = true),
        ("--crop", |settings| settings.data.crop = true),
    ];
    for (option, change) in cases {
        let error = opened(change, None).unwrap_err().to_string();
        assert!(error.starts_with(option) && error.contains("left out"), "{error}");
    }
}

#[test]
fn the_loss_of_given_captions_is_added_to_that_of_rewards() {
    // Without dropout, so that all three read the same numbers.
    let loss = |self_critical, cross_entropy| {
        let change = |settings: &mut CaptionSettings| {
            settings.data.batch_size = 3;
            settings.data.captions_per_image = 1;
            settings.reward.self_critical = self_critical;
            settings.reward.cross_entropy = cross_entropy;
        };
        let mut task = opened(change, None).unwrap();
        let model = CaptionTask::model(&task.settings, &task.assets, 1, &task.device);
        let loss = task.loss(&model, 0, 0, None).unwrap();
        let parts = loss.loss.parts().iter().map(|part| part.mean.clone().into_scalar::<f32>());
        (parts.map(f64::from).sum::<f64>(), task.kept())
    };
    let [given, rewarded, both] = [(false, 0.0), (true, 0.0), (true, 0.5)].map(|(on, weight)| loss(on, weight));
    assert!(given.0 > 1.0, "{given:?}");
    assert!((rewarded.0 + 0.5 * given.0 - both.0).abs() < 1e-4, "{rewarded:?}, {given:?} and {both:?}");
    // The memory estimate counts the time steps of both.
    assert_eq!(given.1 + rewarded.1, both.1);
}

#[test]
fn a_rate_of_a_frozen_image_encoder_is_refused() {
    let mut settings = CaptionSettings::default();
    settings.model.encoder.encoder = EncoderKind::EfficientNetLite0;
    settings.check_used().unwrap();
    settings.model.encoder.encoder_rate = 0.5;
    let error = settings.check_used().unwrap_err().to_string();
    assert!(error.starts_with("--encoder-rate 0.5") && error.contains("left out"), "{error}");
}
