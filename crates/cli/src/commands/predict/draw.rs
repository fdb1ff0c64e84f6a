//! `rekindle predict` on a run of `draw`: images as the model reads and draws them again.

use std::fs;

use anyhow::{Context, Result, bail};
use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_data::images::{Batches, ImageReader, ImageSet};
use rekindle_models::host::numbers;
use rekindle_train::run::RunFolder;
use rekindle_train::tasks::draw::{Sheet, Tile, binarization, noise, tiles_of};
use serde_json::json;

use crate::commands::{open_draw, print_json};
use crate::options::Predict;

/// The window that is read is drawn in green.
const GREEN: [u8; 3] = [40, 200, 80];
/// Decides the binarisation and the noise: the same image is always drawn again in the same way.
const SEED: u64 = 1;

pub fn predict(run: &RunFolder, options: &Predict) -> Result<()> {
    if options.inputs.is_empty() {
        bail!("name the images to draw again: rekindle predict {} IMAGE", run.path().display());
    }
    let trained = open_draw(run, options.checkpoint, &options.device)?;
    let (model, shape) = (&trained.model, trained.shape);
    let size = shape.height;
    if shape.width != size {
        bail!("the model draws images of {} by {size}, and images are read as squares", shape.width);
    }
    let reader = ImageReader { size: Some(size), colour: shape.channels == 3, ..ImageReader::default() };
    let (mut names, mut values, mut said) = (Vec::new(), Vec::new(), String::new());
    for input in &options.inputs {
        let images = ImageSet::whole(input, &reader)?;
        let binarize = trained.settings.data.binarize;
        said = binarization(&images, binarize);
        let rows: Vec<usize> = (0..images.len().min(MOST)).collect();
        values.extend(Batches::new(images.len(), 1, SEED)?.rows(&images, binarize, &rows, 0));
        names.extend(rows.iter().map(|row| if rows.len() == 1 { input.clone() } else { format!("{input}, {row}") }));
    }
    let pixels = shape.channels * size * size;
    let images = Tensor::from_data(TensorData::new(values, [names.len(), pixels]), &model.canvas.device());
    let noise = noise(model, names.len(), &mut ChaCha8Rng::seed_from_u64(SEED));
    let bounds = numbers(model.bound(images.clone(), noise.clone()).total())?;
    let originals = tiles_of(images.clone(), None)?;
    let drawn: Vec<Vec<Tile>> = model
        .reconstruct(images, noise)
        .into_iter()
        .map(|step| tiles_of(step.image, step.read))
        .collect::<Result<_, _>>()?;

    // A row for each image: itself, then the canvas after every step.
    let row = |index: usize| std::iter::once(&originals).chain(&drawn).map(move |tiles| tiles[index].clone());
    let tiles: Vec<Tile> = (0..names.len()).flat_map(row).collect();
    let path = options.draw.out.clone().unwrap_or_else(|| run.path().join("samples").join("reconstruction.png"));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    Sheet { shape, columns: 1 + drawn.len(), scale: 3, colour: GREEN }.save_picture(&tiles, &path)?;
    if options.output.json {
        let images: Vec<_> =
            names.iter().zip(&bounds).map(|(name, bound)| json!({"image": name, "bound_nats": bound})).collect();
        return print_json(&json!({"binarisation": said, "images": images, "picture": path}));
    }
    for (name, bound) in names.iter().zip(&bounds) {
        println!("{bound:9.2} nats  {name}");
    }
    println!("binarisation   {said}");
    println!("picture        {}", path.display());
    Ok(())
}

/// Images of one input that are drawn again.
const MOST: usize = 16;
