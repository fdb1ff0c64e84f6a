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
                let pixels = loader.load(requests(&self.images[range]), Vec::new())?;
                Ok(encode(encoder, model, &pixels, device))
            }
        }
    }
}

/// A loader's requests for some images as they are.
fn requests(images: &[CaptionedImage]) -> Vec<(String, Option<Augmentation>)> {
    images.iter().map(|image| (image.name.clone(), None)).collect()
}

/// The features of all images of a set, in a file.
#[derive(Debug)]
pub struct Features {
    file: RowFile,
    /// Number of places, and features of each.
    shape: [usize; 2],
}

impl Features {
    /// The features of all images of `set` by `encoder`: read from a file in `folder`, or computed and written there.
    ///
    /// # Errors
    ///
    /// When an image cannot be read, or the file cannot be written.
    pub(crate) fn open(
        folder: &Path,
        encoder: &FrozenEncoder,
        set: ImageSet<'_>,
        report: &mut dyn FnMut(Preparation<'_>),
    ) -> Result<Self, TaskError> {
        let ImageSet { pictures, images, name, workers } = set;
        let names = sha256(once(format!("{pictures:?}")).chain(images.iter().map(|image| format!("{}\n", image.name))));
        let (kind, view) = (encoder.model.encoder.encoder, encoder.model.captioner.view());
        let config = encoder.model.encoder.config();
        let view_name = if view == View::Map { "map" } else { "vector" };
        let path = folder.join(format!("{name}-{kind}-{view_name}-{}.features", &names[..12]));
        let sizes = sha256(images.iter().map(|image| format!("{} {}\n", image.name, pictures.size(&image.name))));
        let shape = config.shape(view);
        let head = json!({"encoder": kind, "view": view, "weights": encoder.weights, "images": sizes, "shape": shape});
        let read = || RowFile::open(&path, &head, images.len(), shape[0] * shape[1]);
        let known = read().unwrap_or_else(|reason| {
            report(Preparation::Message(&format!("{reason}; computing it again")));
            None
        });
        if let Some(file) = known {
            return Ok(Self { file, shape });
        }
        let (mut writer, pieces) = RowWriter::open(&path, &head, BATCH * shape[0] * shape[1])?;
        let mut loader = PictureLoader::new(pictures.clone(), config.side, workers);
        let mut done = (pieces * BATCH) as u64;
        let mut batches = images.chunks(BATCH).skip(pieces).peekable();
        while let Some(batch) = batches.next() {
            let next = batches.peek().map(|images| requests(images)).unwrap_or_default();
            writer.push(&numbers(encoder.features(&loader.load(requests(batch), next)?))?)?;
            done += batch.len() as u64;
            report(Preparation::Progress { what: "images encoded", done, total: images.len() as u64 });
        }
        writer.finish()?;
        Ok(Self { file: read()?.ok_or("the features file is missing")?, shape })
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
