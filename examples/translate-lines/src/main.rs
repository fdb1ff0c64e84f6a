//! Translates the lines of standard input with a trained run of `translate`, and aligns each word with a source word:
//! `translation<TAB>probability<TAB>word:source-word ..`.
//!
//! ```sh
//! rekindle train translate --out runs/dates
//! echo "the third of march nineteen ninety" | cargo run --release -p translate-lines -- runs/dates
//! ```
#![forbid(unsafe_code)]

use std::io::{Write, stdin, stdout};

use anyhow::{Context, Result};
use burn::tensor::Device;
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::task::Trained;
use rekindle_train::tasks::translate::TranslateTask;

fn main() -> Result<()> {
    let run = std::env::args_os().nth(1).context("usage: translate-lines RUN < TEXTS")?;
    let trained = Trained::<TranslateTask>::open(&RunFolder::open(run)?, Which::Best, &Device::flex())?;
    let search = trained.settings.search();
    let translator = trained.translator();
    for line in stdin().lines() {
        let line = line.context("cannot read standard input")?;
        for translations in translator.translate(&[&line], &search)? {
            let Some((text, found)) = translations.first() else { continue };
            let pairs = aligned(&trained, &line, &found.symbols)?.join(" ");
            writeln!(stdout(), "{text}\t{:.3}\t{pairs}", found.log_prob.exp())?;
        }
    }
    Ok(())
}

/// Each token of a translation with the source token of the largest attention weight; empty for a model without
/// attention.
fn aligned(trained: &Trained<TranslateTask>, source: &str, translation: &[u32]) -> Result<Vec<String>> {
    let alignment = trained.alignment(source, translation)?.unwrap_or_default();
    // The last target token is the end.
    let pairs = alignment.written.iter().zip(&alignment.weights).take(translation.len()).map(|(word, weights)| {
        let most = (0..weights.len()).max_by(|&a, &b| weights[a].total_cmp(&weights[b])).unwrap_or(0);
        format!("{word}:{}", alignment.read[most])
    });
    Ok(pairs.collect())
}
