//! `rekindle eval` on a run of `caption`.

use std::fs;
use std::io::{Write, stderr};
use std::path::Path;

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rekindle_data::captions::{CaptionSet, CaptionedImage, Pictures};
use rekindle_train::pictures::{Thumbnail, attended, escaped};
use rekindle_train::run::RunFolder;
use rekindle_train::task::Preparation;
use rekindle_train::tasks::caption::{Album, TrainedCaptioner, Written};
use serde_json::{Map, Value, json};

use crate::commands::{open_captioner, print_json, search_of};
use crate::options::{Eval, Part};

/// Side of a picture in a gallery, in pixels.
const THUMBNAIL: usize = 160;

pub fn eval(run: &RunFolder, options: &Eval) -> Result<()> {
    let trained = open_captioner(run, options.checkpoint, &options.device)?;
    let settings = &trained.settings.data;
    let mut from = settings.options();
    if options.data.is_some() {
        // The folder of other pictures is beside their captions.
        from.images = None;
    }
    let set = CaptionSet::open(options.data.as_ref().unwrap_or(&settings.data), &from)?;
    let pictures = set.pictures.clone();
    let (images, name) = match (&options.data, options.part) {
        (Some(_), _) => (set.into_all(), "other"),
        (None, Part::Train) => (set.train, "train"),
        (None, Part::Validation) => (set.validation, "validation"),
        (None, Part::Test) => (set.test, "test"),
    };
    if images.is_empty() {
        bail!("the run's data has no {name} part: judge on other files with --data");
    }
    let search = search_of(&options.search, trained.settings.search());
    search.validate()?;
    let album = Album { pictures: &pictures, images: &images, name, workers: settings.workers };
    let mut prepared = |news: Preparation<'_>| {
        // Whoever has closed standard error does not want to know.
        let _ = match news {
            Preparation::Message(message) => writeln!(stderr(), "warning: {message}"),
            Preparation::Progress { what, done, total } if done % 512 == 0 || done == total => {
                writeln!(stderr(), "{done}/{total} {what}")
            }
            Preparation::Progress { .. } => Ok(()),
        };
    };
    let (evaluation, written) = trained.judge(album, search, options.batch_size.unwrap_or(64), &mut prepared)?;
    if let Some(file) = &options.caption.results {
        let result =
            |written: &Written| json!({"image_id": written.id, "caption": written.caption, "file_name": written.name});
        let results: Value = written.iter().map(result).collect();
        write(file, &serde_json::to_string(&results)?)?;
    }
    if let Some(file) = &options.caption.gallery {
        let count = options.caption.gallery_size.unwrap_or(10).min(images.len());
        let mut rng = ChaCha8Rng::seed_from_u64(options.caption.gallery_seed.unwrap_or(1));
        let chosen = sample(&mut rng, images.len(), count);
        let pages = chosen.iter().map(|index| figure(&trained, &pictures, &images[index], &written[index]));
        let pages: Result<Vec<String>> = pages.collect();
        write(file, &page(&pages?.concat()))?;
    }
    let step = trained.progress.step;
    if options.output.json {
        let mut result: Map<String, Value> =
            evaluation.figures.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
        result.insert("pictures".to_owned(), images.len().into());
        result.insert("checkpoint_step".to_owned(), step.into());
        result.insert("loss_nats".to_owned(), evaluation.loss.into());
        result.insert("beam".to_owned(), search.beam.into());
        return print_json(&json!(result));
    }
    println!("{:<18} {}", "pictures", images.len());
    println!("{:<18} step {step}", "checkpoint");
    println!("{:<18} {:.4} nats a word", "loss", evaluation.loss);
    for (name, value) in &evaluation.figures {
        println!("{:<18} {value:.4}", name.replace('_', " "));
    }
    println!("{:<18} {}", "beam", search.beam);
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    eprintln!("written: {}", file.display());
    Ok(())
}

/// A picture with what is said of it by the model and by people, and where the model looked.
fn figure(
    trained: &TrainedCaptioner,
    pictures: &Pictures,
    image: &CaptionedImage,
    written: &Written,
) -> Result<String> {
    let thumbnail = Thumbnail::new(&pictures.pixels(&image.name, THUMBNAIL, None)?);
    let (words, looks) = trained.looks(trained.see_image(pictures, &image.name)?, &written.caption)?;
    let name = format!("picture-{}", image.id);
    let svg = attended(&name, &thumbnail, &words, &looks).svg;
    let references: String = image.captions.iter().map(|caption| format!("<li>{}</li>\n", escaped(caption))).collect();
    Ok(format!(
        "<figure>\n<figcaption><b>{}</b> <small>{}</small></figcaption>\n{svg}<ul>\n{references}</ul>\n</figure>\n",
        escaped(&written.caption),
        escaped(&image.name)
    ))
}

fn page(figures: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Captions</title>\n<style>\n\
         body {{ font-family: sans-serif; max-width: 60em; margin: 2em auto; }}\n\
         figure {{ margin: 2em 0; }}\nul {{ color: #555; font-size: 0.9em; }}\nsmall {{ color: #888; }}\n\
         </style>\n</head>\n<body>\n{figures}</body>\n</html>\n"
    )
}
