//! What a frozen network has seen, kept on disk.
//!
//! ```text
//! RKFEAT01 | length of the head, u32 | head, JSON | P F numbers of 16 bits for each picture, little-endian
//! ```
//!
//! The head says which network, by a hash of its weights, and which pictures, by a hash of their names and sizes. A file
//! that does not fit, or is cut off, is made anew. It is written beside its name and renamed: a kill leaves no half.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use rekindle_data::captions::{CaptionedImage, PictureLoader, Pictures};
use rekindle_models::captioner::encoder::{Encoder, EncoderConfig, EncoderKind, View};
use rekindle_models::host::numbers;
use rekindle_weights::StateDict;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::TrainError;
use crate::task::Preparation;

const MAGIC: [u8; 8] = *b"RKFEAT01";

/// Pictures that go through the network side by side.
const BATCH: usize = 16;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    encoder: EncoderKind,
    view: View,
    /// SHA-256 of the weights.
    weights: String,
    /// SHA-256 of the names of the pictures and the sizes of their files.
    pictures: String,
    count: usize,
    /// Places and depth.
    shape: [usize; 2],
}

/// A network that is not trained.
#[derive(Debug)]
pub struct FrozenEncoder {
    encoder: Encoder,
    config: EncoderConfig,
    view: View,
    weights: String,
    device: Device,
}

impl FrozenEncoder {
    /// `encoder`, on `device`, which must be without autodiff.
    pub fn new(encoder: Encoder, config: EncoderConfig, view: View, device: Device) -> Self {
        let mut hash = Sha256::new();
        for (name, tensor) in encoder.state_dict() {
            hash.update(name.as_bytes());
            tensor.values().iter().for_each(|value| hash.update(value.to_le_bytes()));
        }
        Self { encoder, config, view, weights: hex(hash), device }
    }

    /// What it sees, `[B, P, F]`, of pictures of red, green and blue bytes, `[B, 3, side, side]`.
    pub fn see(&self, pixels: &[u8]) -> Tensor<3> {
        self.encoder.forward(pictures(pixels, self.config.side, &self.device), self.view)
    }

    /// The network.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }
}

/// Pictures `[B, 3, side, side]` from 0 to 1.
pub(super) fn pictures(pixels: &[u8], side: usize, device: &Device) -> Tensor<4> {
    let values: Vec<f32> = pixels.iter().map(|&value| f32::from(value) / 255.0).collect();
    let count = pixels.len() / (3 * side * side);
    Tensor::from_data(TensorData::new(values, [count, 3, side, side]), device)
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file of what was seen.
#[derive(Debug)]
pub struct Features {
    path: PathBuf,
    file: File,
    /// Where the numbers begin.
    start: u64,
    shape: [usize; 2],
}

/// Pictures to be seen.
#[derive(Clone, Copy, Debug)]
pub struct Album<'a> {
    /// Where they come from.
    pub pictures: &'a Pictures,
    /// Which, in this order.
    pub images: &'a [CaptionedImage],
    /// What they are called together, in the name of the file: `train`, say.
    pub name: &'a str,
    /// Threads that decode them.
    pub workers: usize,
}

impl Features {
    /// What `encoder` sees of all pictures of `album`: read from a file in `folder`, or computed and written there.
    ///
    /// # Errors
    ///
    /// When a picture cannot be read, or the file not written.
    pub fn open(
        folder: &Path,
        encoder: &FrozenEncoder,
        album: Album<'_>,
        report: &mut dyn FnMut(Preparation<'_>),
    ) -> Result<Self, TrainError> {
        let (mut named, mut all) = (Sha256::new(), Sha256::new());
        named.update(format!("{:?}", album.pictures));
        for image in album.images {
            named.update(format!("{}\n", image.name));
            all.update(format!("{} {}\n", image.name, album.pictures.size(&image.name)));
        }
        let kind = encoder.encoder.kind();
        let view = if encoder.view == View::Map { "map" } else { "vector" };
        let path = folder.join(format!("{}-{kind}-{view}-{}.features", album.name, &hex(named)[..12]));
        let head = Head {
            encoder: kind,
            view: encoder.view,
            weights: encoder.weights.clone(),
            pictures: hex(all),
            count: album.images.len(),
            shape: encoder.config.shape(encoder.view),
        };
        match Self::read(&path, &head) {
            Ok(Some(features)) => return Ok(features),
            Ok(None) => {}
            Err(reason) => {
                report(Preparation::Message(&format!("{}: {reason}; computing it anew", path.display())));
            }
        }
        Self::build(&path, &head, encoder, album, report).inspect_err(|_| {
            // What is left of it is of no use, and takes room.
            let _ = fs::remove_file(partial(&path));
        })?;
        match Self::read(&path, &head) {
            Ok(Some(features)) => Ok(features),
            Ok(None) => Err(TrainError::Malformed { path, reason: "it has vanished".to_owned() }),
            Err(reason) => Err(TrainError::Malformed { path, reason }),
        }
    }

    /// Opens a file; none when there is none, and a reason when it is not what is wanted.
    fn read(path: &Path, wanted: &Head) -> Result<Option<Self>, String> {
        let Ok(mut file) = File::open(path) else { return Ok(None) };
        let unreadable = |error: std::io::Error| format!("it cannot be read ({error})");
        let mut fixed = [0; 12];
        file.read_exact(&mut fixed).map_err(|_| "it is cut off".to_owned())?;
        let (magic, length) = fixed.split_at(8);
        if magic != MAGIC {
            return Err("it is no file of features of this version".to_owned());
        }
        let length = u32::from_le_bytes(length.try_into().expect("four bytes are left of twelve"));
        let mut text = Vec::new();
        (&file).take(length.into()).read_to_end(&mut text).map_err(unreadable)?;
        let head: Head = serde_json::from_slice(&text).map_err(|_| "its head is damaged".to_owned())?;
        if head.weights != wanted.weights {
            return Err("it is of other weights".to_owned());
        }
        if head != *wanted {
            return Err("it is of other pictures".to_owned());
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
        album: Album<'_>,
        report: &mut dyn FnMut(Preparation<'_>),
    ) -> Result<(), TrainError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(TrainError::io("make the folder", folder))?;
        }
        let partial = partial(path);
        let failed = || TrainError::io("write", &partial);
        let mut file = BufWriter::new(File::create(&partial).map_err(failed())?);
        let text = serde_json::to_vec(head)
            .map_err(|e| TrainError::Malformed { path: path.to_owned(), reason: e.to_string() })?;
        let mut start = MAGIC.to_vec();
        start.extend((text.len() as u32).to_le_bytes());
        start.extend(text);
        file.write_all(&start).map_err(failed())?;
        let side = encoder.config.side;
        let mut loader = PictureLoader::new(album.pictures.clone(), side, album.workers);
        let names = |images: &[CaptionedImage]| images.iter().map(|image| (image.name.clone(), None)).collect();
        let total = album.images.len() as u64;
        let mut done = 0;
        let mut batches = album.images.chunks(BATCH).peekable();
        while let Some(images) = batches.next() {
            let next = batches.peek().map(|images| names(images)).unwrap_or_default();
            let values = numbers(encoder.see(&loader.load(names(images), next)?))?;
            let bytes: Vec<u8> = values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect();
            file.write_all(&bytes).map_err(failed())?;
            done += images.len() as u64;
            report(Preparation::Progress { what: "pictures seen", done, total });
        }
        let file = file.into_inner().map_err(|error| failed()(error.into_error()))?;
        file.sync_all().map_err(failed())?;
        fs::rename(&partial, path).map_err(TrainError::io("write", path))
    }

    /// What was seen of some pictures, `[B, P, F]`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read any more.
    pub fn rows(&self, rows: &[usize], device: &Device) -> Result<Tensor<3>, TrainError> {
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

/// Bytes of a picture.
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
        let config = EncoderConfig::new(EncoderKind::Small).with_side(16);
        let encoder = config.init_with(&mut ChaCha8Rng::seed_from_u64(seed), &device);
        FrozenEncoder::new(encoder, config, View::Map, device)
    }

    /// What is computed, and what is said.
    fn open(folder: &Path, encoder: &FrozenEncoder, images: &[CaptionedImage]) -> (Features, Vec<String>) {
        let mut said = Vec::new();
        let album = Album { pictures: &Pictures::Shapes, images, name: "train", workers: 2 };
        let features = Features::open(folder, encoder, album, &mut |news| match news {
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
        let [found, wanted] = [features.rows(&[3, 17], &device).unwrap().narrow(0, 1, 1), frozen(1).see(&pixels)];
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
        assert!(open(&path, &frozen(2), &images[1..]).1.len() == 2, "other pictures have another file");
    }
}
