//! Classifies the lines of standard input with a trained run of `sentiment`: `class<TAB>probability<TAB>line`.
//!
//! ```sh
//! rekindle train sentiment --out runs/reviews
//! echo "the film was not dull" | cargo run --release -p classify-lines -- runs/reviews
//! ```
#![forbid(unsafe_code)]

use std::io::{Write, stdin, stdout};

use anyhow::{Context, Result};
use burn::tensor::Device;
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::task::Trained;
use rekindle_train::tasks::sentiment::SentimentTask;

fn main() -> Result<()> {
    let run = std::env::args_os().nth(1).context("usage: classify-lines RUN < TEXTS")?;
    let run = RunFolder::open(run)?;
    let trained = Trained::<SentimentTask>::open(&run, Which::Best, &Device::flex())?;
    for line in stdin().lines() {
        let line = line.context("cannot read standard input")?;
        for found in trained.classify(&[&line])? {
            let probability = found.probabilities[found.class];
            writeln!(stdout(), "{}\t{probability:.3}\t{line}", trained.class(found.class))?;
        }
    }
    Ok(())
}
