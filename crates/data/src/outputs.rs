//! What a system wrote, beside its references: to be scored.
//!
//! | form | outputs | references |
//! |---|---|---|
//! | lines | a text on each line | one file or several, with a reference on the same line |
//! | COCO's JSON | results: `[{"image_id": 1, "caption": "..."}]` | annotations: `{"annotations": [{"image_id": 1, "caption": "..."}]}` |

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{DataError, ErrorKind, counted, files, json};

/// References, for the outputs of one system or several.
#[derive(Clone, Debug)]
pub struct References(Form);

#[derive(Clone, Debug)]
enum Form {
    /// The files, and the references of each line.
    Lines(Vec<PathBuf>, Vec<Vec<String>>),
    /// The captions of each image.
    Coco(PathBuf, BTreeMap<ImageId, Vec<String>>),
}

/// The outputs of a system, each with its references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outputs {
    /// The outputs.
    pub hypotheses: Vec<String>,
    /// The references of each: at least one, and none of them empty.
    pub references: Vec<Vec<String>>,
    /// Images that have references and no output.
    pub without_output: usize,
}

/// COCO's images have numbers; those of other sets have names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
enum ImageId {
    Number(u64),
    Name(String),
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[derive(Deserialize)]
struct Annotations {
    annotations: Vec<Caption>,
}

/// An entry of either file; it may have more keys.
#[derive(Deserialize)]
struct Caption {
    image_id: ImageId,
    caption: String,
}

impl References {
    /// Reads references: files of lines, or one file of COCO's annotations, whose name ends in `.json`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, the files differ in their number of lines, a reference is empty, or there is none.
    ///
    /// # Panics
    ///
    /// When no file is given.
    pub fn open(paths: &[PathBuf]) -> Result<Self, DataError> {
        assert!(!paths.is_empty(), "there are files of references");
        match paths {
            [path] if is_json(path) => Ok(Self(annotations(path)?)),
            paths => Ok(Self(lines(paths)?)),
        }
    }

    /// Whether they are COCO's annotations.
    pub fn are_captions(&self) -> bool {
        matches!(self.0, Form::Coco(..))
    }

    /// Reads the outputs of a system, in the form of its references.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, has another number of lines than the references, has two captions for an image or
    /// one for an image without references, or is empty.
    pub fn outputs(&self, path: &Path) -> Result<Outputs, DataError> {
        match &self.0 {
            Form::Lines(files, references) => {
                let text = files::text(path)?;
                let hypotheses: Vec<String> = text.lines().map(str::to_owned).collect();
                same_length((path, hypotheses.len()), (&files[0], references.len()))?;
                Ok(Outputs { hypotheses, references: references.clone(), without_output: 0 })
            }
            Form::Coco(file, references) => {
                let results: Vec<Caption> = json::read(path, RESULTS)?;
                captions(path, results, file, references)
            }
        }
    }
}

/// In words, for errors.
const RESULTS: &str = "COCO's results, `[{\"image_id\": 1, \"caption\": \"...\"}, ...]`";
const ANNOTATIONS: &str = "COCO's annotations, `{\"annotations\": [{\"image_id\": 1, \"caption\": \"...\"}, ...]}`";

fn is_json(path: &Path) -> bool {
    let unpacked =
        if files::has_extension(path, "gz") { Path::new(path.file_stem().unwrap_or_default()) } else { path };
    files::has_extension(unpacked, "json")
}

fn lines(paths: &[PathBuf]) -> Result<Form, DataError> {
    let mut references: Vec<Vec<String>> = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        if is_json(path) {
            let message = "COCO's annotations are one file; give files of lines, or this file alone";
            return Err(ErrorKind::Mismatch.error(message).within(path));
        }
        let text = files::text(path)?;
        let lines: Vec<&str> = text.lines().collect();
        if let Some(empty) = lines.iter().position(|line| line.trim().is_empty()) {
            return Err(ErrorKind::TooLittle.error("this reference is empty").within(path).line(empty as u64 + 1));
        }
        if number == 0 {
            references.resize(lines.len(), Vec::new());
        }
        same_length((path, lines.len()), (&paths[0], references.len()))?;
        references.iter_mut().zip(lines).for_each(|(all, line)| all.push(line.to_owned()));
    }
    if references.is_empty() {
        return Err(ErrorKind::TooLittle.error("the file is empty").within(&paths[0]));
    }
    Ok(Form::Lines(paths.to_vec(), references))
}

/// Checks the numbers of lines of two files.
fn same_length(a: (&Path, usize), b: (&Path, usize)) -> Result<(), DataError> {
    let (longer, shorter) = if a.1 > b.1 { (a, b) } else { (b, a) };
    if longer.1 == shorter.1 {
        return Ok(());
    }
    let message =
        format!("there is no such line in {}, which has {}", shorter.0.display(), counted(shorter.1, "lines"));
    Err(ErrorKind::Mismatch.error(message).within(longer.0).line(shorter.1 as u64 + 1))
}

fn annotations(path: &Path) -> Result<Form, DataError> {
    let read: Annotations = json::read(path, ANNOTATIONS)?;
    let mut references: BTreeMap<ImageId, Vec<String>> = BTreeMap::new();
    for (index, Caption { image_id, caption }) in read.annotations.into_iter().enumerate() {
        if caption.trim().is_empty() {
            let item = format!("annotation {} (image {image_id})", index + 1);
            return Err(ErrorKind::TooLittle.error("this reference is empty").within(path).item(item));
        }
        references.entry(image_id).or_default().push(caption);
    }
    if references.is_empty() {
        return Err(ErrorKind::TooLittle.error("there are no annotations").within(path));
    }
    Ok(Form::Coco(path.to_owned(), references))
}

/// Results beside the captions of their images.
fn captions(
    path: &Path,
    results: Vec<Caption>,
    file: &Path,
    references: &BTreeMap<ImageId, Vec<String>>,
) -> Result<Outputs, DataError> {
    // By image, so that the outputs of several systems are in the same order.
    let mut by_image: BTreeMap<ImageId, String> = BTreeMap::new();
    for (index, Caption { image_id, caption }) in results.into_iter().enumerate() {
        let wrong =
            |message: String| ErrorKind::Mismatch.error(message).within(path).item(format!("result {}", index + 1));
        if !references.contains_key(&image_id) {
            return Err(wrong(format!("image {image_id} has no annotation in {}", file.display())));
        }
        if by_image.contains_key(&image_id) {
            return Err(wrong(format!("image {image_id} has two captions; each image is scored with one")));
        }
        by_image.insert(image_id, caption);
    }
    if by_image.is_empty() {
        return Err(ErrorKind::TooLittle.error("there are no results").within(path));
    }
    let own = by_image.keys().map(|image| references[image].clone()).collect();
    let without_output = references.len() - by_image.len();
    Ok(Outputs { references: own, hypotheses: by_image.into_values().collect(), without_output })
}
