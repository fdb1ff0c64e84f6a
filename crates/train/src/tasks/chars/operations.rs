//! The operations of a trained language model.

use std::ops::Range;

use rekindle_data::labelled::LabelledSource;
use rekindle_data::{Corpus, Decoder, Split as Ranges, Vocabulary};
use rekindle_models::char_lm::CharLm;
use rekindle_onnx::ToOnnx as _;

use super::dynamic::{self, Dynamics, Part};
use super::error::CharsError;
use super::evaluation::Passages;
use super::playground::{play, series};
use super::settings::TextFormat;
use super::task::CharsTask;
use crate::import::import;
use crate::inside::features::of_text;
use crate::inside::{Flow, windows};
use crate::operation::NoSplit;
use crate::prelude::*;

settings! {
    /// Options of `eval`.
    #[check(Self::consistent)]
    pub struct EvalOptions {
        /// Which files of a folder in --data
        pattern: Option<String> => value("GLOB").unset("all");
        /// Column of the texts of --data, with --format texts
        text_column: Option<String> => value("COLUMN").unset("as in training");
        /// Tokens that are read at once; with --window-stride, the length of a window
        sequence_length: Option<usize> => value("TOKENS").at_least(1).unset("as in training");
        /// Evaluate windows of --sequence-length that begin this many tokens apart, each with a state of zeros
        window_stride: Option<usize> => value("TOKENS").at_least(1).unset("long passages, each token once");
        /// Let the model learn from each part of the text once it has predicted it (dynamic evaluation)
        dynamic: bool;
        /// Learning rate of --dynamic
        dynamic_rate: Option<f64> =>
            value("RATE").at_least(0).unset("0.0005; 0.03 with --dynamic-statistics 0").used_with("dynamic", []);
        /// Decay of --dynamic towards the trained weights, per segment
        dynamic_decay: Option<f64> => value("SHARE").at_least(0).at_most(1).unset("0.001").used_with("dynamic", []);
        /// Tokens that --dynamic predicts before it learns from them
        dynamic_length: Option<usize> => value("TOKENS").at_least(1).unset("20").used_with("dynamic", []);
        /// Segments of the training split by whose gradients --dynamic divides; 0 for plain gradient descent
        dynamic_statistics: Option<usize> => value("COUNT").at_least(0).unset("500").used_with("dynamic", []);
    }
}

settings! {
    /// How text is written.
    pub struct WritingSettings {
        /// Tokens to write
        length: usize = 500 => at_least(0);
        /// Sampling temperature: below 1 safer, above 1 more varied; 0 always takes the likeliest token
        temperature: f64 = 0.8 => at_least(0);
        /// Draw among this many likeliest tokens only
        top_k: Option<usize> => value("COUNT").at_least(1).unset("all");
        /// Draw among the likeliest tokens that together reach this probability only
        top_p: Option<f64> => value("PROBABILITY").above(0).at_most(1).unset("all");
        /// Stop before this text
        stop: Option<String> => value("TEXT").unset("at --length");
    }
}

settings! {
    /// Options of `sample`.
    pub struct SampleOptions {
        /// How the text is written.
        @flatten writing: WritingSettings;
        /// Text to continue
        prime: Option<String> => unset("a token drawn at random");
    }
}

impl EvalOptions {
    fn consistent(&self) -> Result<(), SettingError> {
        let passages = self.sequence_length.map(|length| ("sequence-length", length));
        match passages.or(self.window_stride.map(|stride| ("window-stride", stride))) {
            Some((option, value)) if self.dynamic => {
                let wanted = "left out with --dynamic, which reads the text as one stream";
                Err(SettingError::invalid(option, value, wanted))
            }
            _ => Ok(()),
        }
    }

    fn reading(&self) -> Reading {
        Reading { pattern: self.pattern.clone(), text_column: self.text_column.clone() }
    }

    /// How the model learns; none without `--dynamic`.
    fn dynamics(&self) -> Option<Dynamics> {
        let statistics = self.dynamic_statistics.unwrap_or(500);
        let rate = if statistics > 0 { 5e-4 } else { 0.03 };
        self.dynamic.then(|| Dynamics {
            rate: self.dynamic_rate.unwrap_or(rate),
            decay: self.dynamic_decay.unwrap_or(1e-3),
            length: self.dynamic_length.unwrap_or(20),
            statistics,
        })
    }
}

impl Operate for CharsTask {
    fn operations() -> Operations<Self> {
        Operations::default()
            .evaluate(eval)
            .sample(sample)
            .import(import::<Self>)
            .neurons(neurons)
            .gradients(gradients)
            .together(alike)
            .onnx(|trained, opset| Ok(trained.model.to_onnx(opset)?))
            .playground_without(Input::Text, "The text is continued; without one, it begins with a random token.", play)
            .playground_units(series)
    }
}

pub(super) type Writer = Trained<CharsTask>;

/// Whether two models read and write the same tokens.
fn alike(one: &Writer, other: &Writer) -> bool {
    let same = |(id, found): (u32, Option<u32>)| found == Some(id);
    one.assets.unit() == other.assets.unit()
        && one.assets.len() == other.assets.len()
        && (0..).zip(one.assets.map_to(&other.assets)).all(same)
}

fn eval(trained: Writer, request: Evaluate, options: EvalOptions, output: &mut Output<'_>) -> Result<Report, TaskError> {
    let settings = &trained.settings;
    if let Some(dynamics) = options.dynamics() {
        return eval_dynamically(&trained, &request, &options.reading(), dynamics, output);
    }
    let (corpus, range) = text_to_predict(&request.on, &options.reading(), &trained)?;
    let batch_size = request.batch_size.unwrap_or(settings.data.batch_size);
    let time = options.sequence_length.unwrap_or(settings.data.sequence_length);
    let Trained { assets: vocabulary, device, .. } = &trained;
    let passages = match options.window_stride {
        Some(stride) => {
            Passages::windows(&corpus, vocabulary, range, time, stride)?.ok_or(CharsError::ShorterThanWindow)?
        }
        None => Passages::whole(&corpus, vocabulary, range)?.ok_or(CharsError::TooShort)?,
    };
    let report = passages.evaluate(&trained.models(), [batch_size, time], device)?;
    Ok(report.fact("text", corpus.name()).fact("predicted", passages.predicted()))
}

fn eval_dynamically(
    trained: &Writer,
    request: &Evaluate,
    reading: &Reading,
    dynamics: Dynamics,
    output: &mut Output<'_>,
) -> Result<Report, TaskError> {
    let Trained { model, assets: vocabulary, settings, device, .. } = trained;
    if !trained.others.is_empty() || request.batch_size.is_some() {
        return Err(CharsError::DynamicAlone.into());
    }
    if settings.model.recurrent.zoneout.max(settings.model.recurrent.zoneout_cell) > 0.0 {
        return Err(CharsError::DynamicZoneout.into());
    }
    let (corpus, range) = text_to_predict(&request.on, reading, trained)?;
    let learnt = match dynamics.statistics {
        0 => None,
        _ => Some(text(&On::Split(Split::Train), &Reading::default(), trained)?),
    };
    let learnt = learnt.as_ref().map(|(corpus, range)| Part { corpus, vocabulary, range: range.clone() });
    for corpus in [Some(&corpus), learnt.as_ref().map(|learnt| learnt.corpus)].into_iter().flatten() {
        corpus.check_vocabulary(vocabulary)?;
    }
    output.note(
        "dynamic evaluation: the model learns from each part of this text once it has predicted it. Compare the figures with \
         others of this kind only",
    );
    let predicted = range.len() - 1;
    let part = Part { corpus: &corpus, vocabulary, range };
    let report = dynamic::evaluate(model, settings, &part, learnt.as_ref(), dynamics, device)?;
    let Dynamics { rate, decay, length, statistics } = dynamics;
    let report = report.fact("text", corpus.name()).fact("predicted", predicted).fact("dynamic", true);
    let report = report.fact("dynamic_rate", rate).fact("dynamic_decay", decay);
    Ok(report.fact("dynamic_length", length).fact("dynamic_statistics", statistics))
}

/// How other texts are read.
#[derive(Clone, Debug, Default)]
struct Reading {
    pattern: Option<String>,
    text_column: Option<String>,
}

impl Reading {
    /// Checks that these options apply to `on`, which is read as texts of this format.
    fn check(&self, on: &On, format: TextFormat) -> Result<(), TaskError> {
        let Self { pattern, text_column } = self;
        let On::Data(data) = on else {
            let given = pattern.is_some() || text_column.is_some();
            return if given { Err(CharsError::WithoutData.into()) } else { Ok(()) };
        };
        match (format, pattern, text_column) {
            (TextFormat::Plain, _, Some(column)) => {
                let wanted = "left out, as this run has --format plain";
                Err(SettingError::invalid("text-column", column, wanted).into())
            }
            (TextFormat::Texts, Some(pattern), _) => {
                let wanted = "left out, as this run has --format texts";
                Err(SettingError::invalid("pattern", pattern, wanted).into())
            }
            (TextFormat::Texts, ..) => {
                LabelledSource::parse(data)?.undivided("--data")?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// The text to evaluate on, and the part of it.
fn text(on: &On, reading: &Reading, trained: &Writer) -> Result<(Corpus, Range<usize>), TaskError> {
    let Trained { settings, assets: vocabulary, .. } = trained;
    reading.check(on, settings.data.format)?;
    match on {
        On::Data(data) => {
            let corpus = settings.data.corpus_of(data, reading.pattern.as_deref(), reading.text_column.clone())?.cut(vocabulary)?;
            let all = 0..corpus.tokens();
            Ok((corpus, all))
        }
        On::Split(split) => {
            let corpus = settings.data.corpus()?.cut(vocabulary)?;
            let Ranges { train, validation, test } = Ranges::by_fractions(&corpus, settings.data.split())?;
            Ok((corpus, split.of([train, validation, test])))
        }
    }
}

/// The same, with at least one token to predict.
fn text_to_predict(on: &On, reading: &Reading, trained: &Writer) -> Result<(Corpus, Range<usize>), TaskError> {
    let (corpus, range) = text(on, reading, trained)?;
    match on {
        On::Split(split) if range.is_empty() => Err(CharsError::NoSplit(NoSplit(*split)).into()),
        _ if range.len() < 2 => Err(CharsError::TooShort.into()),
        _ => Ok((corpus, range)),
    }
}

/// Tokens that are read at once: their activations are in memory together.
const AT_ONCE: usize = 2048;

fn neurons(trained: &Writer, request: &Observe) -> Result<Activations, TaskError> {
    let Trained { model, assets: vocabulary, device, .. } = trained;
    let (corpus, range) = text(&request.on(), &Reading::default(), trained)?;
    let end = range.end.min(range.start.saturating_add(request.length));
    let ids = corpus.ids(vocabulary, range.start..end)?;
    if ids.is_empty() {
        return Err(CharsError::Empty.into());
    }
    let (mut recorder, mut state) = (Recorder::default(), None);
    for ids in ids.chunks(AT_ONCE) {
        check_stop()?;
        let tokens: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
        let tokens = Tensor::from_data(TensorData::new(tokens, [1, ids.len()]), device);
        let (layers, after) = model.trace(tokens, state);
        recorder.add(layers)?;
        state = Some(after);
    }
    let mut decoder = Decoder::new(vocabulary);
    let tokens: Vec<String> = ids.iter().map(|&id| decoder.push(id)).collect();
    let features = of_text(&tokens);
    Ok(recorder.finish(corpus.name().to_owned(), corpus.unit().plural(), tokens, vec![0], features))
}

fn gradients(model: &CharLm, trained: &Writer, request: &Observe) -> Result<Flow, TaskError> {
    let (corpus, range) = text(&request.on(), &Reading::default(), trained)?;
    let length = request.length + 1;
    let starts = windows(range.len(), length + 1);
    if starts.is_empty() {
        return Err(CharsError::ShorterThanDistance(request.length).into());
    }
    let (mut tokens, mut next) = (Vec::new(), Vec::new());
    for start in starts {
        let first = range.start + start;
        let mut ids = corpus.ids(&trained.assets, first..first + length + 1)?.into_iter().map(|id| id as i32);
        tokens.extend(ids.by_ref().take(length));
        next.extend(ids);
    }
    let rows = next.len();
    let tokens = Tensor::from_data(TensorData::new(tokens, [rows, length]), &trained.device);
    let next = Tensor::from_data(TensorData::new(next, [rows]), &trained.device);
    let (loss, probes) = model.probed_loss(tokens, next);
    Ok(Flow::of(&model.recurrent, &probes, &loss)?)
}

fn sample(trained: Writer, request: Sample, options: SampleOptions, output: &mut Output<'_>) -> Result<(), TaskError> {
    let SampleOptions { writing, prime } = options;
    let prime = prime.unwrap_or_default();
    let tokens = encode_prime(&trained.assets, &trained.settings.data.form(&prime), output)?;
    let mut text = prime.clone();
    output.text(&prime)?;
    let mut written = writing.begin(&trained, &tokens, request.seed)?;
    while let Some(piece) = written.piece()? {
        text.push_str(&piece.text);
        output.text(&piece.text)?;
    }
    output.line("")?;
    Ok(output.json(&json!({"text": text, "seed": request.seed, "stopped": written.stopped()}))?)
}

fn encode_prime(vocabulary: &Vocabulary, prime: &str, output: &mut Output<'_>) -> Result<Vec<u32>, TaskError> {
    match vocabulary.encode(prime) {
        Ok(ids) => Ok(ids),
        Err(e) if vocabulary.unknown_id().is_some() => {
            output.warn(format_args!("--prime: {e}; it is read as the unknown token"));
            Ok(vocabulary.encode_lossy(prime))
        }
        Err(e) => Err(CharsError::Prime(e).into()),
    }
}

#[cfg(test)]
mod tests;
