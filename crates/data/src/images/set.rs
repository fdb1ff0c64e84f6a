//! A data set of images with its splits.

use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Generator, Images, amat, idx};
use crate::{DataError, ErrorKind, builtin, counted, files, pictures};

/// The files of the parts of MNIST.
const MNIST_TRAIN: &str = "train-images-idx3-ubyte";
const MNIST_TEST: &str = "t10k-images-idx3-ubyte";

/// The files of the parts of its fixed binarisation.
const FIXED_TRAIN: &str = "binarized_mnist_train.amat";
const FIXED_VALIDATION: &str = "binarized_mnist_valid.amat";
const FIXED_TEST: &str = "binarized_mnist_test.amat";

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

    /// A warning if `source` is a folder of images whose folders have images too: those are not read.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn skipped_folders(source: &str) -> Result<Option<String>, DataError> {
        let path = Path::new(source);
        if !path.is_dir() || part_of(path).is_some() {
            return Ok(None);
        }
        let note = |folders: String| format!("{source}: the images in its folders are not read: {folders}");
        Ok(pictures::folders(path)?.map(note))
    }
}

/// The images of a source in order, without splitting.
#[derive(Clone, Debug)]
pub struct WholeSource {
    /// The source; of a folder with parts, the part too.
    pub name: String,
    /// The images.
    pub images: Images,
    /// The file of each image, if each has its own.
    files: Vec<PathBuf>,
}

impl WholeSource {
    /// Opens all images of a source: a single image file too. Of a folder with the files of MNIST, or of its fixed
    /// binarisation, these are the images of the test part, or of the training part if that is all there is.
    ///
    /// # Errors
    ///
    /// As [`ImageSet::open`], except that one image is enough.
    pub fn open(source: &str, reader: &ImageReader) -> Result<Self, DataError> {
        reader.validate()?;
        let path = Path::new(source);
        let mut whole = if path.is_file() && image::ImageFormat::from_path(path).is_ok() {
            reader.files(source, vec![path.to_owned()])?
        } else if let Some((file, part)) = part_of(path) {
            let images = reader.grey(source, read(&file)?)?;
            Self { name: format!("{source}, {part} part"), images, files: Vec::new() }
        } else {
            reader.all(source)?
        };
        if whole.images.is_empty() {
            return Err(too_few(source, 0));
        }
        if let Some(size) = reader.size {
            whole.images = whole.images.resized(size);
        }
        Ok(whole)
    }

    /// The name of an image: its file, or the source and the image's number from 0.
    pub fn name_of(&self, image: usize) -> String {
        match self.files.get(image) {
            Some(file) => file.display().to_string(),
            None if self.images.len() == 1 => self.name.clone(),
            None => format!("{}, {image}", self.name),
        }
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
        let file = |name: &str| files::existing(&folder.join(name));
        if let Some(train) = file(MNIST_TRAIN) {
            let (rest, validation) = hold_out(self.grey(source, idx::read(&train)?)?, self.validation_share);
            let test = match file(MNIST_TEST) {
                Some(test) => same_size(idx::read(&test)?, &test, &rest, &train)?,
                None => rest.select(&[]),
            };
            return Ok((rest, validation, test));
        }
        if let Some(train) = file(FIXED_TRAIN) {
            let images = self.grey(source, amat::read(&train)?)?;
            let other = |name| match file(name) {
                Some(path) => same_size(amat::read(&path)?, &path, &images, &train),
                None => Ok(images.select(&[])),
            };
            let (validation, test) = (other(FIXED_VALIDATION)?, other(FIXED_TEST)?);
            return Ok((images, validation, test));
        }
        // Files of a folder are often sorted by kind: a split must not have one kind only.
        let images = self.all(source)?.images;
        let mut order: Vec<usize> = (0..images.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
        let (rest, test) = hold_out(images.select(&order), self.test_share);
        let (train, validation) = hold_out(rest, self.validation_share / (1.0 - self.test_share));
        Ok((train, validation, test))
    }

    /// All images of a source without splits.
    fn all(&self, source: &str) -> Result<WholeSource, DataError> {
        let generators = Generator::NAMES.map(|(generator, name)| (name, generator));
        let path = Path::new(source);
        let images = match builtin::parse(source, "built-in set of images", &generators)? {
            Some(generator) => generator.images(),
            None if path.is_dir() => return self.files(source, pictures::list(path, "images")?),
            None => read(path)?,
        };
        Ok(WholeSource { name: source.to_owned(), images: self.grey(source, images)?, files: Vec::new() })
    }

    /// Decodes image files.
    fn files(&self, source: &str, files: Vec<PathBuf>) -> Result<WholeSource, DataError> {
        let (channels, size) = (if self.colour { 3 } else { 1 }, self.size.unwrap_or(28));
        let mut values = Vec::with_capacity(files.len() * channels * size * size);
        for path in &files {
            values.extend(pictures::pixels(path, channels, size, size)?);
        }
        let images = Images { channels, height: size, width: size, values };
        Ok(WholeSource { name: source.to_owned(), images, files })
    }

    fn grey(&self, source: &str, images: Images) -> Result<Images, DataError> {
        if self.colour {
            return Err(ErrorKind::Setting.error("these images are grey: leave --colour out").within(source));
        }
        Ok(images)
    }
}

/// The file of the test part in a folder with parts, or of the training part if there is no other, and its name.
fn part_of(folder: &Path) -> Option<(PathBuf, &'static str)> {
    let parts = [(MNIST_TEST, "test"), (FIXED_TEST, "test"), (MNIST_TRAIN, "training"), (FIXED_TRAIN, "training")];
    parts.into_iter().find_map(|(name, part)| Some((files::existing(&folder.join(name))?, part)))
}

/// The images of an `.amat` or idx file.
fn read(path: &Path) -> Result<Images, DataError> {
    let name = path.to_str().unwrap_or_default();
    if name.strip_suffix(".gz").unwrap_or(name).ends_with(".amat") { amat::read(path) } else { idx::read(path) }
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
