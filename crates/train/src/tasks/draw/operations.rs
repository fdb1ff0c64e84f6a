//! The operations of a trained model: new images, bounds and reconstructions.

use std::path::PathBuf;

use rekindle_data::images::{Batches, ImageReader, ImageSet, WholeSource};
use rekindle_models::draw::{Draw, Drawn, ImageShape};
use rekindle_onnx::ToOnnx as _;
use rekindle_pictures::sheet::{Sheet, Tile};

use super::error::{DrawError, MOST_PIXELS};
use super::evaluation::{Evaluation, binarization, noise, rows_of, tiles_of};
use super::task::DrawTask;
use crate::error::TrainError;
use crate::files;
use crate::import::import;
use crate::operation::NoSplit;
use crate::prelude::*;

settings! {
    /// Options of `eval`.
    pub struct EvalOptions {
        /// Also estimate the log-likelihood, with this many samples of the latents for each image
        importance_samples: Option<usize> => value("K").at_least(1).unset("no such estimate");
    }
}

settings! {
    /// Options of `sample`.
    pub struct SampleOptions {
        /// Images to draw
        count: usize = 64 => at_least(1);
        /// Folder to put the pictures in
        out: Option<PathBuf> => value("FOLDER").unset("samples in the run's folder");
    }
}

settings! {
    /// Options of `predict`.
    pub struct PredictOptions {
        /// Picture to write
        out: Option<PathBuf> => value("FILE").endings(["png"]).unset("samples/reconstruction.png in the run's folder");
    }
}

settings! {
    /// Options of the playground.
    pub struct PlayOptions {
        /// Images to draw
        count: usize = 9 => at_least(1).at_most(64);
        /// Seed; the same seed gives the same images
        seed: Option<u64> => at_least(0).unset("random");
    }
}

/// The colour of read windows.
const GREEN: [u8; 3] = [40, 200, 80];
/// The colour of write windows.
const RED: [u8; 3] = [230, 40, 40];
/// Images of a sample that are shown step by step.
const SHOWN: usize = 8;
/// Images of a sample that are shown in the animation.
const ANIMATED: usize = 2 * SHOWN;
/// New images that are drawn at once.
const BATCH: usize = 1024;
/// Pixels of a picture of new images per pixel of an image.
const SCALE: usize = 2;
/// Pixels of a picture of steps per pixel of an image, if there is room.
const STEPS_SCALE: usize = 3;
/// The most pixels of a frame of the animation.
const FRAME_PIXELS: usize = 20_000_000;
/// Most images of one input that are reconstructed.
const MOST: usize = 16;
/// Seed of the binarisation and the noise of `predict`: the reconstruction of an image is always the same.
const SEED: u64 = 1;

impl Operate for DrawTask {
    fn operations() -> Operations<Self> {
        Operations::default()
            .evaluate(eval)
            .sample(sample)
            .predict(predict)
            .onnx(|trained, opset| Ok(trained.model.to_onnx(opset)?))
            .import(import::<Self>)
            .instead_of_neurons(
                "the canvas stands in their place: `rekindle sample RUN` draws it step by step, with the windows of each \
                 step",
            )
            .playground_without(Input::Picture, "With a picture, the model reconstructs it; else it draws new ones.", play)
    }
}

type Painter = Trained<DrawTask>;

fn eval(trained: Painter, request: Evaluate, options: EvalOptions, _: &mut Output<'_>) -> Result<Report, TaskError> {
    let Trained { model, assets: shape, settings, .. } = &trained;
    let settings = &settings.data;
    let (name, images) = match request.on {
        On::Data(data) => {
            let WholeSource { name, images, .. } = whole(&data, *shape)?;
            (name, images)
        }
        On::Split(split) => {
            let set = ImageSet::open(&settings.data, &settings.reader())?;
            let images = split.of([set.train, set.validation, set.test]);
            if images.is_empty() {
                return Err(NoSplit(split).into());
            }
            DrawError::check(&set.name, &images, *shape)?;
            (format!("{}, {} part", set.name, split.of(["training", "validation", "test"])), images)
        }
    };
    let samples = options.importance_samples;
    let evaluation = Evaluation {
        binarization: settings.binarize,
        batch_size: request.batch_size.unwrap_or(settings.batch_size),
        importance_samples: samples.unwrap_or(0),
    };
    let report = evaluation.evaluate(model, &images)?;
    let report = report.fact("images", name).fact("count", images.len());
    let report = report.fact("binarisation", binarization(&images, settings.binarize));
    // The estimate, if requested, replaces the second null.
    Ok(report.fact("importance_samples", samples).fact("importance_weighted_nats", Value::Null))
}

/// All images of `data`, or of its test part, resized to the model's shape.
fn whole(data: &str, shape: ImageShape) -> Result<WholeSource, TaskError> {
    let size = (shape.height == shape.width).then_some(shape.height);
    let reader = ImageReader { size, colour: shape.channels == 3, ..ImageReader::default() };
    let whole = WholeSource::open(data, &reader)?;
    DrawError::check(data, &whole.images, shape)?;
    Ok(whole)
}

/// New images.
struct New {
    /// Each after its last step.
    last: Vec<Tile>,
    /// The first few after every step.
    steps: Vec<Vec<Tile>>,
}

impl New {
    /// Draws `count` images, a batch at a time.
    fn drawn(model: &Draw, count: usize, seed: u64) -> Result<Self, TaskError> {
        let mut new = Self { last: Vec::with_capacity(count), steps: Vec::new() };
        let mut rng = seeded(seed);
        for first in (0..count).step_by(BATCH) {
            check_stop()?;
            let batch = BATCH.min(count - first);
            let mut last = None;
            for Drawn { image, written, .. } in model.generating(noise(model, batch, &mut rng)) {
                if first == 0 {
                    let shown = |rows: Tensor<2>| rows.narrow(0, 0, batch.min(ANIMATED));
                    new.steps.push(tiles_of(shown(image.clone()), written.map(shown))?);
                }
                last = Some(image);
            }
            new.last.extend(last.map(|last| tiles_of(last, None)).transpose()?.unwrap_or_default());
        }
        Ok(new)
    }
}

/// The picture of `count` new images, in as many rows as columns.
fn square(shape: ImageShape, count: usize) -> Sheet {
    let columns = (count as f64).sqrt().ceil() as usize;
    Sheet { shape: shape.dims(), columns, scale: SCALE, colour: RED }
}

/// The most images that a picture of [`MOST_PIXELS`] has room for, in as many rows as columns.
fn most_images(shape: ImageShape) -> usize {
    let counts = (1..).map(|side: usize| side.pow(2));
    counts.take_while(|&count| square(shape, count).pixels(count) <= MOST_PIXELS).last().unwrap_or(1)
}

/// The picture of `rows` images, each with its steps beside each other; and of how many of them [`MOST_PIXELS`] have
/// room for. The scale is smaller if that gives room for more.
fn of_steps(shape: ImageShape, steps: usize, rows: usize, colour: [u8; 3]) -> (Sheet, usize) {
    let sheet = Sheet { shape: shape.dims(), columns: steps, scale: STEPS_SCALE, colour };
    let sheet = sheet.within(rows * steps, MOST_PIXELS);
    let fitting = (1..=rows).rev().find(|rows| sheet.pixels(rows * steps) <= MOST_PIXELS);
    (sheet, fitting.unwrap_or(1))
}

fn sample(trained: Painter, request: Sample, options: SampleOptions, output: &mut Output<'_>) -> Result<(), TaskError> {
    let (Sample { run, seed }, SampleOptions { count, out }) = (request, options);
    let Trained { model, assets: shape, .. } = &trained;
    let most = most_images(*shape);
    if count > most {
        return Err(DrawError::TooMany { count, most }.into());
    }
    let New { last, steps } = New::drawn(model, count, seed)?;

    let folder = out.unwrap_or_else(|| run.join("samples"));
    files::make_folder(&folder)?;
    let paths = ["samples.png", "steps.png", "steps.gif"].map(|name| folder.join(name));
    square(*shape, count).save_picture(&last, &paths[0]).map_err(TrainError::io("write", &paths[0]))?;
    let (sheet, shown) = of_steps(*shape, steps.len(), count.min(SHOWN), RED);
    let rows = (0..shown).flat_map(|row| steps.iter().map(move |step| step[row].clone()));
    sheet.save_picture(&rows.collect::<Vec<_>>(), &paths[1]).map_err(TrainError::io("write", &paths[1]))?;
    let last = last[..count.min(ANIMATED)].to_vec();
    let sheet = Sheet { shape: shape.dims(), columns: 4, scale: 4, colour: RED }.within(last.len(), FRAME_PIXELS);
    let frames: Vec<Vec<Tile>> = steps.into_iter().chain([last]).collect();
    sheet.save_animation(&frames, &paths[2]).map_err(TrainError::io("write", &paths[2]))?;

    let [samples, in_steps, animation] = paths.each_ref().map(|path| path.display());
    if shown < count.min(SHOWN) {
        output.note(format_args!("{in_steps}: the first {}, more would be too large", counted(shown, "images")));
    }
    output.line(format_args!("{}, seed {seed}", counted(count, "new images")))?;
    output.line(format_args!("images       {samples}\ntheir steps  {in_steps}\nanimation    {animation}"))?;
    Ok(output.json(&json!({"images": count, "seed": seed, "files": paths}))?)
}

/// Reconstructs images: each row has an image, then the canvas after every step.
fn predict(
    trained: Painter,
    request: Predict,
    options: PredictOptions,
    output: &mut Output<'_>,
) -> Result<(), TaskError> {
    let inputs = request.inputs.given("the images to reconstruct")?;
    let Trained { model, assets: shape, settings, .. } = &trained;
    let binarize = settings.data.binarize;
    let (mut names, mut values) = (Vec::new(), Vec::new());
    // By image, as inputs may differ: a bound is one under a binarisation.
    let mut binarizations = Vec::new();
    for input in &inputs {
        let whole = whole(input, *shape)?;
        let images = &whole.images;
        let rows: Vec<usize> = (0..images.len().min(MOST)).collect();
        if rows.len() < images.len() {
            output.note(format_args!("{}: the first {MOST} of {} images", whole.name, images.len()));
        }
        values.extend(Batches::new(images.len(), 1, SEED)?.rows(images, binarize, &rows, 0));
        names.extend(rows.iter().map(|&row| whole.name_of(row)));
        binarizations.resize(names.len(), binarization(images, binarize));
    }
    let steps = 1 + model.settings().glimpses;
    let (sheet, shown) = of_steps(*shape, steps, names.len(), GREEN);
    let mut rng = seeded(SEED);
    let (mut bounds, mut tiles) = (Vec::with_capacity(names.len()), Vec::new());
    for values in values.chunks(BATCH * shape.pixels()) {
        check_stop()?;
        let count = values.len() / shape.pixels();
        let images = TensorData::new(values.to_vec(), [count, shape.pixels()]);
        let images = Tensor::from_data(images, &model.canvas.device());
        let noise = noise(model, count, &mut rng);
        let rows = count.min(shown.saturating_sub(bounds.len()));
        bounds.extend(numbers(model.bound(images.clone(), noise.clone()).total())?);
        if rows > 0 {
            let first = |images: Tensor<2>| images.narrow(0, 0, rows);
            let mut columns = vec![tiles_of(first(images.clone()), None)?];
            for step in model.reconstruct(first(images), noise.narrow(1, 0, rows)) {
                columns.push(tiles_of(step.image, step.read)?);
            }
            tiles.extend((0..rows).flat_map(|row| columns.iter().map(move |tiles| tiles[row].clone())));
        }
    }
    let path = options.out.unwrap_or_else(|| request.run.join("samples").join("reconstruction.png"));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::make_folder(folder)?;
    }
    if shown < names.len() {
        output.note(format_args!(
            "{}: the first {shown} of {} images, more would be too large",
            path.display(),
            names.len()
        ));
    }
    sheet.save_picture(&tiles, &path).map_err(TrainError::io("write", &path))?;
    let one = binarizations.iter().all(|binarization| *binarization == binarizations[0]);
    let each = names.iter().zip(&bounds).zip(&binarizations);
    for ((name, bound), binarization) in each.clone() {
        let of_it = if one { String::new() } else { format!("  ({binarization})") };
        output.line(format_args!("{bound:9.2} nats  {name}{of_it}"))?;
    }
    if one {
        output.line(format_args!("binarisation   {}", binarizations[0]))?;
    }
    output.line(format_args!("picture        {}", path.display()))?;
    let images = each
        .map(|((name, bound), binarization)| json!({"image": name, "bound_nats": bound, "binarisation": binarization}));
    let images: Vec<Value> = images.collect();
    let binarization = one.then(|| &binarizations[0]);
    Ok(output.json(&json!({"binarisation": binarization, "images": images, "picture": path}))?)
}

/// New images, or reconstructions of one, step by step.
fn play(trained: &Painter, play: Play, options: PlayOptions, answers: &mut Answers<'_>) -> Result<(), TaskError> {
    let Trained { model, assets: shape, settings, .. } = trained;
    let seed = options.seed.unwrap_or_else(rand::random);
    let mut rng = seeded(seed);
    let (count, known) = match &play.files[..] {
        [] => (options.count, None),
        [file] => {
            let images = whole(file.to_str().ok_or("the name of the picture is no text")?, *shape)?.images;
            let rows: Vec<usize> = (0..images.len().min(MOST)).collect();
            let values = Batches::new(images.len(), 1, SEED)?.rows(&images, settings.data.binarize, &rows, 0);
            let values = TensorData::new(values, [rows.len(), shape.pixels()]);
            (rows.len(), Some(Tensor::from_data(values, &model.canvas.device())))
        }
        _ => return Err("give one picture".into()),
    };
    let [channels, height, width] = shape.dims();
    let glimpses = model.settings().glimpses;
    answers.line(
        &json!({"steps": glimpses, "size": [height, width], "channels": channels, "count": count, "seed": seed}),
    )?;
    let mut step = 0;
    let mut show = |drawn: Drawn| -> Result<(), TaskError> {
        check_stop()?;
        let images: Vec<Vec<f32>> = rows_of(drawn.image)?.into_iter().map(in_thousandths).collect();
        let [read, written] = [drawn.read, drawn.written].map(|windows| windows.map(rows_of).transpose());
        let (read, written) = (read?, written?);
        let windows: Vec<Value> = (0..count)
            .map(|row| {
                let of = |windows: &Option<Vec<Vec<f32>>>| windows.as_ref().map(|windows| window(&windows[row]));
                json!({"write": of(&written), "read": of(&read)})
            })
            .collect();
        answers.line(&json!({"step": step, "images": images, "windows": windows}))?;
        step += 1;
        Ok(())
    };
    let noise = noise(model, count, &mut rng);
    match known {
        None => model.generating(noise).try_for_each(&mut show)?,
        Some(images) => model.reconstruct(images, noise).into_iter().try_for_each(&mut show)?,
    }
    answers.line(&json!({"done": true, "seed": seed}))
}

/// Pixels with three digits: more cannot be seen, and take space.
fn in_thousandths(pixels: Vec<f32>) -> Vec<f32> {
    pixels.into_iter().map(|pixel| (pixel * 1000.0).round() / 1000.0).collect()
}

/// Top, left, height and width of a window of left, top, right and bottom.
fn window(bounds: &[f32]) -> [f32; 4] {
    [bounds[1], bounds[0], bounds[3] - bounds[1], bounds[2] - bounds[0]]
}

#[cfg(test)]
mod tests;
