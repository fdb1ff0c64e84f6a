//! The figures of a translator.

use rekindle_data::parallel::{BatchSize, Buckets, Languages, Pairs, SentenceUnit};
use rekindle_metrics::language::perplexity;
use rekindle_metrics::translation::{Bleu, BleuStatistics, ChrfStatistics};
use rekindle_models::decode::Search;
use rekindle_models::translator::{PreparedTranslator, Translator};
use serde::{Deserialize, Serialize};

use super::languages::translate;
use crate::group::shared;
use crate::prelude::*;

/// A translated batch.
#[derive(Serialize, Deserialize)]
struct Translated {
    /// Of the reference translations, as are the counts of their tokens.
    log_prob: f64,
    tokens: u64,
    correct: u64,
    /// The model's translations.
    texts: Vec<String>,
}

/// The figures of `models` (without autodiff), whose probabilities are averaged, on `pairs`, translated by `search` in
/// batches of `batch_size`.
///
/// Loss, perplexity and token accuracy are those of the reference translations; BLEU (13a, and lower case if words are
/// lower-cased), chrF and the share of exact sentences are those of the model's translations. Checkpoints are ranked
/// by BLEU, or by the share of exact sentences if target tokens are characters.
///
/// # Errors
///
/// When a setting of `search` is invalid, or the device fails.
pub fn evaluate(
    models: &[&Translator],
    languages: &Languages,
    pairs: &Pairs,
    search: &Search,
    batch_size: usize,
) -> Result<Report, TaskError> {
    let prepared = PreparedTranslator::together(models);
    let bleu = Bleu { lowercase: languages.target.lowercase, ..Bleu::default() };
    let numbers = languages.encode(pairs);
    let lengths: Vec<[usize; 2]> = numbers.iter().map(|(source, target)| [source.len(), target.len()]).collect();
    let (mut nats, mut tokens, mut correct, mut exact) = (0.0, 0, 0, 0_u64);
    let (mut words, mut characters) = (BleuStatistics::default(), ChrfStatistics::default());
    let batches = Buckets::sorted(&lengths, BatchSize::Sentences(batch_size.max(1)), 0).epoch(0);
    let translated = shared(batches.len(), |at| {
        check_stop()?;
        let batch = &batches[at];
        let sources: Vec<&[u32]> = batch.iter().map(|&i| &numbers[i].0[..]).collect();
        let targets: Vec<&[u32]> = batch.iter().map(|&i| &numbers[i].1[..]).collect();
        let forced = Translator::score_together(models, &sources, &targets)?;
        let texts: Vec<&str> = batch.iter().map(|&i| pairs.sources[i].as_str()).collect();
        let found = translate(languages, &prepared, &texts, search)?.into_iter();
        Ok(Translated {
            log_prob: forced.log_probs.iter().sum::<f64>(),
            tokens: forced.symbols,
            correct: forced.correct,
            texts: found.map(|mut translations| translations.swap_remove(0).0).collect(),
        })
    })?;
    for (batch, translated) in batches.iter().zip(translated) {
        nats -= translated.log_prob;
        tokens += translated.tokens;
        correct += translated.correct;
        for (&i, ours) in batch.iter().zip(&translated.texts) {
            let theirs = languages.target.normal_form(&pairs.targets[i]);
            words += bleu.statistics(ours, &[&pairs.targets[i]]);
            characters += ChrfStatistics::of(ours, &[&theirs]);
            exact += u64::from(*ours == theirs);
        }
    }
    let loss = nats / tokens.max(1) as f64;
    let share = |count: u64, all: u64| count as f64 / all.max(1) as f64;
    let exact = share(exact, pairs.len() as u64);
    let by_words = languages.target.unit == SentenceUnit::Word;
    Ok(Report::new(loss)
        .lower("perplexity", perplexity(loss), "")
        .higher("token_accuracy", share(correct, tokens))
        .higher("bleu", words.score())
        .higher("chrf", characters.score())
        .higher("exact", exact)
        .ranked_by(100.0 - if by_words { words.score() } else { 100.0 * exact }))
}
