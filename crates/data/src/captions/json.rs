//! COCO's caption files, and Karpathy's files with splits.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::read::{CaptionedImage, Read};
use crate::{DataError, ErrorKind, json};

/// The keys that identify each format.
#[derive(Deserialize)]
struct Keys {
    annotations: Option<IgnoredAny>,
    dataset: Option<IgnoredAny>,
}

/// `captions_train2017.json` and the like.
#[derive(Deserialize)]
struct Coco {
    images: Vec<CocoImage>,
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct CocoImage {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    caption: String,
}

/// `dataset_coco.json`, `dataset_flickr8k.json`: Karpathy and Fei-Fei 2015 (arXiv 1412.2306).
#[derive(Deserialize)]
struct Karpathy {
    images: Vec<KarpathyImage>,
}

#[derive(Deserialize)]
struct KarpathyImage {
    filename: String,
    filepath: Option<String>,
    cocoid: Option<u64>,
    imgid: u64,
    split: String,
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Sentence {
    raw: String,
}

/// Reads a file of either format.
pub(super) fn read(path: &Path) -> Result<Read, DataError> {
    let keys: Keys = json::read(path, "a JSON file of captions")?;
    match (keys.annotations, keys.dataset) {
        (Some(_), _) => coco(path),
        (None, Some(_)) => karpathy(path),
        (None, None) => {
            let reason =
                "there is neither the key `annotations`, as in COCO's captions, nor `dataset`, as in Karpathy's";
            Err(unknown(path, reason))
        }
    }
}

/// Reads `annotations/captions_train2017.json`, and `captions_val2017.json` beside it, if any, for validation. The
/// images are in `train2017/` and `val2017/` beside `annotations/`.
pub(super) fn coco(path: &Path) -> Result<Read, DataError> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut read = Read { path: path.to_owned(), folder: root(path), ..Read::default() };
    read.parts.train = coco_part(path, &name)?;
    let other = name.replace("train", "val");
    let beside = path.with_file_name(&other);
    if other != name && beside.exists() {
        read.parts.validation = coco_part(&beside, &other)?;
    }
    Ok(read)
}

/// The folder of the data set, from the path of its captions.
fn root(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new(""));
    let annotations = folder.file_name().is_some_and(|name| name == "annotations");
    if annotations { folder.parent().unwrap_or(folder) } else { folder }.to_owned()
}

fn coco_part(path: &Path, name: &str) -> Result<Vec<CaptionedImage>, DataError> {
    let coco: Coco = json::read(path, "COCO's captions")?;
    // captions_train2017.json describes the images in train2017/.
    let folder = name.strip_prefix("captions_").and_then(|name| name.strip_suffix(".json"));
    let folder = folder.filter(|folder| root(path).join(folder).is_dir());
    let named = |file: String| folder.map_or_else(|| file.clone(), |folder| format!("{folder}/{file}"));
    let mut places = HashMap::with_capacity(coco.images.len());
    let mut names = HashSet::with_capacity(coco.images.len());
    let mut images: Vec<CaptionedImage> = Vec::with_capacity(coco.images.len());
    for CocoImage { id, file_name } in coco.images {
        if places.insert(id, images.len()).is_some() {
            let message = format!("the picture {id} is in the list `images` twice");
            return Err(ErrorKind::Format.error(message).within(path));
        }
        if !names.insert(file_name.clone()) {
            let message = format!("the picture {file_name} is in the list `images` twice");
            return Err(ErrorKind::Format.error(message).within(path));
        }
        images.push(CaptionedImage { name: named(file_name), id, captions: Vec::new() });
    }
    for Annotation { image_id, caption } in coco.annotations {
        let Some(&place) = places.get(&image_id) else {
            let message = format!("a caption is of the picture {image_id}, which is not in the list `images`");
            return Err(ErrorKind::Mismatch.error(message).within(path));
        };
        images[place].captions.push(caption);
    }
    Ok(images)
}

/// Reads a file with splits. `restval`, the rest of COCO's validation split, is for training.
pub(super) fn karpathy(path: &Path) -> Result<Read, DataError> {
    let file: Karpathy = json::read(path, "a file of Karpathy's")?;
    let mut read = Read { path: path.to_owned(), folder: root(path), ..Read::default() };
    let images = read.folder.join("images");
    if images.is_dir() {
        read.folder = images;
    }
    let mut names = HashSet::with_capacity(file.images.len());
    for image in file.images {
        let name = match image.filepath {
            Some(folder) => format!("{folder}/{}", image.filename),
            None => image.filename,
        };
        if !names.insert(name.clone()) {
            let message = format!("the picture {name} is in the list `images` twice");
            return Err(ErrorKind::Format.error(message).within(path));
        }
        let part = match image.split.as_str() {
            "train" | "restval" => &mut read.parts.train,
            "val" => &mut read.parts.validation,
            "test" => &mut read.parts.test,
            _ => {
                let reason = "a picture's `split` must be train, restval, val or test";
                return Err(unknown(path, reason));
            }
        };
        let captions = image.sentences.into_iter().map(|sentence| sentence.raw).collect();
        part.push(CaptionedImage { name, id: image.cocoid.unwrap_or(image.imgid), captions });
    }
    Ok(read)
}

fn unknown(path: &Path, reason: &str) -> DataError {
    ErrorKind::Format.error(format!("not a file of captions: {reason}")).within(path)
}
