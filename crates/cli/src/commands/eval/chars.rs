//! `rekindle eval` on a run of `chars`.

use anyhow::{Context, Result};
use rekindle_data::{Corpus, Split, TextSource};
use rekindle_metrics::language::{bits, perplexity};
use rekindle_train::run::RunFolder;
use rekindle_train::tasks::chars::{self, CharsSettings, Windows};
use serde_json::json;

use crate::commands::{open_chars, print_json};
use crate::options::{Eval, Part};

pub fn eval(run: &RunFolder, options: &Eval) -> Result<()> {
    let (trained, chosen) = open_chars(run, options.checkpoint, &options.device)?;
    let settings = &trained.settings;
    let (corpus, range) = match &options.data {
        Some(data) => whole(data, options.chars.pattern.as_deref(), settings)?,
        None => part(options.part, settings)?,
    };
    let batch_size = options.batch_size.unwrap_or(settings.data.batch_size);
    let sequence_length = options.chars.sequence_length.unwrap_or(settings.data.sequence_length);
    let (predicted, evaluation) = match options.chars.window_stride {
        Some(stride) => {
            let windows = Windows::new(&corpus, &trained.vocabulary, range, sequence_length, stride)?;
            let windows = windows.context("the part is shorter than a window: give a smaller --sequence-length")?;
            (windows.predicted(), windows.evaluate(&trained.model, batch_size, &chosen.device)?)
        }
        None => {
            let streams = chars::evaluation_streams(&corpus, &trained.vocabulary, range, batch_size, sequence_length)?;
            let mut streams = streams.context("the part holds less than two symbols: there is nothing to predict")?;
            (streams.tokens(), chars::evaluate(&trained.model, &mut streams, &chosen.device)?)
        }
    };
    let loss = evaluation.loss;
    if options.output.json {
        return print_json(&json!({
            "text": corpus.name(),
            "checkpoint_step": trained.progress.step,
            "predicted": predicted,
            "loss_nats": loss,
            "bits_per_symbol": bits(loss),
            "perplexity": perplexity(loss),
        }));
    }
    println!("text         {}", corpus.name());
    println!("checkpoint   step {}", trained.progress.step);
    println!("predicted    {predicted} {}", corpus.unit().plural());
    println!("loss         {loss:.4} nats, {:.4} bits", bits(loss));
    println!("perplexity   {:.3}", perplexity(loss));
    Ok(())
}

fn whole(data: &str, pattern: Option<&str>, settings: &CharsSettings) -> Result<(Corpus, std::ops::Range<usize>)> {
    let source = TextSource::parse(data)?;
    let source = match pattern {
        Some(pattern) => source.with_pattern(pattern)?,
        None => source,
    };
    let corpus = Corpus::open(&source, settings.data.units)?;
    let all = 0..corpus.tokens();
    Ok((corpus, all))
}

fn part(part: Part, settings: &CharsSettings) -> Result<(Corpus, std::ops::Range<usize>)> {
    let corpus = Corpus::open(&settings.data.source()?, settings.data.units)?;
    let Split { train, validation, test } = Split::by_fractions(&corpus, settings.data.split())?;
    let range = match part {
        Part::Train => train,
        Part::Validation => validation,
        Part::Test => test,
    };
    Ok((corpus, range))
}
