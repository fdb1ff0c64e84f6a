//! Translates the lines of standard input with a trained run of `translate`, and says which word each was written for:
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
use rekindle_train::tasks::translate::TrainedTranslator;

fn main() -> Result<()> {
    let run = std::env::args_os().nth(1).context("usage: translate-lines RUN < TEXTS")?;
    let run = RunFolder::open(run)?;
    let trained = TrainedTranslator::open(&run, Which::Best, &Device::flex())?;
    let search = trained.settings.search();
    for line in stdin().lines() {
        let line = line.context("cannot read standard input")?;
        for translations in trained.languages.translate(&trained.model, &[&line], &search)? {
            let Some((text, found)) = translations.first() else { continue };
            let pairs = aligned(&trained, &line, &found.symbols)?.join(" ");
            writeln!(stdout(), "{text}\t{:.3}\t{pairs}", found.log_prob.exp())?;
        }
    }
    Ok(())
}

/// Each symbol of a translation beside the symbol of its source at which the model looked most; nothing for a model that
/// has no attention.
fn aligned(trained: &TrainedTranslator, source: &str, translation: &[u32]) -> Result<Vec<String>> {
    let languages = &trained.languages;
    let read = languages.source.tokens(source);
    let weights = trained.model.alignment(&languages.source.encode(source), translation)?.unwrap_or_default();
    let written = languages.target.vocabulary.decode(translation);
    let pairs = written.iter().zip(&weights).map(|(word, weights)| {
        let most = (0..weights.len()).max_by(|&a, &b| weights[a].total_cmp(&weights[b]));
        let seen = most.and_then(|at| read.get(at)).map_or("<END>", String::as_str);
        format!("{word}:{seen}")
    });
    Ok(pairs.collect())
}
