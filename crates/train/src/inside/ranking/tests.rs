use super::*;
use crate::inside::Series;

/// Four units over 100 time steps, of which the last ones follow a feature, its opposite, and a number.
fn activations() -> Activations {
    let noise = |t: usize| ((t * 7919 + 13) % 101) as f32 / 101.0;
    let inside = |t: usize| t / 10 % 2 == 1;
    let steps = || 0..100;
    let units = vec![
        vec![0.25; 100],
        steps().map(noise).collect(),
        steps().map(|t| if inside(t) { -1.0 } else { 1.0 } + 0.5 * noise(t)).collect(),
        steps().map(|t| (t % 10) as f32 * 0.1).collect(),
    ];
    let values = steps().map(|t| if t < 50 { f32::NAN } else { f32::from(u8::from(inside(t))) }).collect();
    Activations {
        source: "test".to_owned(),
        unit: "characters",
        tokens: steps().map(|_| "x".to_owned()).collect(),
        starts: vec![0],
        features: vec![
            Feature::number("position", steps().map(|t| (t % 10) as f32)),
            Feature::binary("inside", steps().map(inside)),
            Feature { name: "inside, later".to_owned(), kind: Kind::Binary, values },
        ],
        series: vec![Series { layer: 1, reverse: false, state: "c", units }],
        gates: Vec::new(),
    }
}

#[test]
fn the_unit_that_follows_a_feature_is_found_whichever_its_sign() {
    let ranking = Ranking::of(&activations());
    let best = |name: &str| {
        let found = ranking.features.iter().find(|ranking| ranking.feature == name).unwrap();
        (found.units[0].clone(), found.count)
    };
    for (name, count) in [("inside", 50), ("inside, later", 30)] {
        let (unit, of) = best(name);
        assert_eq!((unit.unit, unit.name.as_str(), of), (2, "layer 1 c 2", count));
        assert_eq!((unit.score.auc, unit.score.figure(), unit.score.is_positive()), (Some(0.0), 1.0, false));
    }
    let (unit, count) = best("position");
    assert_eq!((unit.unit, unit.score.auc, count), (3, None, 100));
    assert!((unit.score.correlation - 1.0).abs() < 1e-6);
}

#[test]
fn every_unit_has_its_best_feature_and_a_constant_one_has_none() {
    let ranking = Ranking::of(&activations());
    let features: Vec<_> = ranking.units.iter().map(|unit| unit.feature.as_deref()).collect();
    assert_eq!((features[0], features[3]), (None, Some("position")));
    assert!(features[2].unwrap().starts_with("inside"));
    assert!(ranking.units[1].score.unwrap().strength() < 0.5);
}
