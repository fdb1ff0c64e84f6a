use std::collections::BTreeMap;

use super::*;

fn run(name: &str, figures: &[&str]) -> RunSummary {
    let curve = vec![(1.0, 2.0), (2.0, 1.0)];
    RunSummary {
        run: name.into(),
        task: "chars".to_owned(),
        model: "gru".to_owned(),
        parameters: None,
        steps: 2,
        seconds: None,
        best: None,
        objective: None,
        training: curve.clone(),
        evaluations: figures.iter().map(|figure| ((*figure).to_owned(), curve.clone())).collect::<BTreeMap<_, _>>(),
    }
}

#[test]
fn figures_that_all_runs_have_are_drawn() {
    let runs = [run("a", &["accuracy", "loss", "macro_f1"]), run("<b>", &["accuracy", "loss"])];
    assert_eq!(common_figures(&runs), ["loss", "accuracy"]);
    let svg = learning_curves(&runs);
    assert_eq!(svg.matches("<polyline").count(), 4 + 2);
    assert!(svg.contains("&lt;b&gt; (gru)") && !svg.contains("<b>"));
    assert_eq!(learning_curves(&[]).matches("<polyline").count(), 0);
}
