//! Showing sentences that a model generates.

use std::io;

use rekindle_models::decode::{Hypothesis, Search};
use rekindle_onnx::{NamedModel, OnnxModel};
use serde_json::{Value, json};

use crate::error::TaskError;
use crate::groups::{SearchSettings, ShownSettings};
use crate::operation::Output;

/// A sentence with its hypothesis.
pub type Sentence = (String, Hypothesis);

/// The graphs of a decoder, with its start and end tokens as metadata.
pub fn with_symbols(graphs: Vec<NamedModel>, [start, end]: [u32; 2]) -> Vec<NamedModel> {
    let described = |NamedModel { name, model }| {
        let model: OnnxModel = model;
        NamedModel {
            name,
            model: model.with_metadata("start", start.to_string()).with_metadata("end", end.to_string()),
        }
    };
    graphs.into_iter().map(described).collect()
}

/// Attention weights were requested of a model without attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--attention: this model has no attention")]
pub struct NoAttention;

impl ShownSettings {
    /// Number of sentences to show per input.
    pub fn best(&self) -> usize {
        self.n_best.unwrap_or(1)
    }

    /// The requested search, with `usual` for settings that are not given. It keeps as many sentences as are shown.
    ///
    /// # Errors
    ///
    /// When a setting is invalid, and [`NoAttention`] when attention weights are requested of a model without
    /// `attention`.
    pub fn search(&self, asked: &SearchSettings, usual: Search, attention: bool) -> Result<Search, TaskError> {
        let search = asked.search(usual)?;
        if self.attention.is_some() && !attention {
            return Err(NoAttention.into());
        }
        Ok(Search { beam: search.beam.max(self.best()), ..search })
    }

    /// Writes `sentences` as lines after `before`, with scores if several are requested. Returns them as JSON.
    ///
    /// # Errors
    ///
    /// When the reader has closed the output.
    pub fn show(&self, before: &str, sentences: &[Sentence], output: &mut Output<'_>) -> io::Result<Value> {
        for (text, found) in sentences {
            match self.n_best {
                Some(_) => output.line(format_args!("{before}{:.4}\t{text}", found.score))?,
                None => output.line(format_args!("{before}{text}"))?,
            }
        }
        let as_json =
            |(text, found): &Sentence| json!({"text": text, "score": found.score, "log_prob": found.log_prob});
        Ok(sentences.iter().map(as_json).collect())
    }
}
