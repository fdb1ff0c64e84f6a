//! `rekindle eval`, a file for each task.

mod caption;
mod chars;
mod draw;
mod frames;
mod sentiment;
mod translate;

use anyhow::{Result, bail};
use clap::ArgMatches;
use rekindle_metrics::classification::ConfusionMatrix;
use rekindle_train::run::{RunFolder, RunSettings};
use rekindle_train::tasks::caption::CaptionSettings;
use rekindle_train::tasks::chars::CharsSettings;
use rekindle_train::tasks::draw::DrawSettings;
use rekindle_train::tasks::frames::FramesSettings;
use rekindle_train::tasks::sentiment::SentimentSettings;
use rekindle_train::tasks::translate::TranslateSettings;
use serde_json::{Value, json};

use crate::options::Eval;

pub fn run(options: &Eval, matches: &ArgMatches) -> Result<()> {
    let run = RunFolder::open(&options.run)?;
    let task = run.head()?.task;
    super::refuse_options_of_other_tasks(&task, matches)?;
    match task.as_str() {
        CaptionSettings::TASK => caption::eval(&run, options),
        CharsSettings::TASK => chars::eval(&run, options),
        DrawSettings::TASK => draw::eval(&run, options),
        FramesSettings::TASK => frames::eval(&run, options),
        SentimentSettings::TASK => sentiment::eval(&run, options),
        TranslateSettings::TASK => translate::eval(&run, options),
        other => bail!("{}: {}", run.path().display(), super::no_such_task(other)),
    }
}

/// The figures of each class, and what each was taken for. `items` is what was classified.
fn print_classes(matrix: &ConfusionMatrix, classes: &[String], items: &str) {
    let width = classes.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(9);
    println!("\n{:width$}  precision  recall      F1  {items:>6}", "class");
    for (number, name) in classes.iter().enumerate() {
        let figures = matrix.class(number);
        let [precision, recall, f1] = [figures.precision, figures.recall, figures.f1];
        println!("{name:width$}  {precision:9.4}  {recall:6.4}  {f1:6.4}  {:6}", figures.support);
    }
    println!("\n{:width$}  taken for", "true");
    for (number, name) in classes.iter().enumerate() {
        let row = matrix.row(number).iter().zip(classes).map(|(count, class)| format!("{class} {count}"));
        println!("{name:width$}  {}", row.collect::<Vec<_>>().join(", "));
    }
}

fn classes_as_json(matrix: &ConfusionMatrix, classes: &[String]) -> Value {
    let class = |(number, name): (usize, &String)| {
        let figures = matrix.class(number);
        json!({
            "class": name,
            "precision": figures.precision,
            "recall": figures.recall,
            "f1": figures.f1,
            "support": figures.support,
        })
    };
    classes.iter().enumerate().map(class).collect()
}
