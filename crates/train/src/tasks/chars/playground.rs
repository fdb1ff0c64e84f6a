//! The playground of a language model: it writes, and shows what it thought of each token.

use rekindle_data::{Decoder, Vocabulary};
use rekindle_models::char_lm::Generator;
use serde::Serialize;

use super::error::CharsError;
use super::operations::{Writer, WritingSettings};
use crate::inside::series_name;
use crate::prelude::*;

settings! {
    /// Options of the playground.
    pub struct PlayOptions {
        /// How the text is written.
        @flatten writing: WritingSettings;
        /// Seed; the same seed gives the same text
        seed: Option<u64> => at_least(0).unset("random");
    }
}

/// Likeliest tokens that are shown.
const ALTERNATIVES: usize = 8;

/// A written token.
#[derive(Default, Serialize)]
struct Line<'n> {
    /// The text that it completes.
    text: String,
    /// Its probability at temperature 1; none for a random first token.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f32>,
    /// The likeliest tokens, itself perhaps among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alternatives: Vec<Alternative<'n>>,
    /// The activation of the observed unit after it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    activation: Option<f32>,
}

#[derive(Serialize)]
struct Alternative<'n> {
    text: &'n str,
    probability: f32,
}

/// A unit of the model.
#[derive(Clone, Copy)]
struct Watched {
    layer: usize,
    cell: bool,
    unit: usize,
}

/// The states of each layer in the order of their series: `h`, and `c` if the cell has a cell state.
fn states(trained: &Writer) -> &'static [&'static str] {
    if trained.model.recurrent.cell().has_cell_state() { &["h", "c"] } else { &["h"] }
}

/// The name and the number of units of each series.
pub(super) fn series(trained: &Writer) -> Vec<(String, usize)> {
    let network = &trained.model.recurrent;
    let of_layer = |layer: usize| {
        states(trained).iter().map(move |state| (series_name(layer, false, state), network.hidden_size()))
    };
    (0..network.layers.len()).flat_map(of_layer).collect()
}

impl Watched {
    fn of(trained: &Writer, [series, unit]: [usize; 2]) -> Result<Self, TaskError> {
        let network = &trained.model.recurrent;
        let states = states(trained).len();
        let found = Self { layer: series / states, cell: series % states == 1, unit };
        if found.layer >= network.layers.len() || unit >= network.hidden_size() {
            return Err(format!("neuron: the model has no unit {unit} in series {series}").into());
        }
        Ok(found)
    }

    fn activation(self, generator: &Generator<'_>) -> Result<Option<f32>, TaskError> {
        Ok(generator.activation(self.layer, self.cell, self.unit)?)
    }
}

/// A line for the prime, then one for each token: its text, its probability and the alternatives.
pub(super) fn play(
    trained: &Writer,
    play: Play,
    options: PlayOptions,
    answers: &mut Answers<'_>,
) -> Result<(), TaskError> {
    let vocabulary = &trained.assets;
    let text = &*trained.settings.data.form(&play.text);
    let prime = match vocabulary.encode(text) {
        Ok(tokens) => tokens,
        Err(_) if vocabulary.unknown_id().is_some() => vocabulary.encode_lossy(text),
        Err(unknown) => return Err(CharsError::Prime(unknown).into()),
    };
    let watched = play.watch.map(|watch| Watched::of(trained, watch)).transpose()?;
    let seed = options.seed.unwrap_or_else(rand::random);
    let names: Vec<String> = (0..vocabulary.len() as u32).map(|id| shown(vocabulary, id)).collect();
    let mut written = options.writing.begin(trained, &prime, seed)?;
    let mut lines = primed(vocabulary, &prime);
    if let Some(watched) = watched {
        let count = lines.len();
        for line in &mut lines[..count.saturating_sub(1)] {
            check_stop()?;
            written.generator.read_prime();
            line.activation = watched.activation(&written.generator)?;
        }
    }
    // A unit has read a token only when the next one is written: the last line of the prime waits for the first.
    let mut waiting = watched.is_some().then(|| lines.pop()).flatten();
    let mut before = Some(lines);
    answers.line(&json!({"seed": seed}))?;
    if watched.is_none() || waiting.is_none() {
        answers.line(&json!({"prime": before.take().unwrap_or_default()}))?;
    }
    while let Some(piece) = written.piece()? {
        let mut line = Line { text: piece.text, ..Line::default() };
        let ended = piece.drawn.is_none();
        if let Some((token, Some(logits))) = piece.drawn {
            (line.probability, line.alternatives) = distribution(logits, token, &names);
        }
        let activation = watched.map(|watched| watched.activation(&written.generator)).transpose()?.flatten();
        if let Some(mut lines) = before.take() {
            lines.extend(waiting.take().map(|line| Line { activation, ..line }));
            answers.line(&json!({"prime": lines}))?;
        }
        if watched.is_none() || ended {
            waiting.take().map(|line| answers.line(&line)).transpose()?;
            if !(ended && line.text.is_empty()) {
                answers.line(&line)?;
            }
            continue;
        }
        if let Some(line) = waiting.replace(line) {
            answers.line(&Line { activation, ..line })?;
        }
    }
    answers.line(&json!({"done": true, "stopped": written.stopped(), "seed": seed}))
}

/// A line for each token of the prime.
fn primed<'n>(vocabulary: &Vocabulary, prime: &[u32]) -> Vec<Line<'n>> {
    let mut decoder = Decoder::new(vocabulary);
    prime.iter().map(|&id| Line { text: decoder.push(id), ..Line::default() }).collect()
}

/// A token by itself.
fn shown(vocabulary: &Vocabulary, id: u32) -> String {
    let mut decoder = Decoder::new(vocabulary);
    let text = decoder.push(id);
    // A byte may be only a part of a character.
    if text.is_empty() { vocabulary.symbol(id).unwrap_or_default().into_owned() } else { text }
}

/// The probability of `token` at temperature 1, and the likeliest tokens, the likeliest first.
fn distribution<'n>(logits: &[f32], token: u32, names: &'n [String]) -> (Option<f32>, Vec<Alternative<'n>>) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    // More digits cannot be seen, and take time.
    let probability = |id: usize| ((logits[id] - largest).exp() / total * 1e6).round() / 1e6;
    let mut best: Vec<usize> = Vec::with_capacity(ALTERNATIVES + 1);
    for (id, logit) in logits.iter().enumerate() {
        if best.len() < ALTERNATIVES || best.last().is_some_and(|&last| logits[last] < *logit) {
            let at = best.partition_point(|&other| logits[other] >= *logit);
            best.insert(at, id);
            best.truncate(ALTERNATIVES);
        }
    }
    let alternative = |id: usize| Alternative { text: &names[id], probability: probability(id) };
    (Some(probability(token as usize)), best.into_iter().map(alternative).collect())
}

#[cfg(test)]
mod tests;
