use super::*;

#[test]
fn the_curves_of_training_and_of_evaluations_are_drawn() {
    let metrics = r#"{"kind":"step","step":1,"epoch":0.5,"loss":3.0}
{"kind":"step","step":2,"epoch":1.0,"loss":2.5}
{"kind":"evaluation","step":2,"epoch":1.0,"loss":2.6,"a_figure_of_less_weight":9.0,"accuracy":0.7,"best":true}
"#;
    let picture = learning_curve(metrics, "nats", Some("accuracy")).unwrap();
    assert_eq!(picture.name, "learning-curve");
    for words in ["loss in nats", "training", "held out", "accuracy", "epochs"] {
        assert!(picture.svg.contains(words), "{words} is missing");
    }
    assert!(!picture.svg.contains("less weight"));
    // One line for each of the three curves.
    assert!(picture.svg.matches("<polyline").count() >= 3);
}

#[test]
fn one_figure_alone_and_broken_lines_can_be_drawn() {
    let metrics = "{\"kind\":\"step\",\"step\":1,\"epoch\":0.5,\"loss\":3.0}\nno JSON\n{\"kind\":\"step\",\"lo";
    assert!(learning_curve(metrics, "", None).is_some());
    assert!(learning_curve("", "", None).is_none());
}

#[test]
fn a_long_curve_is_thinned_to_means() {
    let curve: Curve = (0..10_000).map(|i| (f64::from(i), 2.0)).collect();
    let thin = thinned(curve);
    assert!(thin.len() <= MAX_POINTS && thin.iter().all(|point| point.1 == 2.0));
}
