//! The learning curves of several runs in one picture.

use std::collections::BTreeSet;

use rekindle_train::run::RunSummary;

use crate::chart::{Chart, Line, stacked};

/// The loss of all runs over the epochs, held out and in training, and below it each figure that all of them have.
pub fn learning_curves(runs: &[RunSummary]) -> String {
    let name = |run: &RunSummary| format!("{} ({})", run.run.display(), run.model);
    let mut losses = Vec::new();
    for (colour, run) in runs.iter().enumerate() {
        let held_out = run.evaluations.get("loss").cloned().unwrap_or_default();
        losses.push(Line { colour, ..Line::new(name(run), held_out) });
        let training = Line::new(format!("{}, in training", run.run.display()), run.training.clone());
        losses.push(Line { colour, dash: 2, ..training });
    }
    let chart =
        |title: String, y: String, lines: Vec<Line>| Chart { title, x: "epochs".to_owned(), y, log_y: false, lines };
    let mut charts = vec![chart("Loss".to_owned(), "loss".to_owned(), losses)];
    for figure in common_figures(runs).into_iter().filter(|figure| figure != "loss") {
        let of_run = |(colour, run): (usize, &RunSummary)| Line {
            colour,
            ..Line::new(name(run), run.evaluations[&figure].clone())
        };
        let shown = figure.replace('_', " ");
        charts.push(chart(format!("{shown}, held out"), shown, runs.iter().enumerate().map(of_run).collect()));
    }
    stacked(&charts)
}

/// The names of the figures that all runs have, the loss first.
pub fn common_figures(runs: &[RunSummary]) -> Vec<String> {
    let mut names = runs.iter().map(|run| run.evaluations.keys().cloned().collect::<BTreeSet<_>>());
    let first = names.next().unwrap_or_default();
    let common = names.fold(first, |common, names| common.intersection(&names).cloned().collect());
    let (loss, others): (Vec<_>, Vec<_>) = common.into_iter().partition(|name| name == "loss");
    loss.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests;
