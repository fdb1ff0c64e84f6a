//! The operations of a trained classifier.

use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use rekindle_data::labelled::{Alias, Encoding, LabelledSource, LabelledTexts};
use rekindle_pictures::contributions::{Shown, contributions_page, line, section};
use serde_json::Map;

use super::error::SentimentError;
use super::evaluation::evaluate;
use super::settings::LabelledSettings;
use super::task::SentimentTask;
use crate::operation::NoSplit;
use crate::prelude::*;

/// Texts per batch if they are given one by one. Lines are classified as they arrive, because their writer may wait
/// for the answer.
const BATCH: usize = 64;

settings! {
    /// Options of `eval`.
    pub struct EvalOptions {
        /// Column of the texts of --data
        text_column: Option<String> => value("COLUMN").unset("as in training");
        /// Column of the labels of --data
        label_column: Option<String> => value("COLUMN").unset("as in training");
        /// Another spelling of a label of --data, besides those of training; may be given several times
        aliases: Vec<Alias> => option("alias").value("OTHER=LABEL");
        /// Encoding of the files of --data
        encoding: Option<Encoding> => value("NAME").unset("as in training");
    }
}

settings! {
    /// Options of `predict`.
    pub struct PredictOptions {
        /// Colour each word by its contribution to the class
        explain: bool;
        /// Write the coloured texts to this HTML file
        html: Option<PathBuf> => value("FILE").unset("none");
    }
}

impl Operate for SentimentTask {
    fn operations() -> Operations<Self> {
        Operations::default().evaluate(eval).predict(predict)
    }
}

type Classifier = Trained<SentimentTask>;

fn eval(trained: Classifier, request: Evaluate, options: EvalOptions, output: &mut Output<'_>) -> Result<Report, TaskError> {
    let Trained { model, assets: vocabulary, settings, device, .. } = &trained;
    let texts = texts(&settings.data, &request.on, options)?;
    let empty = texts.empty();
    if empty > 0 {
        output.warn(format_args!("no word in {}, read as one unknown word", counted(empty, "texts")));
    }
    let encoded = vocabulary.encode_all(&texts, settings.data.max_length)?;
    let batch_size = request.batch_size.unwrap_or(settings.data.batch_size);
    let report = evaluate(model, &encoded, vocabulary.classes(), batch_size, device)?;
    Ok(report.fact("texts", texts.name).fact("unknown_words", encoded.unknown_share))
}

/// The texts to evaluate on.
fn texts(settings: &LabelledSettings, on: &On, options: EvalOptions) -> Result<LabelledTexts, TaskError> {
    let split = match on {
        On::Data(data) => {
            let mut reader = settings.reader();
            reader.encoding = options.encoding.unwrap_or(reader.encoding);
            reader.text_column = options.text_column.or(reader.text_column);
            reader.label_column = options.label_column.or(reader.label_column);
            reader.aliases.extend(options.aliases);
            return Ok(LabelledSource::parse(data)?.read(&reader)?);
        }
        On::Split(_) if options != EvalOptions::default() => return Err(SentimentError::WithoutData.into()),
        On::Split(split) => split,
    };
    if *split == Split::Test {
        return Ok(settings.test()?.ok_or(NoSplit(*split))?);
    }
    let [train, validation] = settings.texts()?;
    Ok(if *split == Split::Train { train } else { validation })
}

fn predict(trained: Classifier, request: Predict, options: PredictOptions, output: &mut Output<'_>) -> Result<(), TaskError> {
    let PredictOptions { explain, html } = options;
    let how = Shown::here(stdout().is_terminal());
    let (mut number, mut sections) = (0, String::new());
    output.list();
    request.inputs.for_each([BATCH, 1], "", output, |texts, output| {
        let (found, explanations): (Vec<_>, Vec<_>) = if explain || html.is_some() {
            texts.iter().map(|text| trained.explain(text)).unzip()
        } else {
            (trained.classify(texts)?, Vec::new())
        };
        for (index, (text, found)) in texts.iter().zip(found).enumerate() {
            number += 1;
            if found.empty {
                output.warn(format_args!("text {number} has no word; it is read as one unknown word"));
            }
            let classes = trained.assets.classes().iter();
            let mut order: Vec<_> = classes.zip(found.probabilities).collect();
            order.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            let probabilities: Vec<_> = order.iter().map(|(class, share)| format!("{class} {share:.3}")).collect();
            let (class, probabilities) = (trained.class(found.class), probabilities.join(", "));
            let parts = explanations.get(index);
            output.text(&format!("{class}\t{probabilities}\t"))?;
            match parts.filter(|_| explain) {
                Some(parts) if how == Shown::Colour => output.styled(&line(parts, how))?,
                Some(parts) => output.text(&line(parts, how))?,
                None => output.text(text)?,
            }
            output.line("")?;
            if output.is_json() {
                let by_name: Map<_, _> =
                    order.into_iter().map(|(class, share)| (class.clone(), share.into())).collect();
                let mut answer = json!({"text": text, "class": class, "probabilities": by_name});
                if let Some(parts) = parts {
                    let word =
                        |&(word, share): &(&str, Option<f32>)| Some(json!({"word": word, "contribution": share?}));
                    answer["words"] = parts.iter().filter_map(word).collect::<Value>();
                }
                output.item(answer);
            }
            if let Some(parts) = parts.filter(|_| html.is_some()) {
                sections += &section(class, &probabilities, parts);
            }
        }
        Ok(())
    })?;
    html.map_or(Ok(()), |file| output.file(&file, &contributions_page(&sections)))
}
