//! `rekindle predict` on a run of `sentiment`.

mod explained;

use std::fs;
use std::io::{IsTerminal, Write, stdin, stdout};

use anyhow::{Context, Result};
use rekindle_train::run::RunFolder;
use rekindle_train::tasks::sentiment::{Prediction, TrainedSentiment};
use serde_json::{Value, json};

use crate::backend;
use crate::commands::{print_json, warn_of_rejected};
use crate::options::Predict;
use explained::{Explained, Shown};

/// Texts of standard input are classified one by one, so that whoever writes them is answered at once.
const BATCH: usize = 64;

pub fn predict(run: &RunFolder, options: &Predict) -> Result<()> {
    let explain = options.sentiment.explain || options.sentiment.html.is_some();
    let chosen = backend::choose(&options.device)?;
    // Explanations are gradients.
    let device = if explain { chosen.device.autodiff() } else { chosen.device };
    let trained = TrainedSentiment::open(run, options.checkpoint, &device)?;
    warn_of_rejected(&trained.rejected);
    let mut answers =
        Answers { trained: &trained, options, explain, json: Vec::new(), explained: Vec::new(), number: 0 };
    if !options.inputs.is_empty() {
        answers.give(&options.inputs)?;
    } else if let Some(file) = &options.file {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        answers.give(&text.lines().map(str::to_owned).collect::<Vec<_>>())?;
    } else {
        for line in stdin().lines() {
            answers.give(&[line.context("cannot read standard input")?])?;
        }
    }
    answers.finish()
}

/// What is said of the texts.
struct Answers<'a> {
    trained: &'a TrainedSentiment,
    options: &'a Predict,
    explain: bool,
    json: Vec<Value>,
    explained: Vec<Explained>,
    /// Texts so far.
    number: usize,
}

impl Answers<'_> {
    fn give(&mut self, texts: &[String]) -> Result<()> {
        for batch in texts.chunks(BATCH) {
            if self.explain {
                for text in batch {
                    let (prediction, parts) = self.trained.explain(text);
                    let parts = parts.into_iter().map(|(part, share)| (part.to_owned(), share)).collect();
                    self.answer(text, &prediction, Some(parts))?;
                }
            } else {
                let predictions = self.trained.classify(batch)?;
                batch.iter().zip(&predictions).try_for_each(|(text, found)| self.answer(text, found, None))?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, text: &str, prediction: &Prediction, parts: Option<Vec<(String, Option<f32>)>>) -> Result<()> {
        self.number += 1;
        let class = self.trained.class(prediction.class).to_owned();
        if prediction.empty {
            eprintln!("warning: text {} has no word; it is read as one unknown word", self.number);
        }
        let mut order: Vec<usize> = (0..prediction.probabilities.len()).collect();
        order.sort_by(|&a, &b| prediction.probabilities[b].total_cmp(&prediction.probabilities[a]));
        let named = |&class: &usize| format!("{} {:.3}", self.trained.class(class), prediction.probabilities[class]);
        let probabilities = order.iter().map(named).collect::<Vec<_>>().join(", ");
        if self.options.output.json {
            let by_name = order.iter().map(|&c| (self.trained.class(c).to_owned(), prediction.probabilities[c].into()));
            let mut answer = json!({
                "text": text,
                "class": class,
                "probabilities": by_name.collect::<serde_json::Map<String, Value>>(),
            });
            if let Some(parts) = &parts {
                let words =
                    parts.iter().filter_map(|(word, share)| Some(json!({"word": word, "contribution": (*share)?})));
                answer["words"] = words.collect();
            }
            self.json.push(answer);
        }
        let explained =
            parts.map(|parts| Explained { class: class.clone(), probabilities: probabilities.clone(), parts });
        if !self.options.output.json {
            let mut out = stdout().lock();
            let shown = match &explained {
                Some(explained) if self.options.sentiment.explain => {
                    explained.shown(Shown::here(stdout().is_terminal()))
                }
                _ => text.to_owned(),
            };
            writeln!(out, "{class}\t{probabilities}\t{shown}")?;
            out.flush()?;
        }
        self.explained.extend(explained.filter(|_| self.options.sentiment.html.is_some()));
        Ok(())
    }

    fn finish(self) -> Result<()> {
        if let Some(file) = &self.options.sentiment.html {
            fs::write(file, explained::html(&self.explained))
                .with_context(|| format!("cannot write {}", file.display()))?;
            eprintln!("written: {}", file.display());
        }
        if self.options.output.json {
            print_json(&self.json)?;
        }
        Ok(())
    }
}
