//! Starting a translator from a language model of the target language: Ramachandran et al. 2017 (arXiv 1611.02683).

use rekindle_data::parallel::{Language, SentenceUnit, Subword};
use rekindle_data::{Unit, Vocabulary};
use rekindle_models::translator::Translator;

use super::task::TranslateTask;
use crate::origin::{OriginError, StackShape, Started};
use crate::prelude::*;
use crate::tasks::chars::CharsTask;

/// The translator `fresh` with a language model of the target language as its decoder.
pub(super) fn pretrained(
    task: &TranslateTask,
    fresh: Translator,
    source: Trained<CharsTask>,
) -> Result<Started<Translator>, TaskError> {
    let (there, target, model) = (&source.assets, &task.languages.target, &task.settings.model);
    check_unit(there.unit(), target)?;
    let of_run = &source.settings.model;
    StackShape::of(&model.recurrent, model.embedding).check(StackShape::of(&of_run.recurrent, of_run.embedding))?;
    let known = known(target, there);
    let found = known.iter().flatten().count();
    if found == 0 {
        return Err(OriginError::NoneOfTheTokens.into());
    }
    let (model, with_output) = fresh.with_language_model(&source.model, &known)?;
    let (taken, new) = if with_output { (", the output layer", "") } else { ("", ", the output layer") };
    let summary = format!(
        "from the language model: the vectors of {found} of {}, the recurrent layers of the decoder{taken}\n\
         new: the vectors of the other tokens, the encoder, what is between encoder and decoder{new}",
        counted(known.len(), "target tokens")
    );
    Ok((model, summary))
}

fn check_unit(unit: Unit, target: &Language) -> Result<(), OriginError> {
    let (fits, wanted, remedy) = match target.unit {
        SentenceUnit::Word => (
            matches!(unit, Unit::Word | Unit::Term | Unit::Bpe),
            "the translator writes words or pieces of words",
            "pretrain with `train chars --units bpe` or `--units word`",
        ),
        SentenceUnit::Char => (
            unit == Unit::Char,
            "the translator writes characters",
            "pretrain with `train chars --units char`",
        ),
    };
    if fits { Ok(()) } else { Err(OriginError::OtherUnit { unit: unit.plural(), wanted, remedy }) }
}

/// The id in `there` of every token of the target language. A sentence begins and ends where a line ends.
fn known(target: &Language, there: &Vocabulary) -> Vec<Option<u32>> {
    let line_end = there.token("\n");
    let special = [None, there.unknown_id(), line_end, line_end];
    let id = |token: &str| match (&target.subword, target.unit) {
        (Some(_), _) => match Subword::word_start(token) {
            Some(rest) => there.word(rest),
            None => there.token(token),
        },
        (None, SentenceUnit::Word) => there.word(token),
        (None, SentenceUnit::Char) => there.token(token),
    };
    special.into_iter().chain(target.vocabulary.words().map(|(_, token)| id(token))).collect()
}
