//! `rekindle compare`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::HumanDuration;
use rekindle_train::run::RunSummary;
use rekindle_view::compare::{common_figures, learning_curves};

use crate::console::{self, answer, note};
use crate::options::Compare;
use crate::progress::thousands;
use crate::runs;

pub fn run(options: &Compare) -> Result<()> {
    let read = |path: &PathBuf| -> Result<_> { Ok(RunSummary::read(&runs::open(path)?)?) };
    let runs = options.runs.iter().map(read).collect::<Result<Vec<_>>>()?;
    match options.output.json {
        true => console::json(&runs)?,
        false => answer!("{}", table(&runs))?,
    }
    if let Some(file) = &options.svg {
        std::fs::write(file, learning_curves(&runs)).with_context(|| format!("cannot write {}", file.display()))?;
        note!("written: {}", file.display());
    }
    Ok(())
}

/// A line for each run, with the figures that all of them have at their best evaluations.
fn table(runs: &[RunSummary]) -> String {
    let figures = common_figures(runs);
    let heads = ["run", "task", "model", "parameters", "time", "best step"].map(str::to_owned).into_iter();
    let mut rows: Vec<Vec<String>> = vec![heads.chain(figures.iter().map(|name| name.replace('_', " "))).collect()];
    for run in runs {
        let unknown = || "-".to_owned();
        let mut row = vec![
            run.run.display().to_string(),
            run.task.clone(),
            run.model.clone(),
            run.parameters.map_or_else(unknown, |count| thousands(count as f64).to_string()),
            run.seconds.map_or_else(unknown, time),
            run.best.as_ref().map_or_else(unknown, |best| best.step.to_string()),
        ];
        let figure = |name: &String| run.best.as_ref().and_then(|best| best.figures.get(name));
        row.extend(figures.iter().map(|name| figure(name).map_or_else(unknown, |value| format!("{value:.4}"))));
        rows.push(row);
    }
    columns(&rows)
}

/// A time in words.
pub fn time(seconds: f64) -> String {
    HumanDuration(Duration::from_secs_f64(seconds)).to_string()
}

/// Rows of cells as lines, each column as wide as its widest cell.
pub fn columns(rows: &[Vec<String>]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..first.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
