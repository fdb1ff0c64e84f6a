//! `rekindle sample` on a run of `draw`.

use std::fs;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_train::run::RunFolder;
use rekindle_train::tasks::draw::{Sheet, Tile, noise, tiles_of};
use serde_json::json;

use crate::commands::{open_draw, print_json};
use crate::options::Sample;

/// The window that is written is drawn in red.
const RED: [u8; 3] = [230, 40, 40];
/// Images that are shown step by step.
const SHOWN: usize = 8;

pub fn sample(run: &RunFolder, options: &Sample) -> Result<()> {
    let seed = options.seed.unwrap_or_else(rand::random);
    let trained = open_draw(run, options.checkpoint, &options.device)?;
    let count = options.draw.count.unwrap_or(64);
    let drawn = trained.model.generate(noise(&trained.model, count, &mut ChaCha8Rng::seed_from_u64(seed)));
    let steps: Vec<Vec<Tile>> =
        drawn.into_iter().map(|step| tiles_of(step.image, step.written)).collect::<Result<_, _>>()?;
    let last: Vec<Tile> = steps.last().map(|step| step.iter().map(without_window).collect()).unwrap_or_default();

    let folder = options.draw.out.clone().unwrap_or_else(|| run.path().join("samples"));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let path = |name: &str| folder.join(name);
    let sheet = |columns, scale| Sheet { shape: trained.shape, columns, scale, colour: RED };

    let side = (count as f64).sqrt().ceil() as usize;
    sheet(side, 2).save_picture(&last, &path("samples.png"))?;
    // A row for each image, a column for each step.
    let rows = (0..count.min(SHOWN)).flat_map(|row| steps.iter().map(move |step| step[row].clone()));
    sheet(steps.len(), 3).save_picture(&rows.collect::<Vec<_>>(), &path("steps.png"))?;
    let mut frames: Vec<Vec<Tile>> = steps.iter().map(|step| step[..count.min(2 * SHOWN)].to_vec()).collect();
    frames.push(last[..count.min(2 * SHOWN)].to_vec());
    sheet(4, 4).save_animation(&frames, &path("steps.gif"))?;

    let files = ["samples.png", "steps.png", "steps.gif"].map(path);
    if options.output.json {
        return print_json(&json!({"images": count, "seed": seed, "files": files}));
    }
    let [samples, steps, animation] = files.map(|file| file.display().to_string());
    println!("{count} new images, seed {seed}");
    println!("images       {samples}");
    println!("their steps  {steps}");
    println!("animation    {animation}");
    Ok(())
}

fn without_window(tile: &Tile) -> Tile {
    Tile { window: None, ..tile.clone() }
}
