use rekindle_data::parallel::WordVocabulary;
use rekindle_models::captioner::{CaptionerSettings, CaptionerSizes};
use rekindle_models::settings::RecurrentSettings;
use rekindle_settings::Settings;

use super::*;

const LONGEST: usize = 6;

/// Three images with two captions each, of the words 4 to 9.
fn captions() -> Vec<Vec<Vec<u32>>> {
    vec![vec![vec![4, 5, 6], vec![5, 6]], vec![vec![7, 8], vec![4, 7]], vec![vec![9], vec![9, 4, 9]]]
}

fn rewards(samples: usize, baseline: Baseline) -> SelfCritical {
    SelfCritical::new(SelfCriticalSettings { self_critical: true, samples, baseline, cross_entropy: 0.0 }, LONGEST, &captions())
}

fn draw(self_critical: &SelfCritical, seed: u64) -> Drawn {
    let device = Device::default();
    let recurrent = RecurrentSettings { hidden: 8, ..RecurrentSettings::default() };
    let settings = CaptionerSettings { recurrent, pillar: 8, ..CaptionerSettings::default() };
    let model = settings.init_with(&CaptionerSizes::new(10, 3), &mut seeded(2), &device);
    let values = (0..2 * 4 * 3).map(|i| i as f32 / 10.0).collect();
    let features = Tensor::from_data(TensorData::new(values, [2, 4, 3]), &device);
    self_critical.draw(&model, features, &[2, 0], seed).unwrap()
}

#[test]
fn a_caption_is_compared_with_the_others_of_its_image() {
    let self_critical = rewards(4, Baseline::Others);
    let Drawn { captions, reward } = draw(&self_critical, 3);
    assert_eq!(captions.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4]);
    let mut sum = 0.0;
    for (image, captions) in [2, 0].into_iter().zip(&captions) {
        let rewards: Vec<f64> = captions.iter().map(|c| self_critical.metric.score(image, &c.tokens)).collect();
        for (at, caption) in captions.iter().enumerate() {
            let others = rewards.iter().enumerate().filter(|(other, _)| *other != at);
            let baseline = others.map(|(_, reward)| reward).sum::<f64>() / 3.0;
            assert!((caption.weight - (rewards[at] - baseline)).abs() < 1e-12, "{caption:?}: {rewards:?}");
        }
        sum += rewards.iter().sum::<f64>();
    }
    assert!(sum > 0.0 && (reward - sum / 8.0).abs() < 1e-12, "{reward}");
    let all = || captions.iter().flatten().map(|caption| &caption.tokens);
    let ended = |tokens: &[u32]| tokens.last() == Some(&WordVocabulary::END);
    assert!(all().all(|tokens| if ended(tokens) { tokens.len() <= LONGEST + 1 } else { tokens.len() == LONGEST }));
    assert_eq!(draw(&self_critical, 3).captions, captions);
    assert_ne!(draw(&self_critical, 4).captions, captions);
}

#[test]
fn with_a_greedy_baseline_weight_and_reward_differ_by_the_same_for_all_captions_of_an_image() {
    let self_critical = rewards(3, Baseline::Greedy);
    let mut baselines = Vec::new();
    for seed in [3, 4] {
        for (image, captions) in [2, 0].into_iter().zip(draw(&self_critical, seed).captions) {
            let baseline = captions.iter().map(|c| self_critical.metric.score(image, &c.tokens) - c.weight);
            baselines.push(baseline.collect::<Vec<_>>());
        }
    }
    let same = |one: &[f64], other: &[f64]| one.iter().chain(other).all(|baseline| (baseline - one[0]).abs() < 1e-12);
    // The greedy caption does not depend on the seed.
    assert!(same(&baselines[0], &baselines[2]) && same(&baselines[1], &baselines[3]), "{baselines:?}");
}

#[test]
fn the_end_counts_in_the_reward() {
    let SelfCritical { metric, .. } = rewards(2, Baseline::Others);
    let end = WordVocabulary::END;
    assert!(metric.score(0, &[4, 5, 6, end]) > metric.score(0, &[4, 5, 6]));
    // "5 end" is in no reference.
    assert!(metric.score(0, &[4, 5]) > metric.score(0, &[4, 5, end]));
}

#[test]
fn settings_without_effect_or_meaning_are_refused() {
    let refusal = |settings: SelfCriticalSettings| settings.validate().map_err(|error| error.to_string());
    let on = SelfCriticalSettings { self_critical: true, ..SelfCriticalSettings::default() };
    let off = SelfCriticalSettings::default();
    for (settings, wanted) in [
        (SelfCriticalSettings { samples: 3, ..off.clone() }, "--samples 3: must be used with --self-critical"),
        (
            SelfCriticalSettings { baseline: Baseline::Greedy, ..off },
            "--baseline greedy: must be used with --self-critical",
        ),
        (
            SelfCriticalSettings { cross_entropy: 0.5, ..SelfCriticalSettings::default() },
            "--cross-entropy 0.5: must be used with --self-critical",
        ),
        (SelfCriticalSettings { samples: 1, ..on.clone() }, "--samples 1: must be at least 2 with --baseline others"),
    ] {
        assert_eq!(refusal(settings), Err(wanted.to_owned()));
    }
    assert_eq!(refusal(SelfCriticalSettings { samples: 1, baseline: Baseline::Greedy, ..on }), Ok(()));
}
