//! Flickr8k: the token file with its split lists, and Kaggle's table.
//!
//! ```text
//! Flickr8k.token.txt   1000268201_693b08cb0e.jpg#0<TAB>A child in a pink dress is climbing up a set of stairs .
//! captions.txt         image,caption
//!                      1000268201_693b08cb0e.jpg,A child in a pink dress is climbing up a set of stairs .
//! ```

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::set::Read;
use super::{CaptionedImage, CaptionsError};
use crate::Error;

/// Where pictures lie beside the captions: as in Hodosh's archives, and in Kaggle's.
const FOLDERS: [&str; 5] =
    ["images", "Images", "Flicker8k_Dataset", "Flickr8k_Dataset", "Flickr8k_Dataset/Flicker8k_Dataset"];

/// The lists of the parts.
const LISTS: [&str; 3] = ["Flickr_8k.trainImages.txt", "Flickr_8k.devImages.txt", "Flickr_8k.testImages.txt"];

/// Reads either. Without any list of a part beside it, all pictures are to be trained on.
pub(super) fn read(path: &Path) -> Result<Read, Error> {
    let text = text(path)?;
    let kaggle = text.lines().next().is_some_and(|line| line.trim() == "image,caption");
    let images = if kaggle { table(path, &text)? } else { tokens(path, &text)? };
    let beside = path.parent().unwrap_or(Path::new(""));
    let folder = FOLDERS.iter().map(|name| beside.join(name)).find(|folder| folder.is_dir());
    let folder = folder.unwrap_or_else(|| beside.to_owned());
    let mut read = Read { path: path.to_owned(), folder, ..Read::default() };
    let lists: Vec<Option<PathBuf>> =
        LISTS.iter().map(|name| Some(beside.join(name)).filter(|list| list.exists())).collect();
    if lists.iter().all(Option::is_none) {
        read.train = images;
        return Ok(read);
    }
    let mut by_name: HashMap<String, CaptionedImage> =
        images.into_iter().map(|image| (image.name.clone(), image)).collect();
    let mut taken = HashSet::new();
    for (list, part) in lists.iter().zip([&mut read.train, &mut read.validation, &mut read.test]) {
        let Some(list) = list else { continue };
        for (index, name) in self::text(list)?.lines().enumerate() {
            let name = name.trim();
            if name.is_empty() {
                continue;
            }
            if !taken.insert(name.to_owned()) {
                let reason = format!("{name} stands here or in another list already");
                return Err(CaptionsError::BadLine { path: list.clone(), line: index + 1, reason }.into());
            }
            // A picture without captions is told of with the others.
            let nothing = || CaptionedImage { name: name.to_owned(), id: 0, captions: Vec::new() };
            part.push(by_name.remove(name).unwrap_or_else(nothing));
        }
    }
    Ok(read)
}

fn text(path: &Path) -> Result<String, Error> {
    let bytes = fs::read(path).map_err(|e| Error::read(path.to_owned(), e))?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        let reason = "not valid UTF-8; convert the file".to_owned();
        CaptionsError::BadLine { path: path.to_owned(), line, reason }.into()
    })
}

/// Captions by picture, in the order of the file.
#[derive(Default)]
struct Gathered {
    images: Vec<CaptionedImage>,
    places: HashMap<String, usize>,
}

impl Gathered {
    fn add(&mut self, name: &str, caption: &str) {
        let place = *self.places.entry(name.to_owned()).or_insert_with(|| {
            let id = self.images.len() as u64;
            self.images.push(CaptionedImage { name: name.to_owned(), id, captions: Vec::new() });
            self.images.len() - 1
        });
        self.images[place].captions.push(caption.trim().to_owned());
    }
}

fn tokens(path: &Path, text: &str) -> Result<Vec<CaptionedImage>, Error> {
    let mut gathered = Gathered::default();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let parts = line.split_once('\t').and_then(|(head, caption)| Some((head.split_once('#')?.0, caption)));
        let Some((name, caption)) = parts else {
            let reason = "want NAME#NUMBER, a tab and a caption, as in Flickr8k.token.txt".to_owned();
            return Err(CaptionsError::BadLine { path: path.to_owned(), line: index + 1, reason }.into());
        };
        gathered.add(name, caption);
    }
    Ok(gathered.images)
}

fn table(path: &Path, text: &str) -> Result<Vec<CaptionedImage>, Error> {
    let mut gathered = Gathered::default();
    // Captions with commas are quoted in some copies of the file and bare in others.
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    for record in reader.records() {
        let record = record.map_err(|e| {
            let line = e.position().map_or(0, |position| position.line() as usize);
            CaptionsError::BadLine { path: path.to_owned(), line, reason: e.to_string() }
        })?;
        let line = record.position().map_or(0, |position| position.line() as usize);
        let mut fields = record.iter();
        let (Some(name), true) = (fields.next(), record.len() > 1) else {
            let reason = "want a picture, a comma and a caption".to_owned();
            return Err(CaptionsError::BadLine { path: path.to_owned(), line, reason }.into());
        };
        gathered.add(name, &fields.collect::<Vec<_>>().join(","));
    }
    Ok(gathered.images)
}
