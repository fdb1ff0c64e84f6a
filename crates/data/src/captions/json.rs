//! COCO's captions, and Karpathy's files with splits.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::set::Read;
use super::{CaptionedImage, CaptionsError};
use crate::Error;

/// The keys by which the formats are told apart.
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
pub(super) fn read(path: &Path) -> Result<Read, Error> {
    let keys: Keys = parse(path, "a JSON file of captions")?;
    match (keys.annotations, keys.dataset) {
        (Some(_), _) => coco(path),
        (None, Some(_)) => karpathy(path),
        (None, None) => {
            let reason =
                "there is neither the key `annotations`, as in COCO's captions, nor `dataset`, as in Karpathy's";
            Err(CaptionsError::Unknown { path: path.to_owned(), reason }.into())
        }
    }
}

fn parse<T: DeserializeOwned>(path: &Path, wanted: &'static str) -> Result<T, Error> {
    let text = fs::read(path).map_err(|e| Error::read(path.to_owned(), e))?;
    serde_json::from_slice(&text).map_err(|source| CaptionsError::Json { path: path.to_owned(), wanted, source }.into())
}

/// Reads `annotations/captions_train2017.json`, and `captions_val2017.json` to validate with where it is beside it. The
/// pictures are in `train2017/` and `val2017/` beside `annotations/`.
pub(super) fn coco(path: &Path) -> Result<Read, Error> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut read = Read { path: path.to_owned(), folder: root(path), ..Read::default() };
    read.train = coco_part(path, &name)?;
    let other = name.replace("train", "val");
    let beside = path.with_file_name(&other);
    if other != name && beside.exists() {
        read.validation = coco_part(&beside, &other)?;
    }
    Ok(read)
}

/// The folder of a data set, from the path of its captions.
fn root(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new(""));
    let annotations = folder.file_name().is_some_and(|name| name == "annotations");
    if annotations { folder.parent().unwrap_or(folder) } else { folder }.to_owned()
}

fn coco_part(path: &Path, name: &str) -> Result<Vec<CaptionedImage>, Error> {
    let coco: Coco = parse(path, "COCO's captions")?;
    // captions_train2017.json is about the pictures in train2017/.
    let folder = name.strip_prefix("captions_").and_then(|name| name.strip_suffix(".json"));
    let folder = folder.filter(|folder| root(path).join(folder).is_dir());
    let named = |file: String| folder.map_or_else(|| file.clone(), |folder| format!("{folder}/{file}"));
    let mut places = HashMap::with_capacity(coco.images.len());
    let mut images: Vec<CaptionedImage> = Vec::with_capacity(coco.images.len());
    for CocoImage { id, file_name } in coco.images {
        places.insert(id, images.len());
        images.push(CaptionedImage { name: named(file_name), id, captions: Vec::new() });
    }
    for Annotation { image_id, caption } in coco.annotations {
        let Some(&place) = places.get(&image_id) else {
            return Err(CaptionsError::UnknownImage { path: path.to_owned(), id: image_id }.into());
        };
        images[place].captions.push(caption);
    }
    Ok(images)
}

/// Reads a file with splits. `restval`, which is the rest of COCO's validation part, is trained on.
pub(super) fn karpathy(path: &Path) -> Result<Read, Error> {
    let file: Karpathy = parse(path, "a file of Karpathy's")?;
    let mut read = Read { path: path.to_owned(), folder: root(path), ..Read::default() };
    let images = read.folder.join("images");
    if images.is_dir() {
        read.folder = images;
    }
    for image in file.images {
        let name = match image.filepath {
            Some(folder) => format!("{folder}/{}", image.filename),
            None => image.filename,
        };
        let part = match image.split.as_str() {
            "train" | "restval" => &mut read.train,
            "val" => &mut read.validation,
            "test" => &mut read.test,
            _ => {
                let reason = "a picture's `split` is none of train, restval, val, test";
                return Err(CaptionsError::Unknown { path: path.to_owned(), reason }.into());
            }
        };
        let captions = image.sentences.into_iter().map(|sentence| sentence.raw).collect();
        part.push(CaptionedImage { name, id: image.cocoid.unwrap_or(image.imgid), captions });
    }
    Ok(read)
}
