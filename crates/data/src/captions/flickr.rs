//! Flickr8k: the token file with its split lists, and Kaggle's table.
//!
//! ```text
//! Flickr8k.token.txt   1000268201_693b08cb0e.jpg#0<TAB>A child in a pink dress is climbing up a set of stairs .
//! captions.txt         image,caption
//!                      1000268201_693b08cb0e.jpg,A child in a pink dress is climbing up a set of stairs .
//! ```

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::read::{CaptionedImage, Read};
use crate::table::{Dialect, Table};
use crate::{DataError, ErrorKind, counted, files};

/// Image folders beside the captions: those of Hodosh's archives, and Kaggle's.
const FOLDERS: [&str; 5] =
    ["images", "Images", "Flicker8k_Dataset", "Flickr8k_Dataset", "Flickr8k_Dataset/Flicker8k_Dataset"];

/// The files that list the splits.
const LISTS: [&str; 3] = ["Flickr_8k.trainImages.txt", "Flickr_8k.devImages.txt", "Flickr_8k.testImages.txt"];

/// The columns of Kaggle's table.
const HEADER: [&str; 2] = ["image", "caption"];

/// Reads either format. Without any split list beside it, all images are for training.
pub(super) fn read(path: &Path) -> Result<Read, DataError> {
    let text = files::text(path)?;
    let images = if is_kaggle(path, &text)? { table(path, text)? } else { tokens(path, &text)? };
    let beside = path.parent().unwrap_or(Path::new(""));
    let folder = FOLDERS.iter().map(|name| beside.join(name)).find(|folder| folder.is_dir());
    let folder = folder.unwrap_or_else(|| beside.to_owned());
    let mut read = Read { path: path.to_owned(), folder, ..Read::default() };
    let lists: Vec<Option<PathBuf>> =
        LISTS.iter().map(|name| Some(beside.join(name)).filter(|list| list.exists())).collect();
    if lists.iter().all(Option::is_none) {
        read.parts.train = images;
        return Ok(read);
    }
    let mut by_name: HashMap<String, CaptionedImage> =
        images.into_iter().map(|image| (image.name.clone(), image)).collect();
    let mut taken = HashSet::new();
    for (list, part) in lists.iter().zip([&mut read.parts.train, &mut read.parts.validation, &mut read.parts.test]) {
        let Some(list) = list else { continue };
        for (index, name) in files::text(list)?.lines().enumerate() {
            let name = name.trim();
            if name.is_empty() {
                continue;
            }
            if !taken.insert(name.to_owned()) {
                let reason = format!("{name}: duplicate entry in the split lists");
                return Err(bad_line(list, index as u64 + 1, &reason));
            }
            // An image without captions is reported with the others.
            let nothing = || CaptionedImage { name: name.to_owned(), id: 0, captions: Vec::new() };
            part.push(by_name.remove(name).unwrap_or_else(nothing));
        }
    }
    if !by_name.is_empty() {
        read.notes.push(format!("skipped, in none of the lists of the splits: {}", counted(by_name.len(), "pictures")));
    }
    Ok(read)
}

/// Whether the first line is the header of Kaggle's table.
///
/// # Errors
///
/// For its columns with another separator or with others beside them.
fn is_kaggle(path: &Path, text: &str) -> Result<bool, DataError> {
    let first = text.lines().next().unwrap_or_default().to_lowercase();
    let plain = |name: &str| name.trim().trim_matches('"').to_owned();
    if first.split(',').map(plain).eq(HEADER) {
        return Ok(true);
    }
    if first.split([',', ';', '\t', '|']).take(HEADER.len()).map(plain).eq(HEADER) {
        let reason = format!("the header must be `{}`, with commas between the columns", HEADER.join(","));
        return Err(bad_line(path, 1, &reason));
    }
    Ok(false)
}

fn bad_line(path: &Path, line: u64, reason: &str) -> DataError {
    ErrorKind::Format.error(reason).within(path).line(line)
}

/// Captions by image, in the order of the file.
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

fn tokens(path: &Path, text: &str) -> Result<Vec<CaptionedImage>, DataError> {
    let mut gathered = Gathered::default();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let parts = line.split_once('\t').and_then(|(head, caption)| Some((head.split_once('#')?.0, caption)));
        let Some((name, caption)) = parts else {
            let reason = "want NAME#NUMBER, a tab and a caption, as in Flickr8k.token.txt";
            return Err(bad_line(path, index as u64 + 1, reason));
        };
        gathered.add(name, caption);
    }
    Ok(gathered.images)
}

fn table(path: &Path, text: String) -> Result<Vec<CaptionedImage>, DataError> {
    let mut gathered = Gathered::default();
    // Captions with commas are quoted in some copies of the file and not in others.
    let mut table = Table::new(path, text, Dialect { flexible: true, ..Dialect::CSV })?;
    table.header()?;
    while let Some(row) = table.row()? {
        let mut fields = row.fields.iter();
        let (Some(name), true) = (fields.next(), row.fields.len() > 1) else {
            return Err(bad_line(path, row.line, "want a picture, a comma and a caption"));
        };
        gathered.add(name, &fields.collect::<Vec<_>>().join(","));
    }
    Ok(gathered.images)
}
