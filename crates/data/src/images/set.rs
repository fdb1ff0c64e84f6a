//! A data set of images with its splits.

use std::path::Path;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Generator, Images, amat, idx};
use crate::{DataError, ErrorKind, builtin, counted, files, pictures};

/// Settings for reading and splitting images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageReader {
    /// Height and width in pixels; by default images of an idx file keep theirs, and those of a folder become 28.
    pub size: Option<usize>,
    /// Red, green and blue instead of grey.
    pub colour: bool,
    /// Share of the images for validation.
    pub validation_share: f64,
    /// Share of the images for testing, if the data has no test split.
    pub test_share: f64,
}

impl Default for ImageReader {
    fn default() -> Self {
        Self { size: None, colour: false, validation_share: 0.05, test_share: 0.05 }
    }
}

/// A data set of images, with its splits.
#[derive(Clone, Debug)]
pub struct ImageSet {
    /// The source.
    pub name: String,
    /// The training split.
    pub train: Images,
    /// The validation split.
    pub validation: Images,
    /// The test split.
    pub test: Images,
}

impl ImageSet {
    /// Opens `builtin:strokes` or `builtin:shapes`; an idx file, or a folder with those of MNIST, gzipped or not; an
    /// `.amat` file of a fixed binarisation, or a folder with the three; or any folder of images.
    ///
    /// # Errors
    ///
    /// When the source does not exist, a file is damaged, or there are fewer than two images.
    pub fn open(source: &str, reader: &ImageReader) -> Result<Self, DataError> {
        reader.validate()?;
        let (train, validation, test) = reader.parts(source)?;
        let set = |images: Images| match reader.size {
            Some(size) => images.resized(size),
            None => images,
        };
        let (train, validation, test) = (set(train), set(validation), set(test));
        if train.len() < 2 {
            return Err(too_few(source, train.len() + validation.len() + test.len()));
        }
        Ok(Self { name: source.to_owned(), train, validation, test })
    }

    /// Opens all images of a source in order, without splitting: a single image file too.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), except that one image is enough.
    pub fn whole(source: &str, reader: &ImageReader) -> Result<Images, DataError> {
        reader.validate()?;
        let path = Path::new(source);
        let images = if path.is_file() && image::ImageFormat::from_path(path).is_ok() {
            reader.decode(&[path.to_owned()])?
        } else {
            reader.all(source)?
        };
        if images.is_empty() {
            return Err(too_few(source, 0));
        }
        Ok(match reader.size {
            Some(size) => images.resized(size),
            None => images,
        })
    }
}

impl ImageReader {
    fn validate(&self) -> Result<(), DataError> {
        let Self { validation_share: validation, test_share: test, .. } = *self;
        let share = |share: f64| (0.0..1.0).contains(&share);
        if !(share(validation) && share(test) && share(validation + test)) {
            let message = format!(
                "validation-share {validation} and test-share {test}: each must be from 0 to below 1, and so must their sum"
            );
            return Err(ErrorKind::Setting.error(message));
        }
        match self.size {
            Some(size) if !(2..=1024).contains(&size) => {
                Err(ErrorKind::Setting.error(format!("--image-size {size}: it must be from 2 to 1024")))
            }
            _ => Ok(()),
        }
    }

    fn parts(&self, source: &str) -> Result<(Images, Images, Images), DataError> {
        let folder = Path::new(source);
        let mnist = |name: &str| files::existing(&folder.join(name));
        if let Some(train) = mnist("train-images-idx3-ubyte") {
            let (rest, validation) = hold_out(self.grey(source, idx::read(&train)?)?, self.validation_share);
            let test = match mnist("t10k-images-idx3-ubyte") {
                Some(test) => same_size(idx::read(&test)?, &test, &rest, &train)?,
                None => rest.select(&[]),
            };
            return Ok((rest, validation, test));
        }
        let fixed = |part: &str| files::existing(&folder.join(format!("binarized_mnist_{part}.amat")));
        if let Some(train) = fixed("train") {
            let images = self.grey(source, amat::read(&train)?)?;
            let other = |part| match fixed(part) {
                Some(path) => same_size(amat::read(&path)?, &path, &images, &train),
                None => Ok(images.select(&[])),
            };
            let (validation, test) = (other("valid")?, other("test")?);
            return Ok((images, validation, test));
        }
        // Files of a folder are often sorted by kind: a split must not have one kind only.
        let images = self.all(source)?;
        let mut order: Vec<usize> = (0..images.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
        let (rest, test) = hold_out(images.select(&order), self.test_share);
        let (train, validation) = hold_out(rest, self.validation_share / (1.0 - self.test_share));
        Ok((train, validation, test))
    }

    /// All images of a source without splits.
    fn all(&self, source: &str) -> Result<Images, DataError> {
        let generators = Generator::NAMES.map(|(generator, name)| (name, generator));
        if let Some(generator) = builtin::parse(source, "built-in set of images", &generators)? {
            return self.grey(source, generator.images());
        }
        let path = Path::new(source);
        if path.is_dir() {
            return self.decode(&pictures::list(path)?);
        }
        let name = source.strip_suffix(".gz").unwrap_or(source);
        let images = if name.ends_with(".amat") { amat::read(path)? } else { idx::read(path)? };
        self.grey(source, images)
    }

    fn decode(&self, paths: &[std::path::PathBuf]) -> Result<Images, DataError> {
        let (channels, size) = (if self.colour { 3 } else { 1 }, self.size.unwrap_or(28));
        let mut values = Vec::with_capacity(paths.len() * channels * size * size);
        for path in paths {
            values.extend(pictures::pixels(path, channels, size, size)?);
        }
        Ok(Images { channels, height: size, width: size, values })
    }

    fn grey(&self, source: &str, images: Images) -> Result<Images, DataError> {
        if self.colour {
            return Err(ErrorKind::Setting.error("these images are grey: leave --colour out").within(source));
        }
        Ok(images)
    }
}

/// Splits off the last `share` of the images.
fn hold_out(images: Images, share: f64) -> (Images, Images) {
    let held = (images.len() as f64 * share).round() as usize;
    let all: Vec<usize> = (0..images.len()).collect();
    let (kept, held) = all.split_at(images.len() - held);
    (images.select(kept), images.select(held))
}

fn same_size(images: Images, path: &Path, first: &Images, first_path: &Path) -> Result<Images, DataError> {
    if (images.height, images.width) == (first.height, first.width) {
        return Ok(images);
    }
    let message = format!(
        "images of {} by {}, and {} has {} by {}",
        images.height,
        images.width,
        first_path.display(),
        first.height,
        first.width
    );
    Err(ErrorKind::Mismatch.error(message).within(path))
}

fn too_few(name: &str, count: usize) -> DataError {
    ErrorKind::TooLittle.error(format!("{}, and a model needs two or more", counted(count, "images"))).within(name)
}
