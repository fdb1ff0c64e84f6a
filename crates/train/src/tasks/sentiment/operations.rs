//! The operations of a trained classifier.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use rekindle_data::labelled::{Alias, Encoding, LabelledSource, LabelledText, LabelledTexts, words};
use rekindle_models::classifier::Classifier as Model;
use rekindle_onnx::ToOnnx as _;
use rekindle_pictures::contributions::{Shown, contributions_page, line, section};
use serde_json::Map;

use super::error::SentimentError;
use super::evaluation::{evaluate, padded};
use super::settings::LabelledSettings;
use super::task::SentimentTask;
use crate::inside::{Flow, Kind, SEQUENCES};
use crate::operation::NoSplit;
use crate::import::import;
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
    /// Options of the playground.
    pub struct PlayOptions {}
}

settings! {
    /// Options of `predict`.
    pub struct PredictOptions {
        /// Colour each word by its contribution to the class
        explain: bool;
        /// Write the coloured texts to this HTML file
        html: Option<PathBuf> => value("FILE").endings(["html", "htm"]).unset("none");
    }
}

impl Operate for SentimentTask {
    fn operations() -> Operations<Self> {
        Operations::default()
            .evaluate(eval)
            .predict(predict)
            .import(import::<Self>)
            .together(alike)
            .neurons(neurons)
            .gradients(gradients)
            .onnx(|trained, opset| Ok(trained.model.to_onnx(opset)?))
            .playground(Input::Text, "Each word is coloured by its contribution to the class.", play)
    }
}

type Classifier = Trained<SentimentTask>;

fn alike(one: &Classifier, other: &Classifier) -> bool {
    one.assets == other.assets
}

fn eval(trained: Classifier, request: Evaluate, options: EvalOptions, output: &mut Output<'_>) -> Result<Report, TaskError> {
    let Trained { assets: vocabulary, settings, device, .. } = &trained;
    let texts = texts(&settings.data, &request.on, options)?;
    let empty = texts.empty();
    if empty > 0 {
        output.warn(format_args!("no word in {}, read as one unknown word", counted(empty, "texts")));
    }
    let encoded = vocabulary.encode_all(&texts, settings.data.max_length)?;
    let batch_size = request.batch_size.unwrap_or(settings.data.batch_size);
    let report = evaluate(&trained.models(), &encoded, vocabulary.classes(), batch_size, device)?;
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
            return Ok(LabelledSource::parse(data)?.undivided("--data")?.read(&reader)?);
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

/// A word is of a class if this many of the texts have it, and this share of them has the label.
const WORD_OF_CLASS: (usize, f64) = (3, 0.75);

fn neurons(trained: &Classifier, request: &Observe) -> Result<Activations, TaskError> {
    let Trained { model, assets: vocabulary, settings, device, .. } = trained;
    let texts = texts(&settings.data, &request.on(), EvalOptions::default())?;
    let (mut recorder, mut read) = (Recorder::default(), Read::default());
    for text in &texts.texts {
        if read.words.len() >= request.length {
            break;
        }
        let (ids, places) = vocabulary.encode(&text.text, settings.data.max_length);
        if places.is_empty() {
            continue;
        }
        check_stop()?;
        recorder.add(model.trace(padded(&[&ids], device).0))?;
        read.push(text, &places);
    }
    if read.words.is_empty() {
        return Err(SentimentError::NoWords.into());
    }
    let features = read.features(vocabulary.classes());
    Ok(recorder.finish(texts.name, "words", read.shown, read.starts, features))
}

fn gradients(model: &Model, trained: &Classifier, request: &Observe) -> Result<Flow, TaskError> {
    let Trained { assets: vocabulary, settings, device, .. } = trained;
    let texts = texts(&settings.data, &request.on(), EvalOptions::default())?;
    let encoded = vocabulary.encode_all(&texts, settings.data.max_length)?;
    let mut longest: Vec<usize> = (0..encoded.len()).collect();
    longest.sort_by_key(|&text| std::cmp::Reverse(encoded.texts[text].len()));
    longest.truncate(SEQUENCES);
    // All sequences have one length: that of the shortest of the longest texts, if that is less than was asked for.
    let length = longest.last().map_or(0, |&text| encoded.texts[text].len()).min(request.length + 1);
    if length < 2 {
        return Err(SentimentError::NoWords.into());
    }
    let rows: Vec<&[u32]> = longest.iter().map(|&text| &encoded.texts[text][..length]).collect();
    let labels: Vec<i32> = longest.iter().map(|&text| encoded.labels[text] as i32).collect();
    let labels = Tensor::from_data(TensorData::new(labels, [rows.len()]), device);
    let (loss, probes) = model.probed_loss(padded(&rows, device).0, labels);
    Ok(Flow::of(&model.recurrent, &probes, &loss)?)
}

/// The words that a model has read.
#[derive(Default)]
struct Read {
    /// As they stand in the text, each with the white space before it.
    shown: Vec<String>,
    words: Vec<String>,
    labels: Vec<String>,
    starts: Vec<usize>,
}

impl Read {
    /// Adds the words of a text at these places.
    fn push(&mut self, text: &LabelledText, places: &[usize]) {
        let words = words(&text.text);
        let mut end = 0;
        self.starts.push(self.words.len());
        for word in places.iter().map(|&place| &words[place]) {
            self.shown.push(text.text[end..word.range.end].to_owned());
            self.words.push(word.text.clone());
            self.labels.push(text.label.clone());
            end = word.range.end;
        }
    }

    /// The label of each text, at each word and at the last one; the words' own classes; the position in the text.
    fn features(&self, classes: &[String]) -> Vec<Feature> {
        let last = |word: usize| word + 1 == self.words.len() || self.starts.binary_search(&(word + 1)).is_ok();
        let last: Vec<bool> = (0..self.words.len()).map(last).collect();
        let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for (word, label) in self.words.iter().zip(&self.labels) {
            *counts.entry(word).or_default().entry(label).or_default() += 1;
        }
        let of_class = |word: &String, class: &String| {
            let counts = &counts[word.as_str()];
            let all: usize = counts.values().sum();
            let own = counts.get(class.as_str()).copied().unwrap_or_default();
            all >= WORD_OF_CLASS.0 && own as f64 >= WORD_OF_CLASS.1 * all as f64
        };
        // Of two classes, one is the opposite of the other.
        let labels = if classes.len() == 2 { &classes[1..] } else { classes };
        let mut features = Vec::new();
        for class in labels {
            let is = self.labels.iter().map(|label| label == class);
            let at_end = is.clone().zip(&last).map(|(is, &last)| if last { f32::from(u8::from(is)) } else { f32::NAN });
            let (name, values) = (format!("text is {class}, at its last word"), at_end.collect());
            features.push(Feature { name, kind: Kind::Binary, values });
            features.push(Feature::binary(format!("text is {class}"), is));
        }
        for class in classes {
            let is = self.words.iter().map(|word| of_class(word, class));
            features.push(Feature::binary(format!("word of {class} texts"), is));
        }
        let mut start = 0;
        let position = (0..self.words.len()).map(|word| {
            start = if self.starts.binary_search(&word).is_ok() { word } else { start };
            (word - start) as f32
        });
        features.push(Feature::number("position in the text", position));
        features.retain(Feature::is_informative);
        features
    }
}

/// The class of a text, and the contribution of each part of it.
fn play(trained: &Classifier, play: Play, _: PlayOptions, answers: &mut Answers<'_>) -> Result<(), TaskError> {
    let (found, parts) = trained.explain(&play.text);
    let word = |(text, weight): &(&str, Option<f32>)| json!({"text": text, "weight": weight});
    answers.line(&json!({
        "labels": trained.assets.classes(),
        "probabilities": found.probabilities,
        "class": trained.class(found.class),
        "empty": found.empty,
        "words": parts.iter().map(word).collect::<Value>(),
    }))?;
    answers.line(&json!({"done": true}))
}

fn predict(trained: Classifier, request: Predict, options: PredictOptions, output: &mut Output<'_>) -> Result<(), TaskError> {
    let PredictOptions { explain, html } = options;
    if !trained.others.is_empty() && (explain || html.is_some()) {
        return Err(SentimentError::ExplainsOne.into());
    }
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

#[cfg(test)]
mod tests;
