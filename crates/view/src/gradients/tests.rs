use rekindle_train::inside::Reach;

use super::*;

fn flow() -> GradientFlow {
    let reach = |layer, state| Reach { layer, state, norms: vec![1.0, 0.5, 0.25], half_life: Some(1.0) };
    let flow = || Flow { reach: vec![reach(0, "h"), reach(0, "c"), reach(1, "h"), reach(1, "c")], weights: Vec::new() };
    GradientFlow { task: "chars", model: "lstm".to_owned(), step: 7, start: flow(), trained: flow() }
}

#[test]
fn one_run_shows_all_its_states_and_several_their_hidden_states() {
    let lines = |runs: &[(String, GradientFlow)]| gradient_chart(runs).matches("<polyline").count();
    assert_eq!(lines(&[("a".to_owned(), flow())]), 2 * 4);
    assert_eq!(lines(&[("a".to_owned(), flow()), ("b".to_owned(), flow())]), 2 * 2 * 2);
    let svg = gradient_chart(&[("<a>".to_owned(), flow()), ("b".to_owned(), flow())]);
    assert!(svg.contains("&lt;a&gt;, layer 1: half-life 1.00") && !svg.contains("<a>"));
}
