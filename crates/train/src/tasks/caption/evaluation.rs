//! The figures of captions.

use rekindle_data::captions::{CaptionedImage, Pictures, shapes};
use rekindle_data::parallel::WordVocabulary;
use rekindle_metrics::captions::{AttentionCorrectness, bleu, cider_d, meteor, rouge_l, words};
use rekindle_metrics::language::perplexity;
use rekindle_models::captioner::Captioner;
use serde::{Deserialize, Serialize};

use super::features::{ImageSet, Source};
use super::settings::CaptionSettings;
use super::writing::Writing;
use crate::group::shared;
use crate::prelude::*;

/// A generated caption.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The id of the image.
    pub id: u64,
    /// The name of the image.
    pub name: String,
    /// The caption.
    pub caption: String,
    /// The score that ranked it.
    pub score: f64,
}

/// A generated caption, its score and, if it is to be looked into, its attention weights.
type WithAttention = (String, f64, Option<Vec<Vec<f32>>>);

/// The captions of a batch.
#[derive(Serialize, Deserialize)]
struct Described {
    /// Of the reference captions, as are the counts of their tokens.
    log_prob: f64,
    tokens: u64,
    correct: u64,
    captions: Vec<WithAttention>,
}

/// A model, its settings, and where its features of the images come from.
#[derive(Clone, Copy)]
pub(super) struct Member<'a> {
    pub model: &'a Captioner,
    pub settings: &'a CaptionSettings,
    pub source: Source<'a>,
}

/// An evaluation on captioned images.
pub(super) struct Evaluation<'a> {
    pub member: Member<'a>,
    /// Models that write together with it.
    pub others: Vec<Member<'a>>,
    pub vocabulary: &'a WordVocabulary,
    pub set: ImageSet<'a>,
    pub writing: Writing,
    pub batch_size: usize,
    /// The device of the model, without autodiff.
    pub device: &'a Device,
}

impl Evaluation<'_> {
    /// The figures of the generated captions, in the order of the COCO evaluation, and the loss of the reference
    /// captions; and the generated captions.
    pub fn run(&self) -> Result<(Report, Vec<Written>), TaskError> {
        let Self { member: Member { model, .. }, vocabulary, set, .. } = *self;
        let images = set.images;
        let (mut nats, mut tokens, mut correct) = (0.0, 0, 0);
        let mut written = Vec::with_capacity(images.len());
        let mut on_shapes = AttentionCorrectness::default();
        let size = self.batch_size.max(1);
        let batches: Vec<&[CaptionedImage]> = images.chunks(size).collect();
        let described = shared(batches.len(), |number| {
            check_stop()?;
            let batch = batches[number];
            let range = number * size..number * size + batch.len();
            let mut members = Vec::with_capacity(1 + self.others.len());
            for member in [&self.member].into_iter().chain(&self.others) {
                let model = &member.settings.model;
                members.push((member.model, set.features(range.clone(), member.source, model, self.device)?));
            }
            let captions: Vec<Vec<Vec<u32>>> = batch.iter().map(|image| self.tokens(image)).collect();
            let captions: Vec<Vec<&[u32]>> =
                captions.iter().map(|captions| captions.iter().map(Vec::as_slice).collect()).collect();
            let foreseen = Captioner::score_together(&members, &captions)?;
            let (log_prob, tokens, correct) = (foreseen.log_prob, foreseen.symbols, foreseen.correct);
            let mut described = Described { log_prob, tokens, correct, captions: Vec::with_capacity(batch.len()) };
            let found = self.writing.write(&members, number as u64)?;
            for (index, (image, mut found)) in batch.iter().zip(found).enumerate() {
                let best = found.swap_remove(0);
                let caption = vocabulary.decode(&best.symbols).join(" ");
                let attention = if *set.pictures == Pictures::Shapes && image.captions.contains(&caption) {
                    let features = members[0].1.clone().narrow(0, index, 1);
                    model.attention_weights(features, &best.symbols)?
                } else {
                    None
                };
                described.captions.push((caption, best.score, attention));
            }
            Ok(described)
        })?;
        for (batch, described) in batches.into_iter().zip(described) {
            nats -= described.log_prob;
            tokens += described.tokens;
            correct += described.correct;
            for (image, (caption, score, attention)) in batch.iter().zip(described.captions) {
                add_shapes(&mut on_shapes, image.id, &caption, attention.as_deref());
                written.push(Written { id: image.id, name: image.name.clone(), caption, score });
            }
        }
        let loss = nats / tokens.max(1) as f64;
        let cut = images.iter().flat_map(|image| &image.captions).filter(|text| words(text).len() > self.longest());
        let report = Report::new(loss).fact("pictures", images.len()).fact("beam", self.writing.search.beam);
        let report = match &self.writing.consensus {
            Some(consensus) => report.fact("consensus", consensus.samples()),
            None => report,
        };
        // Losses of runs with other lengths are of other words.
        let report = match cut.count() {
            0 => report,
            cut => report.fact("captions_cut", format!("{cut}, to {}, for the loss", counted(self.longest(), "words"))),
        };
        let report = report
            .lower("perplexity", perplexity(loss), "")
            .higher("token_accuracy", correct as f64 / tokens.max(1) as f64);
        Ok((self.add_scores(report, &written, on_shapes.mean()), written))
    }

    /// Adds the figures of the generated captions.
    fn add_scores(&self, report: Report, written: &[Written], on_shapes: Option<f64>) -> Report {
        let candidates: Vec<Vec<String>> = written.iter().map(|written| words(&written.caption)).collect();
        let references: Vec<Vec<Vec<String>>> =
            self.set.images.iter().map(|image| image.captions.iter().map(|text| words(text)).collect()).collect();
        let mean = |scores: Vec<f64>| scores.iter().sum::<f64>() / scores.len().max(1) as f64;
        let pairs = candidates.iter().zip(&references);
        let cider = mean(cider_d(&candidates, &references));
        let bleu = ["bleu_1", "bleu_2", "bleu_3", "bleu_4"].into_iter().zip(bleu(&candidates, &references));
        let report = bleu
            .fold(report, |report, (name, score)| report.higher(name, score))
            .higher_of("meteor", meteor(&candidates, &references).corpus, "(exact and stem stages)")
            .higher("rouge_l", mean(pairs.clone().map(|(ours, theirs)| rouge_l(ours, theirs)).collect()))
            .higher("cider", cider)
            .higher("exact", mean(pairs.map(|(ours, theirs)| f64::from(theirs.contains(ours))).collect()));
        // CIDEr is at most 10. It is 0 for all if every word is in every caption.
        let report = report.ranked_by(10.0 - cider);
        match on_shapes {
            Some(share) => report.higher("attention_on_shape", share),
            None => report,
        }
    }

    /// Words of a caption that count in the loss.
    fn longest(&self) -> usize {
        self.member.settings.data.max_length
    }

    /// The captions of an image, truncated as in training.
    fn tokens(&self, image: &CaptionedImage) -> Vec<Vec<u32>> {
        let tokens = |caption: &String| {
            let mut tokens = self.vocabulary.encode(&words(caption));
            tokens.truncate(self.longest());
            tokens
        };
        image.captions.iter().map(tokens).collect()
    }
}

/// Adds a generated image's correct caption, with the attention weights of its words.
fn add_shapes(correctness: &mut AttentionCorrectness, id: u64, caption: &str, attention: Option<&[Vec<f32>]>) {
    let Some(attention) = attention else { return };
    let words: Vec<&str> = caption.split(' ').collect();
    let mut from = 0;
    for shape in shapes::shapes(id) {
        let name = shape.name();
        let Some(at) = words[from..].windows(2).position(|pair| pair == name) else { return };
        from += at + 2;
        attention[from - 2..from].iter().for_each(|weights| correctness.add(weights, shape.place, shapes::GRID));
    }
}
