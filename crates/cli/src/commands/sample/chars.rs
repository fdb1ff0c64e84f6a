//! `rekindle sample` on a run of `chars`.

use std::io::{Write, stdout};

use anyhow::{Context, Result};
use rekindle_data::{Decoder, Vocabulary};
use rekindle_models::decode::{Sampler, Sampling, StopString};
use rekindle_train::run::RunFolder;
use serde_json::json;

use crate::commands::{open_chars, print_json};
use crate::options::{Sample, SampleChars};

pub fn sample(run: &RunFolder, options: &Sample) -> Result<()> {
    let SampleChars { length, temperature, top_k, top_p, prime, stop } = &options.chars;
    let (prime, stop) = (prime.as_deref().unwrap_or_default(), stop.as_deref().unwrap_or_default());
    let seed = options.seed.unwrap_or_else(rand::random);
    let sampling = Sampling { temperature: temperature.unwrap_or(0.8), top_k: *top_k, top_p: *top_p };
    let sampler = Sampler::new(sampling, seed)?;
    let (trained, _) = open_chars(run, options.checkpoint, &options.device)?;
    let vocabulary = &trained.vocabulary;
    let symbols = encode_prime(vocabulary, prime)?;
    let sampler = sampler.forbid(vocabulary.unknown_id());

    let mut out = Shown { text: prime.to_owned(), streaming: !options.output.json };
    out.stream(prime)?;
    let mut stop = StopString::new(stop);
    let mut decoder = Decoder::new(vocabulary);
    for symbol in trained.model.generate(&symbols, None, sampler).take(length.unwrap_or(500)) {
        out.show(&stop.push(&decoder.push(symbol)))?;
        if stop.stopped() {
            break;
        }
    }
    let rest = stop.push(&decoder.finish());
    out.show(&rest)?;
    let stopped = stop.stopped();
    out.show(&stop.finish())?;
    if options.output.json {
        return print_json(&json!({"text": out.text, "seed": seed, "stopped": stopped}));
    }
    println!();
    Ok(())
}

/// What has been written so far, shown at once where it goes to a person.
struct Shown {
    text: String,
    streaming: bool,
}

impl Shown {
    fn show(&mut self, piece: &str) -> Result<()> {
        self.text.push_str(piece);
        self.stream(piece)
    }

    fn stream(&self, piece: &str) -> Result<()> {
        if self.streaming && !piece.is_empty() {
            let mut out = stdout().lock();
            out.write_all(piece.as_bytes())?;
            out.flush()?;
        }
        Ok(())
    }
}

fn encode_prime(vocabulary: &Vocabulary, prime: &str) -> Result<Vec<u32>> {
    match vocabulary.encode(prime) {
        Ok(ids) => Ok(ids),
        Err(e) if vocabulary.unknown_id().is_some() => {
            eprintln!("warning: --prime: {e}; it is read as the unknown symbol");
            Ok(vocabulary.encode_lossy(prime))
        }
        Err(e) => Err(e).context("--prime: the model has never seen a symbol of it"),
    }
}
