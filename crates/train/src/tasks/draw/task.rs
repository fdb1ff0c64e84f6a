//! Training DRAW.

use burn::module::Module;
use rekindle_data::images::{Batches, ImageSet};
use rekindle_models::draw::{Draw, ImageShape};
use rekindle_pictures::sheet;

use super::error::{DrawError, shape_of};
use super::evaluation::{Evaluation, binarization, noise, rows_of};
use super::settings::DrawSettings;
use crate::prelude::*;

/// Separates the model's noise from other random numbers of the same seed.
const TRAINING: u64 = 0x6e6f_6973_6500_0000;

const SHAPE: &str = "images.json";

impl Assets for ImageShape {
    fn save(&self, to: &mut AssetWriter<'_>) -> Result<(), TaskError> {
        to.write_json(SHAPE, self)
    }

    fn load(from: &AssetReader) -> Result<Self, TaskError> {
        let shape: Self = from.json(SHAPE)?;
        let sides = [shape.height, shape.width].iter().all(|side| (1..=4096).contains(side));
        if !sides || ![1, 3].contains(&shape.channels) {
            let Self { channels, height, width } = shape;
            let reason = format!("{channels} x {height} x {width} is not the shape of an image");
            return Err(from.malformed(SHAPE, reason).into());
        }
        Ok(shape)
    }
}

/// A run's images and their batches.
#[derive(Debug)]
pub struct DrawTask {
    settings: DrawSettings,
    shape: ImageShape,
    set: ImageSet,
    batches: Batches,
    data: DataInfo,
}

impl Task for DrawTask {
    const NAME: &'static str = "draw";
    const ABOUT: &'static str = "Images, drawn by a sequence of glimpses";

    type Settings = DrawSettings;
    type Assets = ImageShape;
    type Model = Draw;
    type Carry = ();

    fn open(settings: &DrawSettings, assets: Option<ImageShape>, _: &Device) -> Result<Self, TaskError> {
        let binarize = settings.data.binarize;
        let set = ImageSet::open(&settings.data.data, &settings.data.reader())?;
        let ImageSet { name, train, validation, test } = &set;
        let shape = shape_of(train);
        DrawError::check(name, train, assets.unwrap_or(shape))?;
        settings.model.check_for(shape)?;
        let ImageShape { channels, height, width } = shape;
        let [training, validating, testing] = [train, validation, test].map(|images| images.len());
        let data = DataInfo {
            unit: "images",
            summary: format!(
                "{name}: {} to train, {validating} to validate, {testing} to test; {height} x {width} pixels, {}; \
                 binarisation: {}",
                counted(training, "images"),
                if channels == 1 { "grey" } else { "colour" },
                binarization(train, binarize),
            ),
            identity: format!(
                "{name}, {training} + {validating} + {testing} images of {channels} x {height} x {width}, binarisation \
                 {binarize}"
            ),
            sha256: sha256([&train.values, &validation.values]),
        };
        let batches = Batches::new(training, settings.data.batch_size, settings.training.seed)?;
        Ok(Self { settings: settings.clone(), shape, set, batches, data })
    }

    fn assets(&self) -> &ImageShape {
        &self.shape
    }

    fn check(settings: &DrawSettings, shape: &ImageShape) -> Result<(), TaskError> {
        Ok(settings.model.check_for(*shape)?)
    }

    fn model(settings: &DrawSettings, shape: &ImageShape, seed: u64, device: &Device) -> Draw {
        settings.model.init_with(*shape, &mut seeded(seed), device)
    }

    fn data(&self) -> DataInfo {
        self.data.clone()
    }

    fn batches(&self) -> u64 {
        self.batches.count() as u64
    }

    fn loss(&mut self, model: &Draw, epoch: u64, batch: u64, _: Option<()>) -> Result<BatchLoss<()>, TaskError> {
        let values = self.batches.batch(&self.set.train, self.settings.data.binarize, epoch, batch as usize);
        let rows = self.batches.batch_size();
        let device = model.canvas.device();
        let images = Tensor::from_data(TensorData::new(values, [rows, self.set.train.size()]), &device);
        let mut rng = stream(self.settings.training.seed ^ TRAINING, (epoch << 24) ^ batch);
        let loss = model.loss(images, noise(model, rows, &mut rng));
        Ok(BatchLoss { loss, carry: (), items: rows as u64 })
    }

    fn kept(&self) -> f64 {
        let (data, model) = (&self.settings.data, &self.settings.model);
        // Two LSTMs of four gates, and the canvas.
        let numbers = 2 * 6 * model.hidden as u64 + 2 * self.shape.pixels() as u64;
        (data.batch_size * model.glimpses) as f64 * numbers as f64
    }

    fn start_from(&self, model: Draw, source: Trained<Self>) -> Result<(Draw, String), TaskError> {
        if source.assets != self.shape {
            return Err(DrawError::OtherModel.into());
        }
        let model = model.try_load_record(source.model.into_record()).map_err(|_| DrawError::OtherModel)?;
        Ok((model, "all weights are those of the run to start from".to_owned()))
    }

    fn evaluate(&mut self, model: &Draw) -> Result<Option<Report>, TaskError> {
        let images = &self.set.validation;
        if images.is_empty() {
            return Ok(None);
        }
        let (binarization, batch_size) = (self.settings.data.binarize, self.batches.batch_size());
        Evaluation { binarization, batch_size, importance_samples: 0 }.evaluate(model, images).map(Some)
    }

    fn sample(&mut self, model: &Draw, seed: u64) -> Result<Option<String>, TaskError> {
        let steps = model.generate(noise(model, 2, &mut seeded(seed)));
        let images = steps.into_iter().next_back().map(|last| rows_of(last.image)).transpose()?;
        Ok(images.map(|images| sheet::text(&images, self.shape.dims())))
    }
}
