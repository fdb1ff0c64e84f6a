//! The operations of a trained tagger.

use std::path::PathBuf;

use rekindle_data::frames::{
    Alias, Clip, ClipReader, FrameFormat, FrameSchema, FrameSource, PIXEL_DEVIATION, PIXEL_MEAN, Standardization,
    Statistics,
};
use rekindle_onnx::{NamedModel, Opset, Standardized, frame_tagger};
use rekindle_pictures::timeline;

use rekindle_data::frames::is_image;

use super::error::FramesError;
use super::prediction::FramePrediction;
use super::smoothing::{Smoothed, SmoothingSettings};
use super::task::FramesTask;
use crate::inside::Kind;
use crate::operation::NoSplit;
use crate::import::import;
use crate::prelude::*;

settings! {
    /// Options of `eval`.
    pub struct EvalOptions {
        /// Labels of the clip in --data, where it has none of its own
        labels: Option<PathBuf> => value("FILE").unset("those of the clips");
        /// Another spelling of a label of --data, besides those of training; may be given several times
        aliases: Vec<Alias> => option("alias").value("OTHER=LABEL");
        /// How predicted labels are smoothed.
        @flatten smoothing: SmoothingSettings;
    }
}

settings! {
    /// Options of `predict`.
    pub struct PredictOptions {
        /// True labels of the clip, where it has none of its own, to show beside the predicted ones
        labels: Option<PathBuf> => value("FILE").unset("those of the clip");
        /// Another spelling of a label of the clip, besides those of training; may be given several times
        aliases: Vec<Alias> => option("alias").value("OTHER=LABEL");
        /// Draw the labels of the clip over time into this SVG file
        timeline: Option<PathBuf> => value("FILE").endings(["svg"]).unset("none");
        /// How predicted labels are smoothed.
        @flatten smoothing: SmoothingSettings;
    }
}

settings! {
    /// Options of the playground.
    pub struct PlayOptions {
        /// How predicted labels are smoothed.
        @flatten smoothing: SmoothingSettings;
    }
}

impl Operate for FramesTask {
    fn operations() -> Operations<Self> {
        Operations::default()
            .evaluate(eval)
            .predict(predict)
            .import(import::<Self>)
            .together(alike)
            .onnx(onnx)
            .neurons(neurons)
            .playground(Input::Clip, "A clip is an animated GIF, its images, an array (.npy) or a table (.csv).", play)
    }
}

/// Frames of a clip in the playground, at most, and those that are shown as small images.
const MOST_FRAMES: usize = 2000;
const THUMBNAILS: usize = 200;

type Tagger = Trained<FramesTask>;

/// Features are standardised in the graph, and pixels, which are from 0 to 1. Statistics of the recording and changes
/// of features are not: the input is what these give.
fn onnx(trained: &Tagger, opset: Opset) -> Result<Vec<NamedModel>, TaskError> {
    let FrameSchema { normalization, standardization, format, .. } = &trained.assets;
    if let FrameFormat::Pixels { channels, height, width } = *format {
        let all = |value| vec![value; channels * height * width];
        let pixels = Standardized { mean: all(PIXEL_MEAN), deviation: all(PIXEL_DEVIATION), limit: None };
        return Ok(frame_tagger(&trained.model, Some(&pixels), opset)?);
    }
    let of_training = normalization.statistics == Statistics::Training;
    let standardized = standardization.as_ref().map(|Standardization { mean, deviation }| Standardized {
        mean: mean.clone(),
        deviation: deviation.clone(),
        limit: normalization.clip.filter(|_| of_training),
    });
    Ok(frame_tagger(&trained.model, standardized.as_ref(), opset)?)
}

fn alike(one: &Tagger, other: &Tagger) -> bool {
    // The first run's counts are those that labels are smoothed by.
    let transitions = one.assets.transitions.clone();
    one.assets == FrameSchema { transitions, ..other.assets.clone() }
}

fn eval(mut trained: Tagger, request: Evaluate, options: EvalOptions, _: &mut Output<'_>) -> Result<Report, TaskError> {
    let smoother = trained.smoother(&options.smoothing)?;
    let clips = clips(&trained, &request.on, options)?;
    let names: Vec<String> = clips.iter().map(|clip| clip.name.clone()).collect();
    let data = &mut trained.settings.data;
    data.batch_size = request.batch_size.unwrap_or(data.batch_size);
    Ok(trained.evaluate(clips, &smoother)?.fact("clips", names))
}

/// The clips to evaluate on.
fn clips(trained: &Tagger, on: &On, options: EvalOptions) -> Result<Vec<Clip>, TaskError> {
    let split = match on {
        On::Data(data) => {
            let source = FrameSource::parse(data, options.labels.as_deref())?;
            return Ok(source.clips(&reader(trained, options.aliases), &trained.assets, true)?);
        }
        On::Split(_) if options.labels.is_some() || !options.aliases.is_empty() => return Err(FramesError::WithoutData.into()),
        On::Split(split) => *split,
    };
    let set = trained.settings.data.clips(Some(trained.assets.clone()))?;
    let clips = split.of([set.train, set.validation, set.test]);
    if clips.is_empty() { Err(NoSplit(split).into()) } else { Ok(clips) }
}

/// A reader of clips as in training, with additional aliases of labels.
fn reader(trained: &Tagger, aliases: Vec<Alias>) -> ClipReader {
    let mut reader = trained.settings.data.reader();
    reader.aliases.extend(aliases);
    reader
}

fn neurons(trained: &Tagger, request: &Observe) -> Result<Activations, TaskError> {
    let classes = trained.assets.classes.names();
    let mut recorder = Recorder::default();
    let (mut names, mut labels, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    for mut clip in clips(trained, &request.on(), EvalOptions::default())? {
        let left = request.length.saturating_sub(labels.len());
        if left == 0 {
            break;
        }
        starts.push(labels.len());
        check_stop()?;
        let read = left.min(clip.len());
        let own = clip.labels.take();
        let layers = trained.trace(clip, read)?.ok_or(FramesError::NoRecurrence)?;
        recorder.add(layers)?;
        labels.extend((0..read).map(|frame| own.as_ref().map(|labels| labels[frame])));
        names.push(read);
    }
    let shown = labels.iter().map(|label| format!("{} ", label.map_or("?", |label| &classes[label as usize])));
    let mut features: Vec<Feature> = classes
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let value = |label: &Option<u32>| label.map_or(f32::NAN, |label| f32::from(u8::from(label as usize == class)));
            let (name, values) = (format!("label {name}"), labels.iter().map(value).collect());
            Feature { name, kind: Kind::Binary, values }
        })
        .collect();
    let position = names.iter().flat_map(|&frames| (0..frames).map(|frame| frame as f32));
    features.push(Feature::number("position in the clip", position));
    features.retain(Feature::is_informative);
    let source = request.data.clone().unwrap_or_else(|| "validation split".to_owned());
    Ok(recorder.finish(source, "frames", shown.collect(), starts, features))
}

fn predict(trained: Tagger, request: Predict, options: PredictOptions, output: &mut Output<'_>) -> Result<(), TaskError> {
    let Inputs::Given(inputs) = &request.inputs else {
        if options.labels.is_some() || !options.aliases.is_empty() || options.timeline.is_some() {
            return Err(FramesError::WithoutClip.into());
        }
        return live(&trained, request.inputs, &options.smoothing, output);
    };
    let [clip] = &inputs[..] else { return Err(FramesError::SeveralClips.into()) };
    tag(&trained, clip, options, output)
}

/// Writes a CSV row for every frame of a clip.
fn tag(trained: &Tagger, clip: &str, options: PredictOptions, output: &mut Output<'_>) -> Result<(), TaskError> {
    let smoother = trained.smoother(&options.smoothing)?;
    let source = FrameSource::parse(clip, options.labels.as_deref())?;
    let clips = source.clips(&reader(trained, options.aliases), &trained.assets, false)?;
    let [clip] = &clips[..] else { return Err(FramesError::SeveralClips.into()) };
    let frames = trained.predict(clips.clone(), &smoother)?.remove(0);
    let classes: Vec<&str> = trained.assets.classes.names().iter().map(String::as_str).collect();
    let truth = clip.labels.as_deref();
    let truth_of = |frame: usize| truth.map(|truth| classes[truth[frame] as usize]);
    let mut table = row(["frame", "label", "probability"].into_iter().chain(truth.map(|_| "truth")))?;
    output.list();
    for (number, FramePrediction { class, probability }) in frames.iter().enumerate() {
        let (label, truth) = (classes[*class], truth_of(number));
        table += &row([&*number.to_string(), label, &*format!("{probability:.4}")].into_iter().chain(truth))?;
        output.item(json!({"frame": number, "label": label, "probability": probability, "truth": truth}));
    }
    output.text(&table)?;
    let Some(file) = &options.timeline else { return Ok(()) };
    let predicted: Vec<u32> = frames.iter().map(|frame| frame.class as u32).collect();
    output.file(file, &timeline(&clip.name, truth, &predicted, &classes).svg)
}

/// Labels every line as it arrives: features separated by commas, or the path of an image.
fn live(
    trained: &Tagger,
    inputs: Inputs,
    smoothing: &SmoothingSettings,
    output: &mut Output<'_>,
) -> Result<(), TaskError> {
    let smoother = trained.smoother(smoothing)?;
    let mut tagger = trained.live(&smoother)?;
    let source = if let Inputs::Lines { name, .. } = &inputs { name.clone() } else { String::new() };
    let mut frames = trained.assets.live()?;
    let (mut lines_read, mut number) = (0, 0);
    let mut write = |prediction, output: &mut Output<'_>| -> Result<(), TaskError> {
        let FramePrediction { class, probability } = prediction;
        let label = &trained.assets.classes.names()[class];
        output.text(&row([&*number.to_string(), label, &*format!("{probability:.4}")])?)?;
        output.json_line(&json!({"frame": number, "label": label, "probability": probability}))?;
        number += 1;
        Ok(())
    };
    inputs.for_each([1, 1], "", output, |lines, output| {
        for line in lines {
            lines_read += 1;
            if let Some(prediction) = tagger.push(&frames.frame(line, &source, lines_read)?) {
                write(prediction, output)?;
            }
        }
        Ok(())
    })?;
    tagger.finish().into_iter().try_for_each(|prediction| write(prediction, output))
}

/// The probabilities of all labels for each frame of a clip.
fn play(trained: &Tagger, play: Play, options: PlayOptions, answers: &mut Answers<'_>) -> Result<(), TaskError> {
    let place = match &play.files[..] {
        [] => return Err("give a clip: an animated GIF, images, an array (.npy) or a table (.csv)".into()),
        [file] if !is_image(file) => file.as_path(),
        files => files[0].parent().ok_or("the clip is in no folder")?,
    };
    let mut clips = FrameSource::of_clip(place).clips(&reader(trained, Vec::new()), &trained.assets, false)?;
    let clip = clips.pop().filter(|_| clips.is_empty()).ok_or(FramesError::SeveralClips)?;
    if clip.len() > MOST_FRAMES {
        return Err(format!("a clip of {} frames: give at most {MOST_FRAMES}", clip.len()).into());
    }
    let thumbnails = trained.thumbnails(&clip, THUMBNAILS)?;
    let labels = trained.assets.classes.names();
    let truth = clip.labels.clone();
    let smoother = trained.smoother(&options.smoothing)?;
    let Smoothed { predicted, log_probs } = trained.smoothed(vec![clip], &smoother)?.remove(0);
    let frame = |(index, (class, row)): (usize, (&u32, &[f32]))| {
        let probabilities: Vec<f32> = row.iter().map(|log| log.exp()).collect();
        let truth = truth.as_ref().map(|truth| &labels[truth[index] as usize]);
        json!({"index": index, "label": labels[*class as usize], "probabilities": probabilities, "truth": truth})
    };
    let frames: Vec<Value> = predicted.iter().zip(log_probs.chunks_exact(labels.len())).enumerate().map(frame).collect();
    answers.line(&json!({"labels": labels, "frames": frames, "thumbnails": thumbnails}))?;
    answers.line(&json!({"done": true}))
}

/// A row of CSV.
fn row<'a>(fields: impl IntoIterator<Item = &'a str>) -> Result<String, TaskError> {
    let mut row = csv::Writer::from_writer(Vec::new());
    row.write_record(fields)?;
    Ok(String::from_utf8(row.into_inner().map_err(csv::IntoInnerError::into_error)?)?)
}
