use rekindle_models::captioner::{CaptionerSettings, CaptionerSizes};
use rekindle_models::settings::RecurrentSettings;

use super::*;

const LONGEST: usize = 5;

fn consensus(samples: usize) -> Consensus {
    let captions = [vec![vec![4, 5, 6], vec![5, 6]], vec![vec![7, 8], vec![4, 7]], vec![vec![9], vec![9, 4, 9]]];
    Consensus { samples, temperature: 1.0, metric: with_ends(&captions) }
}

fn hypothesis(symbols: &[u32], score: f64) -> Hypothesis {
    Hypothesis { symbols: symbols.to_vec(), log_prob: 2.0 * score, score, ended: true }
}

fn model(seed: u64) -> Captioner {
    let recurrent = RecurrentSettings { hidden: 8, ..RecurrentSettings::default() };
    let settings = CaptionerSettings { recurrent, pillar: 8, ..CaptionerSettings::default() };
    settings.init_with(&CaptionerSizes::new(10, 3), &mut seeded(seed), &Device::default())
}

fn features() -> Tensor<3> {
    let values = (0..2 * 4 * 3).map(|i| i as f32 / 10.0).collect();
    Tensor::from_data(TensorData::new(values, [2, 4, 3]), &Device::default())
}

#[test]
fn the_caption_that_is_most_like_the_samples_comes_first() {
    let found = vec![hypothesis(&[7, 8], -0.1), hypothesis(&[4, 5, 6], -0.2)];
    let drawn = [&[5, 6][..], &[4, 5, 6], &[5, 6], &[7, 7]].map(|symbols| hypothesis(symbols, -1.0)).to_vec();
    let ranked = consensus(4).rank(found, drawn);
    // No caption is there twice, and that of the search keeps its probability.
    assert_eq!(ranked.len(), 4);
    assert_eq!((&ranked[0].symbols[..], ranked[1].log_prob), (&[5, 6][..], -0.4));
    assert!(ranked.is_sorted_by(|one, other| one.score >= other.score) && ranked[0].score > ranked[1].score);
}

#[test]
fn a_caption_that_was_cut_off_is_another_than_the_same_with_its_end() {
    let whole = hypothesis(&[5, 6], -0.1);
    let cut = Hypothesis { ended: false, ..whole.clone() };
    let ranked = consensus(2).rank(vec![cut], vec![whole.clone(), whole]);
    assert_eq!(ranked.iter().map(|caption| caption.ended).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn the_samples_depend_on_the_seed_and_those_of_the_search_are_candidates() {
    let model = model(2);
    let search = Search { beam: 2, max_length: LONGEST, ..Search::default() };
    let writing = Writing { search, consensus: Some(consensus(SIDE_BY_SIDE)) };
    for members in [vec![(&model, features())], vec![(&model, features()), (&model, features())]] {
        let written = writing.write(&members, 3).unwrap();
        assert_eq!(written, writing.write(&members, 3).unwrap());
        assert_ne!(written, writing.write(&members, 4).unwrap());
        let found = Captioner::write_together(&members, &NEVER, &search).unwrap();
        assert_eq!(Writing::from(search).write(&members, 3).unwrap(), found);
        for (written, found) in written.iter().zip(&found) {
            assert!(written.iter().all(|caption| !caption.symbols.iter().any(|symbol| NEVER.contains(symbol))));
            assert!(found.iter().all(|found| written.iter().any(|caption| caption.symbols == found.symbols)));
            // An untrained model repeats itself seldom: the samples of both rounds are there.
            assert!(written.len() > SIDE_BY_SIDE / 2, "{}", written.len());
        }
    }
}

#[test]
fn a_model_with_itself_draws_what_it_draws_alone() {
    let model = model(5);
    let draw = |members: &[_]| {
        Captioner::draw_several_together(members, 3, &NEVER, LONGEST, Sampling::default(), 7).unwrap()
    };
    let tokens = |drawn: Vec<Vec<Hypothesis>>| drawn.into_iter().flatten().map(|h| h.symbols).collect::<Vec<_>>();
    let alone = tokens(draw(&[(&model, features())]));
    assert_eq!(alone, tokens(draw(&[(&model, features()), (&model, features())])));
}
