//! `rekindle eval` on a run of `frames`.

use anyhow::{Result, bail};
use rekindle_data::frames::{Clip, FrameSource};
use rekindle_train::run::RunFolder;
use rekindle_train::tasks::frames::TrainedFrames;
use serde_json::json;

use crate::commands::{open_frames, print_json};
use crate::options::{Eval, Part};

pub fn eval(run: &RunFolder, options: &Eval) -> Result<()> {
    let (mut trained, _) = open_frames(run, options.checkpoint, &options.device)?;
    let clips = clips(&trained, options)?;
    trained.settings.data.batch_size = options.batch_size.unwrap_or(trained.settings.data.batch_size);
    let names: Vec<String> = clips.iter().map(|clip| clip.name.clone()).collect();
    let judgement = trained.judge(clips)?;
    let (matrix, classes) = (&judgement.confusion, trained.schema.classes.names());
    if options.output.json {
        let mut answer = json!({
            "clips": names,
            "checkpoint_step": trained.progress.step,
            "frames": matrix.total(),
            "loss_nats": judgement.loss,
            "classes": super::classes_as_json(matrix, classes),
            "confusion": (0..matrix.classes()).map(|class| matrix.row(class)).collect::<Vec<_>>(),
        });
        for (name, figure) in judgement.figures() {
            answer[name] = figure.into();
        }
        return print_json(&answer);
    }
    println!("clips        {}", names.len());
    println!("checkpoint   step {}", trained.progress.step);
    println!("frames       {}", matrix.total());
    println!("loss         {:.4} nats", judgement.loss);
    println!("accuracy     {:.4}", matrix.accuracy());
    println!("macro F1     {:.4}", matrix.macro_f1());
    println!("edit score   {:.1}", judgement.edit_score);
    if let Some(accuracy) = judgement.clip_accuracy {
        println!("clips right  {accuracy:.4}");
    }
    super::print_classes(matrix, classes, "frames");
    Ok(())
}

fn clips(trained: &TrainedFrames, options: &Eval) -> Result<Vec<Clip>> {
    let settings = &trained.settings.data;
    if let Some(data) = &options.data {
        let mut reader = settings.reader();
        reader.aliases.extend(options.frames.aliases.iter().cloned());
        let source = FrameSource::parse(data, options.frames.labels.as_deref())?;
        return Ok(source.clips(&reader, &trained.schema, true)?);
    }
    let set = settings.clips(Some(trained.schema.clone()))?;
    let (clips, part) = match options.part {
        Part::Train => (set.train, "train"),
        Part::Validation => (set.validation, "validation"),
        Part::Test => (set.test, "test"),
    };
    if clips.is_empty() {
        bail!("the run's own data has no {part} part: judge on other clips with --data");
    }
    Ok(clips)
}
