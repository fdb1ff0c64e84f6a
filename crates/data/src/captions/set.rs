//! Opening caption files of any format.

use std::path::{Path, PathBuf};

use super::read::{CaptionedImage, Read};
use super::{Pictures, flickr, json, scenes, shapes};
use crate::files::{entries, has_extension};
use crate::{DataError, ErrorKind, Split, builtin, counted};

/// A data set of captioned images, with its splits.
#[derive(Clone, Debug)]
pub struct CaptionSet {
    /// The source it was opened from.
    pub name: String,
    /// The source of the images.
    pub pictures: Pictures,
    /// The training split.
    pub train: Vec<CaptionedImage>,
    /// The validation split.
    pub validation: Vec<CaptionedImage>,
    /// The test split.
    pub test: Vec<CaptionedImage>,
    /// Notes for the user, for instance on omitted images.
    pub notes: Vec<String>,
}

/// Generates a set.
type Generator = fn() -> (Pictures, Split<Vec<CaptionedImage>>);

/// The built-in sets, with their names after `builtin:`.
const GENERATORS: &[(&str, Generator)] =
    &[(shapes::NAME, || (Pictures::Shapes, shapes::all())), (scenes::NAME, || (Pictures::Scenes, scenes::all()))];

/// Options for opening captions.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptionOptions {
    /// The image folder, if it is not beside the captions.
    pub images: Option<PathBuf>,
    /// Omit images that are missing or have no caption, instead of failing.
    pub allow_missing: bool,
    /// Share of the images, from the end, for validation if the data has no validation split.
    pub validation_share: f64,
}

impl Default for CaptionOptions {
    fn default() -> Self {
        Self { images: None, allow_missing: false, validation_share: 0.1 }
    }
}

impl CaptionSet {
    /// Opens `builtin:shapes` or `builtin:scenes`, a caption file, or a folder with one.
    ///
    /// # Errors
    ///
    /// When there are no captions, their format is unknown, or images or captions are missing.
    pub fn open(data: &str, options: &CaptionOptions) -> Result<Self, DataError> {
        if !(0.0..1.0).contains(&options.validation_share) {
            let message =
                format!("validation-share {}: it must be a number from 0 to below 1", options.validation_share);
            return Err(ErrorKind::Setting.error(message));
        }
        if let Some(generate) = builtin::parse(data, "built-in set of captions", GENERATORS)? {
            let (pictures, Split { train, validation, test }) = generate();
            let name = data.to_owned();
            return Ok(Self { name, pictures, train, validation, test, notes: Vec::new() });
        }
        let path = Path::new(data);
        let read = if path.is_dir() { folder(path)? } else { file(path)? };
        Self::check(data, read, options)
    }

    fn check(data: &str, read: Read, options: &CaptionOptions) -> Result<Self, DataError> {
        let Read { path, folder, parts: Split { mut train, mut validation, mut test }, mut notes } = read;
        let folder = options.images.clone().unwrap_or(folder);
        let mut parts = [&mut train, &mut validation, &mut test];
        let mut empty = 0;
        for image in parts.iter_mut().flat_map(|part| part.iter_mut()) {
            let before = image.captions.len();
            image.captions.retain(|caption| !caption.trim().is_empty());
            empty += before - image.captions.len();
        }
        if empty > 0 {
            notes.push(format!("skipped: {}", counted(empty, "empty captions")));
        }
        let all: usize = parts.iter().map(|part| part.len()).sum();
        let silent = leave_out(&mut parts, |image| !image.captions.is_empty());
        if silent.0 > 0 {
            let (count, first) = silent;
            if !options.allow_missing {
                let message = format!(
                    "no caption for {count} of {}: {}; skip them with --allow-missing",
                    counted(all, "pictures"),
                    listed(count, &first)
                );
                return Err(ErrorKind::TooLittle.error(message).within(path));
            }
            notes.push(format!("skipped, without a caption: {}", counted(count, "pictures")));
        }
        let (count, first) = leave_out(&mut parts, |image| folder.join(&image.name).is_file());
        if count > 0 {
            if !options.allow_missing {
                let message = format!(
                    "missing: {count} of {}: {}; give their folder with --images, or skip them with \
                     --allow-missing",
                    counted(all, "pictures"),
                    listed(count, &first)
                );
                return Err(ErrorKind::NotFound.error(message).within(folder));
            }
            notes.push(format!("skipped, missing: {}", counted(count, "pictures")));
        }
        if validation.is_empty() {
            let held = (train.len() as f64 * options.validation_share).round() as usize;
            validation = train.split_off(train.len() - held.min(train.len()));
        }
        if train.is_empty() {
            return Err(ErrorKind::TooLittle.error("no pictures to train on").within(data));
        }
        Ok(Self { name: data.to_owned(), pictures: Pictures::Folder(folder), train, validation, test, notes })
    }

    /// All images of all splits.
    pub fn into_all(self) -> Vec<CaptionedImage> {
        [self.train, self.validation, self.test].concat()
    }
}

/// Omits invalid images: reports how many, and the first five.
fn leave_out(
    parts: &mut [&mut Vec<CaptionedImage>; 3],
    good: impl Fn(&CaptionedImage) -> bool,
) -> (usize, Vec<String>) {
    let (mut count, mut first) = (0, Vec::new());
    for part in parts {
        part.retain(|image| {
            let good = good(image);
            if !good {
                count += 1;
                if first.len() < 5 {
                    first.push(image.name.clone());
                }
            }
            good
        });
    }
    (count, first)
}

/// Finds the captions in a folder.
fn folder(path: &Path) -> Result<Read, DataError> {
    for name in ["Flickr8k.token.txt", "captions.txt"] {
        let file = path.join(name);
        if file.exists() {
            return flickr::read(&file);
        }
    }
    for year in ["2017", "2014"] {
        let file = path.join(format!("annotations/captions_train{year}.json"));
        if file.exists() {
            return json::coco(&file);
        }
    }
    let mut found = entries(path)?;
    found.retain(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("dataset") && name.ends_with(".json")
    });
    match &found[..] {
        [] => {
            let message = "no captions in this folder; want Flickr8k.token.txt, captions.txt, dataset_NAME.json or \
                           annotations/captions_train2014.json (or 2017)";
            Err(ErrorKind::NotFound.error(message).within(path))
        }
        [file] => json::karpathy(file),
        many => {
            let message = format!("{} files dataset_NAME.json; name the one to read", many.len());
            Err(ErrorKind::Setting.error(message).within(path))
        }
    }
}

fn file(path: &Path) -> Result<Read, DataError> {
    if has_extension(path, "json") { json::read(path) } else { flickr::read(path) }
}

/// The first few of `count` names.
fn listed(count: usize, first: &[String]) -> String {
    first.join(", ") + if count > first.len() { ", ..." } else { "" }
}
