//! `rekindle eval` on a run of `translate`.

use anyhow::{Context, Result};
use rekindle_train::run::RunFolder;
use rekindle_train::tasks::translate::{self, Part as DataPart};
use serde_json::{Map, Value, json};

use crate::commands::{open_translator, print_json, search_of};
use crate::options::{Eval, Part};

pub fn eval(run: &RunFolder, options: &Eval) -> Result<()> {
    let trained = open_translator(run, options.checkpoint, &options.device)?;
    let settings = &trained.settings.data;
    let pairs = match (&options.data, options.part) {
        (Some(data), _) => settings.whole(data)?,
        (None, part) => {
            let part = match part {
                Part::Train => DataPart::Train,
                Part::Validation => DataPart::Validation,
                Part::Test => DataPart::Test,
            };
            settings.open_part(part)?.context("the run's data has no test part: judge on other files with --data")?
        }
    };
    let sources: Vec<&str> = pairs.sources.iter().map(String::as_str).collect();
    if let Some(warning) = trained.languages.swapped(&sources) {
        eprintln!("warning: {warning}");
    }
    let search = search_of(&options.search, trained.settings.search());
    // Beam search has `beam` rows for each sentence.
    let batch_size = options.batch_size.unwrap_or(64);
    let evaluation = translate::evaluate(&trained.model, &trained.languages, &pairs, &search, batch_size)?;
    let step = trained.progress.step;
    if options.output.json {
        let mut result: Map<String, Value> =
            evaluation.figures.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
        result.insert("sentences".to_owned(), pairs.len().into());
        result.insert("checkpoint_step".to_owned(), step.into());
        result.insert("loss_nats".to_owned(), evaluation.loss.into());
        result.insert("beam".to_owned(), search.beam.into());
        return print_json(&json!(result));
    }
    let [source, target] = [&trained.languages.source.name, &trained.languages.target.name];
    println!("sentences        {}, from {source} to {target}", pairs.len());
    println!("checkpoint       step {step}");
    println!("loss             {:.4} nats a symbol", evaluation.loss);
    for (name, value) in &evaluation.figures {
        println!("{:<16} {value:.4}", name.replace('_', " "));
    }
    println!("beam             {}", search.beam);
    Ok(())
}
