//! Features of images: what an image encoder makes of them. Those of a frozen encoder are kept on
//! disk.
//!
//! ```text
//! RKFEAT01 | length of the head, u32 | head, JSON | P F numbers of 16 bits for each image, little-endian
//! ```
//!
//! The head says which encoder, by a hash of its weights, and which images, by a hash of their
//! names and sizes. A file that does not fit, or is cut off, is made anew. It is written beside its
//! name and renamed: a kill leaves no half.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::iter::once;
use std::ops::Range;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use rekindle_data::captions::{CaptionedImage, PictureLoader, Pictures};
use rekindle_models::captioner::encoder::{Encoder, EncoderKind, View};
use rekindle_models::host::numbers;
use rekindle_weights::StateDict;
use serde::{Deserialize, Serialize};

use super::settings::CaptionModelSettings;
use crate::error::{TaskError, TrainError};
use crate::files::{make_folder, sha256};
use crate::task::Preparation;

const MAGIC: [u8; 8] = *b"RKFEAT01";

/// Images that go through the encoder side by side.
const BATCH: usize = 16;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    encoder: EncoderKind,
    view: View,
    /// SHA-256 of the weights.
    weights: String,
    /// SHA-256 of the names of the images and the sizes of their files.
    pictures: String,
    count: usize,
    /// Places and depth.
    shape: [usize; 2],
}

/// The features `[B, P, F]` of images of red, green and blue bytes, `[B, 3, side, side]`.
pub(super) fn encode(encoder: &Encoder, model: &CaptionModelSettings, pixels: &[u8], device: &Device) -> Tensor<3> {
    let side = model.encoder.config().side;
    let values: Vec<f32> = pixels.iter().map(|&value| f32::from(value) / 255.0).collect();
    let count = pixels.len() / (3 * side * side);
    let images = Tensor::from_data(TensorData::new(values, [count, 3, side, side]), device);
    encoder.forward(images, model.captioner.view())
}

/// An image encoder that is not trained.
#[derive(Debug)]
pub struct FrozenEncoder {
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

/// Images with captions that belong together: a split, say.
#[derive(Clone, Copy, Debug)]
pub struct ImageSet<'a> {
    /// Where they come from.
    pub pictures: &'a Pictures,
    /// Which, in this order.
    pub images: &'a [CaptionedImage],
    /// What they are called together, in the name of a file of features: `train`, say.
    pub name: &'a str,
    /// Threads that decode them.
    pub workers: usize,
}

/// Where the features of an [`ImageSet`] come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// A file of all of them.
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
                let mut pixels = Vec::new();
                for image in &self.images[range] {
                    pixels.extend(self.pictures.pixels(&image.name, model.encoder.config().side, None)?);
                }
                Ok(encode(encoder, model, &pixels, device))
            }
        }
    }
}

/// A file of features.
#[derive(Debug)]
pub struct Features {
    path: PathBuf,
    file: File,
    /// Where the numbers begin.
    start: u64,
    shape: [usize; 2],
}

impl Features {
    /// The features of all images of `set` by `encoder`: read from a file in `folder`, or computed
    /// and written there.
    ///
    /// # Errors
    ///
    /// When an image cannot be read, or the file not written.
    pub fn open(
        folder: &Path,
        encoder: &FrozenEncoder,
        set: ImageSet<'_>,
        report: &mut dyn FnMut(Preparation<'_>),
    ) -> Result<Self, TaskError> {
        let ImageSet { pictures, images, name, .. } = set;
        let names = sha256(once(format!("{pictures:?}")).chain(images.iter().map(|image| format!("{}\n", image.name))));
        let (kind, view) = (encoder.model.encoder.encoder, encoder.model.captioner.view());
        let view_name = if view == View::Map { "map" } else { "vector" };
        let path = folder.join(format!("{name}-{kind}-{view_name}-{}.features", &names[..12]));
        let sizes = images.iter().map(|image| format!("{} {}\n", image.name, pictures.size(&image.name)));
        let head = Head {
            encoder: kind,
            view,
            weights: encoder.weights.clone(),
            pictures: sha256(sizes),
            count: images.len(),
            shape: encoder.model.encoder.config().shape(view),
        };
        match Self::read(&path, &head) {
            Ok(Some(features)) => return Ok(features),
            Ok(None) => {}
            Err(reason) => {
                report(Preparation::Message(&format!("{}: {reason}; computing it anew", path.display())));
            }
        }
        Self::build(&path, &head, encoder, set, report).inspect_err(|_| {
            // What is left of it is of no use, and takes room.
            let _ = fs::remove_file(partial(&path));
        })?;
        let read = Self::read(&path, &head).and_then(|read| read.ok_or("it has vanished".to_owned()));
        Ok(read.map_err(|reason| TrainError::Malformed { path, reason })?)
    }

    /// Opens a file; none when there is none, and a reason when it is not what is wanted.
    fn read(path: &Path, wanted: &Head) -> Result<Option<Self>, String> {
        let Ok(mut file) = File::open(path) else { return Ok(None) };
        let unreadable = |error: std::io::Error| format!("it cannot be read ({error})");
        let (mut magic, mut length) = ([0; 8], [0; 4]);
        let fixed = file.read_exact(&mut magic).and_then(|()| file.read_exact(&mut length));
        fixed.map_err(|_| "it is cut off".to_owned())?;
        if magic != MAGIC {
            return Err("it is no file of features of this version".to_owned());
        }
        let length = u32::from_le_bytes(length);
        let mut text = Vec::new();
        (&file).take(length.into()).read_to_end(&mut text).map_err(unreadable)?;
        let head: Head = serde_json::from_slice(&text).map_err(|_| "its head is damaged".to_owned())?;
        if head.weights != wanted.weights {
            return Err("it is of other weights".to_owned());
        }
        if head != *wanted {
            return Err("it is of other images".to_owned());
        }
        let start = 12 + u64::from(length);
        let size = file.metadata().map_err(unreadable)?.len();
        let whole = start + wanted.count as u64 * bytes(wanted.shape);
        if size != whole {
            return Err(format!("it is cut off: {size} bytes of {whole}"));
        }
        Ok(Some(Self { path: path.to_owned(), file, start, shape: head.shape }))
    }

    fn build(
        path: &Path,
        head: &Head,
        encoder: &FrozenEncoder,
        set: ImageSet<'_>,
        report: &mut dyn FnMut(Preparation<'_>),
    ) -> Result<(), TaskError> {
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let partial = partial(path);
        let failed = || TrainError::io("write", &partial);
        let mut file = BufWriter::new(File::create(&partial).map_err(failed())?);
        let text = serde_json::to_vec(head)?;
        let start = [&MAGIC[..], &(text.len() as u32).to_le_bytes(), &text].concat();
        file.write_all(&start).map_err(failed())?;
        let side = encoder.model.encoder.config().side;
        let mut loader = PictureLoader::new(set.pictures.clone(), side, set.workers);
        let names = |images: &[CaptionedImage]| images.iter().map(|image| (image.name.clone(), None)).collect();
        let total = set.images.len() as u64;
        let mut done = 0;
        let mut batches = set.images.chunks(BATCH).peekable();
        while let Some(images) = batches.next() {
            let next = batches.peek().map(|images| names(images)).unwrap_or_default();
            let values = numbers(encoder.features(&loader.load(names(images), next)?))?;
            let bytes: Vec<u8> = values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect();
            file.write_all(&bytes).map_err(failed())?;
            done += images.len() as u64;
            report(Preparation::Progress { what: "images encoded", done, total });
        }
        let file = file.into_inner().map_err(|error| failed()(error.into_error()))?;
        file.sync_all().map_err(failed())?;
        Ok(fs::rename(&partial, path).map_err(TrainError::io("write", path))?)
    }

    /// The features of some images, `[B, P, F]`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read any more.
    pub fn rows(&self, rows: &[usize], device: &Device) -> Result<Tensor<3>, TaskError> {
        let [places, depth] = self.shape;
        let size = bytes(self.shape);
        let mut file = &self.file;
        let mut values = vec![0.0_f32; rows.len() * places * depth];
        let mut buffer = vec![0; size as usize];
        for (&row, values) in rows.iter().zip(values.chunks_mut(places * depth)) {
            file.seek(SeekFrom::Start(self.start + row as u64 * size))
                .and_then(|_| file.read_exact(&mut buffer))
                .map_err(TrainError::io("read", &self.path))?;
            let bits: Vec<u16> = buffer.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            bits.reinterpret_cast::<f16>().convert_to_f32_slice(values);
        }
        Ok(Tensor::from_data(TensorData::new(values, [rows.len(), places, depth]), device))
    }
}

/// Bytes of an image.
fn bytes([places, depth]: [usize; 2]) -> u64 {
    (places * depth * 2) as u64
}

fn partial(path: &Path) -> PathBuf {
    path.with_extension("partial")
}

#[cfg(all(test, any(feature = "flex", feature = "ndarray")))]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rekindle_data::captions::{CaptionOptions, CaptionSet};

    use super::*;

    fn frozen(seed: u64) -> FrozenEncoder {
        // Whichever backend the tests have.
        let device = Device::default();
        let mut model = CaptionModelSettings::default();
        model.encoder.image_size = 16;
        let encoder = model.encoder.config().init_with(&mut ChaCha8Rng::seed_from_u64(seed), &device);
        FrozenEncoder::new(encoder, &model, &device)
    }

    /// What is computed, and what is said.
    fn open(folder: &Path, encoder: &FrozenEncoder, images: &[CaptionedImage]) -> (Features, Vec<String>) {
        let mut said = Vec::new();
        let set = ImageSet { pictures: &Pictures::Shapes, images, name: "train", workers: 2 };
        let features = Features::open(folder, encoder, set, &mut |news| match news {
            Preparation::Message(text) => said.push(text.to_owned()),
            Preparation::Progress { done, total, .. } => said.push(format!("{done}/{total}")),
        });
        (features.unwrap(), said)
    }

    #[test]
    fn a_file_is_made_once_and_anew_when_it_does_not_fit() {
        let set = CaptionSet::open("builtin:shapes", &CaptionOptions::default()).unwrap();
        let images = &set.train[..20];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er");
        let (features, said) = open(&path, &frozen(1), images);
        assert_eq!(said, ["16/20", "20/20"]);
        let device = Device::default();
        let pixels = set.pictures.pixels(&images[17].name, 16, None).unwrap();
        let [found, wanted] = [features.rows(&[3, 17], &device).unwrap().narrow(0, 1, 1), frozen(1).features(&pixels)];
        // 16 bits have 11 of the number; those here are below 4.
        assert!((found - wanted).abs().max().into_scalar::<f32>() < 4.0 / 2048.0);
        assert!(open(&path, &frozen(1), images).1.is_empty(), "it is there");

        let (_, said) = open(&path, &frozen(2), images);
        assert!(said[0].contains("other weights") && said.len() == 3, "{said:?}");
        let file = fs::read_dir(&path).unwrap().next().unwrap().unwrap().path();
        let whole = fs::read(&file).unwrap();
        for (cut, part) in [(whole.len() - 1, "cut off"), (5, "cut off"), (60, "head is damaged")] {
            fs::write(&file, &whole[..cut]).unwrap();
            let (_, said) = open(&path, &frozen(2), images);
            assert!(said[0].contains(part), "{said:?}");
        }
        fs::write(&file, [b"RKFEAT99", &whole[8..]].concat()).unwrap();
        assert!(open(&path, &frozen(2), images).1[0].contains("version"));
        assert_eq!(fs::read(&file).unwrap(), whole);
        assert!(open(&path, &frozen(2), &images[1..]).1.len() == 2, "other images have another file");
    }
}
