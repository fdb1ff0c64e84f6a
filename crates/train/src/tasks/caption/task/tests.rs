use burn::tensor::Device;
use rekindle_models::attention::AttentionKind;

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
