//! `rekindle predict` on a run of `frames`.

use std::fs;
use std::io::{self, Stdout, Write, stdin, stdout};

use anyhow::{Context, Result, bail};
use rekindle_data::frames::FrameSource;
use rekindle_train::pictures::timeline;
use rekindle_train::run::RunFolder;
use rekindle_train::tasks::frames::{FramesPrediction, TrainedFrames};
use serde_json::json;

use crate::commands::{open_frames, print_json};
use crate::options::Predict;

pub fn predict(run: &RunFolder, options: &Predict) -> Result<()> {
    let (trained, _) = open_frames(run, options.checkpoint, &options.device)?;
    match &options.inputs[..] {
        [] => live(&trained, options),
        [clip] => tag(&trained, clip, options),
        _ => bail!("one clip at a time: judge many with `rekindle eval --data`"),
    }
}

/// A line of CSV for every frame of a clip.
fn tag(trained: &TrainedFrames, clip: &str, options: &Predict) -> Result<()> {
    let mut reader = trained.settings.data.reader();
    reader.aliases.extend(options.frames.aliases.iter().cloned());
    let clips = FrameSource::parse(clip, options.frames.labels.as_deref())?.clips(&reader, &trained.schema, false)?;
    let [clip] = &clips[..] else {
        bail!("{clip} holds {} clips: judge them with `rekindle eval --data`", clips.len())
    };
    let frames = trained.predict(clips.clone())?.remove(0);
    let classes: Vec<&str> = trained.schema.classes.names().iter().map(String::as_str).collect();
    let truth = clip.labels.as_deref();
    if options.output.json {
        let frame = |(number, frame): (usize, &FramesPrediction)| {
            json!({
                "frame": number,
                "label": classes[frame.class],
                "probability": frame.probability,
                "truth": truth.map(|truth| classes[truth[number] as usize]),
            })
        };
        print_json(&frames.iter().enumerate().map(frame).collect::<Vec<_>>())?;
    } else {
        let mut rows = Rows::default();
        let truth_of = |number: usize| truth.map(|truth| classes[truth[number] as usize]);
        rows.write(["frame", "label", "probability"].into_iter().chain(truth.map(|_| "truth")))?;
        for (number, frame) in frames.iter().enumerate() {
            let (place, probability) = (number.to_string(), format!("{:.4}", frame.probability));
            rows.write([&*place, classes[frame.class], &*probability].into_iter().chain(truth_of(number)))?;
        }
        rows.0.flush()?;
    }
    if let Some(file) = &options.frames.timeline {
        let predicted: Vec<u32> = frames.iter().map(|frame| frame.class as u32).collect();
        let picture = timeline(&clip.name, truth, &predicted, &classes);
        fs::write(file, picture.svg).with_context(|| format!("cannot write {}", file.display()))?;
        eprintln!("written: {}", file.display());
    }
    Ok(())
}

/// Answers every line of standard input as it comes: features with commas between, or the path of an image.
fn live(trained: &TrainedFrames, options: &Predict) -> Result<()> {
    let Some(mut tagger) = trained.live() else {
        bail!("a bidirectional model needs the whole clip: name it after the run");
    };
    let classes = trained.schema.classes.names();
    let mut frames = trained.schema.live();
    let mut rows = Rows::default();
    for (number, line) in (1..).zip(stdin().lines()) {
        let line = line.context("cannot read standard input")?;
        let answer = tagger.push(&frames.frame(&line, "standard input", number)?);
        let (label, probability) = (&classes[answer.class], answer.probability);
        if options.output.json {
            let mut out = stdout().lock();
            writeln!(out, "{}", json!({"frame": number - 1, "label": label, "probability": probability}))?;
            out.flush()?;
        } else {
            rows.write([&*(number - 1).to_string(), label, &*format!("{probability:.4}")])?;
            // Whoever sends frames waits for the answer.
            rows.0.flush()?;
        }
    }
    Ok(())
}

/// Rows of CSV on standard output.
struct Rows(csv::Writer<Stdout>);

impl Default for Rows {
    fn default() -> Self {
        Self(csv::Writer::from_writer(stdout()))
    }
}

impl Rows {
    /// A reader who has seen enough is told from other failures by the system's own error.
    fn write<'a>(&mut self, fields: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        self.0.write_record(fields).map_err(io::Error::from)
    }
}
