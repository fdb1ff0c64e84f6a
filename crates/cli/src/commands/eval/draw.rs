//! `rekindle eval` on a run of `draw`.

use anyhow::{Result, bail};
use rekindle_data::images::{ImageReader, ImageSet, Images};
use rekindle_train::run::RunFolder;
use rekindle_train::tasks::draw::{Judge, TrainedDraw, binarization};
use serde_json::json;

use crate::commands::{open_draw, print_json};
use crate::options::{Eval, Part};

pub fn eval(run: &RunFolder, options: &Eval) -> Result<()> {
    let trained = open_draw(run, options.checkpoint, &options.device)?;
    let settings = &trained.settings.data;
    let (name, images) = match &options.data {
        Some(data) => (data.clone(), whole(data, &trained)?),
        None => part(options.part, &trained)?,
    };
    let binarize = settings.binarize;
    let samples = options.draw.importance_samples.unwrap_or(0);
    let batch_size = options.batch_size.unwrap_or(settings.batch_size);
    let judged = Judge { binarization: binarize, batch_size, samples }.judge(&trained.model, &images)?;
    let binarization = binarization(&images, binarize);
    let kl: f64 = judged.kl.iter().sum();
    if options.output.json {
        return print_json(&json!({
            "images": name,
            "count": images.len(),
            "binarisation": binarization,
            "checkpoint_step": trained.progress.step,
            "bound_nats": judged.bound,
            "reconstruction_nats": judged.reconstruction,
            "kl_nats": kl,
            "kl_by_step_nats": judged.kl,
            "importance_samples": options.draw.importance_samples,
            "importance_weighted_nats": judged.weighted,
        }));
    }
    println!("images          {name}: {}", images.len());
    println!("binarisation    {binarization}");
    println!("checkpoint      step {}", trained.progress.step);
    println!("bound           {:.3} nats", judged.bound);
    println!("reconstruction  {:.3} nats", judged.reconstruction);
    println!("KL              {kl:.3} nats");
    for (line, steps) in judged.kl.chunks(8).enumerate() {
        let steps: Vec<String> = steps.iter().map(|step| format!("{step:.2}")).collect();
        println!("{:<15} {}", if line == 0 { "  by step" } else { "" }, steps.join(" "));
    }
    if let Some(weighted) = judged.weighted {
        println!("estimate        {weighted:.3} nats, importance-weighted with {samples} samples");
    }
    Ok(())
}

/// All images of other data, in the size of the run's.
fn whole(data: &str, trained: &TrainedDraw) -> Result<Images> {
    let shape = trained.shape;
    let size = (shape.height == shape.width).then_some(shape.height);
    let reader = ImageReader { size, colour: shape.channels == 3, ..ImageReader::default() };
    let images = ImageSet::whole(data, &reader)?;
    if (images.height, images.width) != (shape.height, shape.width) {
        bail!(
            "{data}: images of {} by {}, and the model draws {} by {}",
            images.height,
            images.width,
            shape.height,
            shape.width
        );
    }
    Ok(images)
}

fn part(part: Part, trained: &TrainedDraw) -> Result<(String, Images)> {
    let settings = &trained.settings.data;
    let set = ImageSet::open(&settings.data, &settings.reader())?;
    let (name, images) = match part {
        Part::Train => ("training part", set.train),
        Part::Validation => ("validation part", set.validation),
        Part::Test => ("test part", set.test),
    };
    if images.is_empty() {
        bail!("{}: there are no images in the {name}", settings.data);
    }
    Ok((format!("{}, {name}", settings.data), images))
}
