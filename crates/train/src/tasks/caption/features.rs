//! Image features, the output of an image encoder. Those of a frozen encoder are cached on disk.
//!
//! The head of the file identifies the encoder by a hash of its weights, and the images by a hash of their names and
//! sizes: see [`rekindle_data::rows`]. A file that does not fit, or is damaged, is computed again.

use std::iter::once;
use std::ops::Range;
use std::path::Path;

use rekindle_data::captions::{Augmentation, CaptionedImage, PictureLoader, Pictures};
use rekindle_data::rows::{RowFile, RowWriter};
use rekindle_models::captioner::encoder::{Encoder, View};
use rekindle_weights::StateDict;

use super::settings::CaptionModelSettings;
use crate::prelude::*;
use crate::seeds::mix;

/// Images per batch of the encoder.
const BATCH: usize = 16;

/// The features `[B, P, F]` of images of red, green and blue bytes, `[B, 3, side, side]`.
pub(super) fn encode(encoder: &Encoder, model: &CaptionModelSettings, pixels: &[u8], device: &Device) -> Tensor<3> {
    let side = model.encoder.config().side;
    let values: Vec<f32> = pixels.iter().map(|&value| f32::from(value) / 255.0).collect();
    let count = pixels.len() / (3 * side * side);
    let images = Tensor::from_data(TensorData::new(values, [count, 3, side, side]), device);
    encoder.forward(images, model.captioner.view())
}

/// A frozen image encoder.
#[derive(Debug)]
pub(crate) struct FrozenEncoder {
    /// The encoder.
    pub encoder: Encoder,
    model: CaptionModelSettings,
    /// SHA-256 of the weights.
    weights: String,
    device: Device,
}

impl FrozenEncoder {
    /// The encoder of `model`, on `device`, which must be without autodiff.
    pub fn new(encoder: Encoder, model: &CaptionModelSettings, device: &Device) -> Self {
        let state = encoder.state_dict();
        let pieces = state.iter().flat_map(|(name, tensor)| {
            let values = tensor.values().chunks(1 << 12);
            let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
            once(name.clone().into_bytes()).chain(values.map(bytes))
        });
        let weights = sha256(pieces);
        Self { encoder, model: model.clone(), weights, device: device.clone() }
    }

    /// The features `[B, P, F]` of images of red, green and blue bytes, `[B, 3, side, side]`.
    pub fn features(&self, pixels: &[u8]) -> Tensor<3> {
        encode(&self.encoder, &self.model, pixels, &self.device)
    }
}

/// A set of captioned images, for instance a split.
#[derive(Clone, Copy, Debug)]
pub struct ImageSet<'a> {
    /// The source of the images.
    pub pictures: &'a Pictures,
    /// The images, in this order.
    pub images: &'a [CaptionedImage],
    /// The set's name in the name of its feature file, for instance `train`.
    pub name: &'a str,
    /// Number of decoding threads.
    pub workers: usize,
}

/// A version of the images of a set: 0 is the images as they are, the others are changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version {
    /// Its number.
    pub number: usize,
    /// Whether odd numbers are mirrored.
    pub flip: bool,
    /// Whether all but 0 are cropped.
    pub crop: bool,
}

impl Version {
    /// The change to an image. All runs have the same, whatever their seed, so that they share the features.
    fn change(self, image: usize) -> Option<Augmentation> {
        let Self { number, flip, crop } = self;
        let random = || Augmentation::random(false, crop, mix(number as u64, image as u64));
        (number > 0).then(|| Augmentation { mirror: flip && number % 2 == 1, ..random() })
    }
}

/// The source of an [`ImageSet`]'s features.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// A file with the features of all images.
    File(&'a Features),
    /// An image encoder.
    Encoder(&'a Encoder),
}

impl ImageSet<'_> {
    /// The features `[B, P, F]` of some of the images.
    pub(super) fn features(
        &self,
        range: Range<usize>,
        source: Source<'_>,
        model: &CaptionModelSettings,
        device: &Device,
    ) -> Result<Tensor<3>, TaskError> {
        match source {
            Source::File(features) => features.rows(&range.collect::<Vec<_>>(), device),
            Source::Encoder(encoder) => {
                let mut loader = PictureLoader::new(self.pictures.clone(), model.encoder.config().side, self.workers);
                let as_they_are = self.images[range].iter().map(|image| (image.name.clone(), None)).collect();
                let pixels = loader.load(as_they_are, Vec::new())?;
                Ok(encode(encoder, model, &pixels, device))
            }
        }
    }
}

/// The features of all images of a set, in a file.
#[derive(Debug)]
pub struct Features {
    file: RowFile,
    /// Number of places, and features of each.
    shape: [usize; 2],
}

impl Features {
    /// The features of a version of all images of `set` by `encoder`: read from a file in `folder`, or computed and
    /// written there.
    ///
    /// # Errors
    ///
    /// When an image cannot be read, or the file cannot be written.
    pub(crate) fn open(
        folder: &Path,
        encoder: &FrozenEncoder,
        set: ImageSet<'_>,
        version: Version,
        report: &mut dyn FnMut(Preparation<'_>),
    ) -> Result<Self, TaskError> {
        let ImageSet { pictures, images, name, workers } = set;
        let names = sha256(once(format!("{pictures:?}")).chain(images.iter().map(|image| format!("{}\n", image.name))));
        let (kind, view) = (encoder.model.encoder.encoder, encoder.model.captioner.view());
        let config = encoder.model.encoder.config();
        let view_name = if view == View::Map { "map" } else { "vector" };
        let Version { number, flip, crop } = version;
        let named = |is: bool, name: &'static str| if is { name } else { "" };
        let suffix = match number {
            0 => String::new(),
            _ => format!("{}{}-{number}", named(flip, "-flip"), named(crop, "-crop")),
        };
        let path = folder.join(format!("{name}-{kind}-{view_name}-{}{suffix}.features", &names[..12]));
        let sizes = sha256(images.iter().map(|image| format!("{} {}\n", image.name, pictures.size(&image.name))));
        let shape = config.shape(view);
        let mut head = json!({"encoder": kind, "view": view, "weights": encoder.weights, "images": sizes, "shape": shape});
        if number > 0 {
            head["changes"] = sha256((0..images.len()).map(|image| format!("{:?}\n", version.change(image)))).into();
        }
        let read = || RowFile::open(&path, &head, images.len(), shape[0] * shape[1]);
        let requests = |batch: usize| {
            let first = batch * BATCH;
            let some = images.iter().enumerate().skip(first).take(BATCH);
            some.map(|(number, image)| (image.name.clone(), version.change(number))).collect()
        };
        let (mut writer, pieces) = loop {
            let known = read().unwrap_or_else(|reason| {
                report(Preparation::Message(&format!("{reason}; computing it again")));
                None
            });
            if let Some(file) = known {
                return Ok(Self { file, shape });
            }
            let mut waits = false;
            let opened = RowWriter::open(&path, &head, BATCH * shape[0] * shape[1], || {
                if !waits {
                    let message = format!("{}: another process is computing it; waiting", path.display());
                    report(Preparation::Message(&message));
                    waits = true;
                }
                Ok::<_, TaskError>(check_stop()?)
            })?;
            if let Some(opened) = opened {
                break opened;
            }
        };
        let mut loader = PictureLoader::new(pictures.clone(), config.side, workers);
        for batch in pieces..images.len().div_ceil(BATCH) {
            let pixels = loader.load(requests(batch), requests(batch + 1))?;
            writer.push(&numbers(encoder.features(&pixels))?)?;
            let (done, total) = (images.len().min((batch + 1) * BATCH) as u64, images.len() as u64);
            report(Preparation::Progress { what: "images encoded", done, total });
        }
        writer.finish()?;
        Ok(Self { file: read()?.ok_or("the features file is missing")?, shape })
    }

    /// The features of some images, `[B, P, F]`: of each, those in the version that `of` gives.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn of_versions<'a>(
        rows: &[usize],
        of: impl Fn(usize) -> &'a Self,
        device: &Device,
    ) -> Result<Tensor<3>, TaskError> {
        let Some(&first) = rows.first() else { return Err("no images to read features of".into()) };
        let [places, depth] = of(first).shape;
        let mut values = Vec::with_capacity(rows.len() * places * depth);
        for &row in rows {
            values.extend(of(row).file.rows(&[row])?);
        }
        Ok(Tensor::from_data(TensorData::new(values, [rows.len(), places, depth]), device))
    }

    /// The features of some images, `[B, P, F]`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn rows(&self, rows: &[usize], device: &Device) -> Result<Tensor<3>, TaskError> {
        let [places, depth] = self.shape;
        Ok(Tensor::from_data(TensorData::new(self.file.rows(rows)?, [rows.len(), places, depth]), device))
    }
}

#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests;
