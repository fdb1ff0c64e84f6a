//! `draw`: DRAW, a recurrent variational auto-encoder that reads and writes an image by a sequence of glimpses.
//!
//! The loss is the bound on the negative log-likelihood of an image in nats: see [`rekindle_models::draw`].

mod judge;
mod settings;
mod sheet;
mod trained;

use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rekindle_data::images::{Batches, Binarization, ImageSet, Images};
use rekindle_models::draw::Draw;
use rekindle_models::host::{DeviceError, numbers};

pub use judge::{Judge, Judgement};
pub use settings::{DrawSettings, ImageSettings, ModelSettings};
pub use sheet::{Sheet, Tile};
pub use trained::{ImageShape, TrainedDraw};

use crate::error::TrainError;
use crate::run::RunFolder;
use crate::run::checkpoint::{self, Which};
use crate::task::{BatchLoss, Evaluation, Task};

/// Keeps the noise of a model apart from the numbers that other parts draw from the same seed.
const TRAINING: u64 = 0x6e6f_6973_6500_0000;

/// The images of a run and what is done with them.
#[derive(Debug)]
pub struct DrawTask {
    settings: DrawSettings,
    set: ImageSet,
    batches: Batches,
}

impl DrawTask {
    fn shape(&self) -> ImageShape {
        let Images { channels, height, width, .. } = self.set.train;
        ImageShape { channels, height, width }
    }
}

impl Task for DrawTask {
    type Settings = DrawSettings;
    type Model = Draw;
    type Carry = ();

    fn open(settings: &DrawSettings, _device: &Device) -> Result<Self, TrainError> {
        settings.validate()?;
        let set = ImageSet::open(&settings.data.data, &settings.data.reader())?;
        settings.model.validate_for(set.train.height.min(set.train.width))?;
        let batches = Batches::new(set.train.len(), settings.data.batch_size, settings.training.seed)?;
        Ok(Self { settings: settings.clone(), set, batches })
    }

    fn reopen(settings: &DrawSettings, _run: &RunFolder, device: &Device) -> Result<Self, TrainError> {
        Self::open(settings, device)
    }

    fn save(&self, run: &RunFolder) -> Result<(), TrainError> {
        self.shape().save(run)
    }

    fn describe(&self) -> String {
        let ImageSet { train, validation, test, .. } = &self.set;
        let binarization = binarization(train, self.settings.data.binarize);
        format!(
            "{}: {} images to train, {} to validate, {} to test; {} x {} pixels, {}; binarisation: {binarization}",
            self.set.name,
            train.len(),
            validation.len(),
            test.len(),
            train.height,
            train.width,
            if train.channels == 1 { "grey" } else { "colour" },
        )
    }

    fn start_from(&self, model: Draw, source: &RunFolder) -> Result<(Draw, String), TrainError> {
        source.settings::<DrawSettings>()?;
        let model = checkpoint::load(source, Which::Best)?.model(model)?;
        Ok((model, "all weights are those of the run to start from".to_owned()))
    }

    fn unit(&self) -> &'static str {
        "images"
    }

    fn data(&self) -> String {
        let ImageSet { name, train, validation, test } = &self.set;
        format!(
            "{name}, {} + {} + {} images of {} x {} x {}, binarisation {}",
            train.len(),
            validation.len(),
            test.len(),
            train.channels,
            train.height,
            train.width,
            self.settings.data.binarize,
        )
    }

    fn init_model(&self, rng: &mut impl Rng, device: &Device) -> Draw {
        self.settings.model.config(self.shape()).init_with(rng, device)
    }

    fn batches(&self) -> u64 {
        self.batches.count() as u64
    }

    fn loss(&mut self, model: &Draw, epoch: u64, batch: u64, _: Option<()>) -> Result<BatchLoss<()>, TrainError> {
        let values = self.batches.batch(&self.set.train, self.settings.data.binarize, epoch, batch as usize);
        let rows = self.batches.batch_size();
        let device = model.canvas.device();
        let images = Tensor::from_data(TensorData::new(values, [rows, self.set.train.size()]), &device);
        let mut rng = ChaCha8Rng::seed_from_u64(self.settings.training.seed ^ TRAINING);
        rng.set_stream((epoch << 24) ^ batch);
        let loss = model.loss(images, noise(model, rows, &mut rng));
        Ok(BatchLoss { loss, carry: (), items: rows as u64 })
    }

    fn restore_carry(&self, data: Vec<TensorData>, _: &Device) -> Option<()> {
        data.is_empty().then_some(())
    }

    fn evaluate(&mut self, model: &Draw) -> Result<Option<Evaluation>, TrainError> {
        let images = &self.set.validation;
        if images.is_empty() {
            return Ok(None);
        }
        let judge =
            Judge { binarization: self.settings.data.binarize, batch_size: self.batches.batch_size(), samples: 0 };
        let Judgement { bound, reconstruction, kl, .. } = judge.judge(model, images)?;
        let figures = vec![("reconstruction", reconstruction), ("kl", kl.iter().sum())];
        Ok(Some(Evaluation { loss: bound, figures, objective: bound, pictures: Vec::new() }))
    }

    fn sample(&mut self, model: &Draw, seed: u64) -> Result<Option<String>, TrainError> {
        let noise = noise(model, 2, &mut ChaCha8Rng::seed_from_u64(seed));
        let last = model.generate(noise).into_iter().next_back().expect("a model has one step or more");
        let images = rows_of(last.image)?;
        Ok(Some(sheet::text(&images, self.shape())))
    }
}

/// Noise `[T, B, Z]` for a batch of `batch` images, drawn on the host: one state of `rng` gives the same on every backend.
pub fn noise(model: &Draw, batch: usize, rng: &mut impl Rng) -> Tensor<3> {
    let config = model.config();
    let shape = [config.steps, batch, config.latent_size];
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.sample(StandardNormal)).collect();
    Tensor::from_data(TensorData::new(values, shape), &model.canvas.device())
}

/// The rows of a matrix on the host.
///
/// # Errors
///
/// When the device fails.
pub fn rows_of(tensor: Tensor<2>) -> Result<Vec<Vec<f32>>, DeviceError> {
    let [_, columns] = tensor.dims();
    Ok(numbers(tensor)?.chunks_exact(columns.max(1)).map(<[f32]>::to_vec).collect())
}

/// What a model has drawn, with the windows that it looked through: `images` `[B, D]`, `windows` `[B, 4]`.
///
/// # Errors
///
/// When the device fails.
pub fn tiles_of(images: Tensor<2>, windows: Option<Tensor<2>>) -> Result<Vec<Tile>, DeviceError> {
    let images = rows_of(images)?;
    let windows = match windows {
        Some(windows) => rows_of(windows)?.into_iter().map(|row| row.try_into().ok()).collect(),
        None => vec![None; images.len()],
    };
    Ok(images.into_iter().zip(windows).map(|(pixels, window)| Tile { pixels, window }).collect())
}

/// What is printed with every figure: bounds compare only where it is the same.
pub fn binarization(images: &Images, asked: Binarization) -> String {
    if asked != Binarization::None && images.values.iter().all(|&pixel| pixel == 0 || pixel == u8::MAX) {
        return "fixed by the data".to_owned();
    }
    asked.to_string()
}
