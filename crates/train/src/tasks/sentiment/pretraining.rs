//! Starting a classifier from a language model: Howard and Ruder 2018 (ULMFiT, arXiv 1801.06146).

use std::iter::once;

use rekindle_data::Unit;
use rekindle_models::classifier::Classifier;

use super::task::SentimentTask;
use crate::origin::{OriginError, StackShape, Started};
use crate::prelude::*;
use crate::tasks::chars::CharsTask;

/// The classifier `fresh` with the embeddings and the recurrent layers of a language model of words.
pub(super) fn pretrained(
    task: &SentimentTask,
    fresh: Classifier,
    source: Trained<CharsTask>,
) -> Result<Started<Classifier>, TaskError> {
    let (there, model) = (&source.assets, &task.settings.model);
    if !matches!(there.unit(), Unit::Word | Unit::Term) {
        return Err(OriginError::OtherUnit {
            unit: there.unit().plural(),
            wanted: "a classifier reads words",
            remedy: "pretrain with `train chars --units word --format texts`",
        }
        .into());
    }
    let of_run = &source.settings.model;
    StackShape::of(&model.recurrent, model.embedding).check(StackShape::of(&of_run.recurrent, of_run.embedding))?;
    let words = task.vocabulary.words().map(|(_, word)| there.word(word));
    let known: Vec<Option<u32>> = once(there.unknown_id()).chain(words).collect();
    let found = known.iter().skip(1).flatten().count();
    if found == 0 {
        return Err(OriginError::NoneOfTheTokens.into());
    }
    let model = fresh.with_language_model(&source.model, &known)?;
    let (all, both) = (counted(known.len() - 1, "words"), model.recurrent.is_bidirectional());
    let layers = if both { "the forward direction of the recurrent layers" } else { "the recurrent layers" };
    let anew = if both { "the reverse direction, " } else { "" };
    let summary = format!(
        "from the language model: the vectors of {found} of {all}, and {layers}\n\
         new: the vectors of the other words, {anew}what follows the recurrent layers"
    );
    Ok((model, summary))
}
