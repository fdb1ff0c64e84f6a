//! `rekindle predict` on a run of `frames`.

use std::fs;
use std::io::{Write, stdin, stdout};

use anyhow::{Context, Result, bail};
use rekindle_data::frames::FrameSource;
use rekindle_train::pictures::timeline;
use rekindle_train::run::RunFolder;
use rekindle_train::tasks::frames::TrainedFrames;
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
        let frame = |(number, frame): (usize, &rekindle_train::tasks::frames::FramesPrediction)| {
            json!({
                "frame": number,
                "label": classes[frame.class],
                "probability": frame.probability,
                "truth": truth.map(|truth| classes[truth[number] as usize]),
            })
        };
        print_json(&frames.iter().enumerate().map(frame).collect::<Vec<_>>())?;
    } else {
        let mut out = stdout().lock();
        writeln!(out, "frame,label,probability{}", if truth.is_some() { ",truth" } else { "" })?;
        for (number, frame) in frames.iter().enumerate() {
            let truth = truth.map(|truth| format!(",{}", field(classes[truth[number] as usize])));
            let label = field(classes[frame.class]);
            writeln!(out, "{number},{label},{:.4}{}", frame.probability, truth.unwrap_or_default())?;
        }
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
    for (number, line) in (1..).zip(stdin().lines()) {
        let line = line.context("cannot read standard input")?;
        let answer = tagger.push(&trained.schema.frame(&line, "standard input", number)?);
        let mut out = stdout().lock();
        let (label, probability) = (&classes[answer.class], answer.probability);
        if options.output.json {
            writeln!(out, "{}", json!({"frame": number - 1, "label": label, "probability": probability}))?;
        } else {
            writeln!(out, "{},{},{probability:.4}", number - 1, field(label))?;
        }
        // Whoever sends frames waits for the answer.
        out.flush()?;
    }
    Ok(())
}

/// A label as a field of CSV.
fn field(label: &str) -> String {
    if label.contains([',', '"', '\n']) { format!("\"{}\"", label.replace('"', "\"\"")) } else { label.to_owned() }
}
