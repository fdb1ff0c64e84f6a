//! `rekindle predict` on a run of `caption`.

use std::fs;
use std::io::{Write, stdout};
use std::path::Path;

use anyhow::{Context, Result, bail};
use rekindle_data::captions::read_picture;
use rekindle_models::decode::{Hypothesis, Sampling};
use rekindle_train::pictures::{Thumbnail, attended};
use rekindle_train::run::RunFolder;
use serde_json::{Value, json};

use crate::commands::{open_captioner, print_json, search_of};
use crate::options::Predict;

/// Pictures that are looked at side by side.
const BATCH: usize = 16;

/// Side of a picture in a drawing of attention, in pixels.
const THUMBNAIL: usize = 224;

pub fn predict(run: &RunFolder, options: &Predict) -> Result<()> {
    if options.inputs.is_empty() {
        bail!("which pictures? rekindle predict {} IMAGE...", run.path().display());
    }
    let trained = open_captioner(run, options.checkpoint, &options.device)?;
    let best = options.written.n_best.unwrap_or(1);
    if best == 0 {
        bail!("--n-best 0 shows nothing: give 1 or more");
    }
    let mut search = search_of(&options.search, trained.settings.search());
    search.validate()?;
    // As many captions as are shown have to be kept.
    search.beam = search.beam.max(best);
    if options.written.attention.is_some() && trained.model.attention.is_none() {
        bail!("--attention: this run was trained with --attention none, and looks nowhere");
    }
    let seed = options.caption.seed.unwrap_or_else(rand::random);
    let mut out = stdout().lock();
    let mut results: Vec<Value> = Vec::new();
    let mut last = None;
    for files in options.inputs.chunks(BATCH) {
        let paths: Vec<&Path> = files.iter().map(Path::new).collect();
        let seen = trained.see(&paths)?;
        let found: Vec<Vec<(String, Hypothesis)>> = match options.caption.temperature {
            None => trained.captions(seen, &search)?,
            Some(temperature) => {
                let sampling = Sampling { temperature, ..Sampling::default() };
                let mut drawn = vec![Vec::new(); files.len()];
                for number in 0..best as u64 {
                    let captions =
                        trained.draw(seen.clone(), search.max_length, sampling, seed.wrapping_add(number))?;
                    drawn.iter_mut().zip(captions).for_each(|(all, caption)| all.push(caption));
                }
                drawn
            }
        };
        for (file, mut captions) in files.iter().zip(found) {
            captions.truncate(best);
            last = captions.first().map(|(text, _)| (file.clone(), text.clone()));
            if options.output.json {
                let captions: Vec<Value> = captions
                    .iter()
                    .map(|(text, found)| json!({"text": text, "score": found.score, "log_prob": found.log_prob}))
                    .collect();
                results.push(json!({"image": file, "captions": captions}));
                continue;
            }
            for (text, hypothesis) in &captions {
                if options.written.n_best.is_some() {
                    writeln!(out, "{file}\t{:.4}\t{text}", hypothesis.score)?;
                } else if options.inputs.len() > 1 {
                    writeln!(out, "{file}\t{text}")?;
                } else {
                    writeln!(out, "{text}")?;
                }
            }
        }
        out.flush()?;
    }
    if options.output.json {
        print_json(&results)?;
    }
    let (Some(drawing), Some((file, text))) = (&options.written.attention, last) else { return Ok(()) };
    let path = Path::new(&file);
    let (words, looks) = trained.looks(trained.see(&[path])?, &text)?;
    let thumbnail = Thumbnail::new(&read_picture(path, THUMBNAIL)?);
    let picture = attended("picture", &thumbnail, &words, &looks);
    fs::write(drawing, picture.svg).with_context(|| format!("cannot write {}", drawing.display()))?;
    eprintln!("written: {}", drawing.display());
    Ok(())
}
