//! Opening captions, whatever their format.

use std::path::{Path, PathBuf};

use super::{CaptionsError, Pictures, flickr, json, shapes};
use crate::Error;

/// A picture and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionedImage {
    /// Its path below the folder of the pictures.
    pub name: String,
    /// Its number in COCO, or its place in the file of captions.
    pub id: u64,
    /// Its captions, as they were written: one at least.
    pub captions: Vec<String>,
}

/// Pictures with captions, in parts.
#[derive(Clone, Debug)]
pub struct CaptionSet {
    /// What it was opened from.
    pub name: String,
    /// Where the pictures are.
    pub pictures: Pictures,
    /// To train on.
    pub train: Vec<CaptionedImage>,
    /// To decide which checkpoint is best.
    pub validation: Vec<CaptionedImage>,
    /// For neither.
    pub test: Vec<CaptionedImage>,
    /// What is to be said of them: what was left out, say.
    pub notes: Vec<String>,
}

/// How captions are opened.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptionOptions {
    /// The folder of the pictures, where it is not beside the captions.
    pub images: Option<PathBuf>,
    /// Go on without pictures that are not there or have no caption.
    pub allow_missing: bool,
    /// Share of the pictures, from the end, to validate with where the data has no such part.
    pub validation_share: f64,
}

impl Default for CaptionOptions {
    fn default() -> Self {
        Self { images: None, allow_missing: false, validation_share: 0.1 }
    }
}

/// What a reader of a format gives.
#[derive(Default)]
pub(super) struct Read {
    /// The file of captions.
    pub path: PathBuf,
    /// Where the pictures are, unless told otherwise.
    pub folder: PathBuf,
    pub train: Vec<CaptionedImage>,
    pub validation: Vec<CaptionedImage>,
    pub test: Vec<CaptionedImage>,
}

impl CaptionSet {
    /// Opens `builtin:shapes`, a file of captions, or a folder with one in it.
    ///
    /// # Errors
    ///
    /// When there are no captions, they are of no known format, or pictures or captions are missing.
    pub fn open(data: &str, options: &CaptionOptions) -> Result<Self, Error> {
        if !(0.0..1.0).contains(&options.validation_share) {
            return Err(CaptionsError::BadShare { share: options.validation_share }.into());
        }
        if let Some(name) = data.strip_prefix("builtin:") {
            if name != shapes::NAME {
                return Err(CaptionsError::NoSuchBuiltin { name: name.to_owned() }.into());
            }
            return Ok(shapes::set());
        }
        let path = Path::new(data);
        let read = if path.is_dir() { folder(path)? } else { file(path)? };
        Self::check(data, read, options)
    }

    fn check(data: &str, read: Read, options: &CaptionOptions) -> Result<Self, Error> {
        let Read { path, folder, mut train, mut validation, mut test } = read;
        let folder = options.images.clone().unwrap_or(folder);
        let mut notes = Vec::new();
        let mut parts = [&mut train, &mut validation, &mut test];
        let mut empty = 0;
        for image in parts.iter_mut().flat_map(|part| part.iter_mut()) {
            let before = image.captions.len();
            image.captions.retain(|caption| !caption.trim().is_empty());
            empty += before - image.captions.len();
        }
        if empty > 0 {
            notes.push(format!("{empty} empty captions are left out"));
        }
        let all = parts.iter().map(|part| part.len()).sum();
        let silent = leave_out(&mut parts, |image| !image.captions.is_empty());
        if silent.0 > 0 {
            let (count, first) = silent;
            if !options.allow_missing {
                return Err(CaptionsError::NoCaption { path, count, all, first }.into());
            }
            notes.push(format!("{count} pictures without a caption are left out"));
        }
        let (count, first) = leave_out(&mut parts, |image| folder.join(&image.name).is_file());
        if count > 0 {
            if !options.allow_missing {
                return Err(CaptionsError::MissingImages { folder, count, all, first }.into());
            }
            notes.push(format!("{count} pictures that are not there are left out"));
        }
        if validation.is_empty() {
            let held = (train.len() as f64 * options.validation_share).round() as usize;
            validation = train.split_off(train.len() - held.min(train.len()));
        }
        if train.is_empty() {
            return Err(CaptionsError::Empty { name: data.to_owned() }.into());
        }
        Ok(Self { name: data.to_owned(), pictures: Pictures::Folder(folder), train, validation, test, notes })
    }

    /// All pictures of all parts.
    pub fn into_all(self) -> Vec<CaptionedImage> {
        [self.train, self.validation, self.test].concat()
    }
}

/// Keeps what is as it should be: how many are not, and the first five.
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

/// Captions that lie in a folder.
fn folder(path: &Path) -> Result<Read, Error> {
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
    let entries = std::fs::read_dir(path).map_err(|e| Error::read(path.to_owned(), e))?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("dataset") && name.ends_with(".json")
    });
    match &found[..] {
        [] => Err(CaptionsError::NoCaptions { path: path.to_owned() }.into()),
        [file] => json::karpathy(file),
        many => Err(CaptionsError::Ambiguous { path: path.to_owned(), count: many.len() }.into()),
    }
}

fn file(path: &Path) -> Result<Read, Error> {
    let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if json { json::read(path) } else { flickr::read(path) }
}
