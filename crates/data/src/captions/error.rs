//! What can be wrong with captions.

use std::path::PathBuf;

/// What is wrong, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptionsError {
    /// A folder in which no captions are found.
    #[error(
        "{}: no captions in this folder; want Flickr8k.token.txt, captions.txt, dataset_NAME.json or \
         annotations/captions_train2014.json (or 2017)",
        path.display()
    )]
    NoCaptions {
        /// The folder.
        path: PathBuf,
    },
    /// More than one file of captions in a folder.
    #[error("{}: {count} files dataset_NAME.json; name the one to read", path.display())]
    Ambiguous {
        /// The folder.
        path: PathBuf,
        /// How many there are.
        count: usize,
    },
    /// A file that is none of the formats.
    #[error("{}: not a file of captions: {reason}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        reason: &'static str,
    },
    /// JSON with a mistake in it, or without a key that belongs there.
    #[error("{}: not {wanted}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Whose format it should be.
        wanted: &'static str,
        /// What is wrong, with the name of the key that is missing.
        source: serde_json::Error,
    },
    /// A line that is not what it should be.
    #[error("{}, line {line}: {reason}", path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Pictures that are named and not there.
    #[error(
        "{}: {count} of {all} pictures are not there: {}{}; \
         give their folder with --images, or go on without them with --allow-missing",
        folder.display(), first.join(", "), more(*count, first)
    )]
    MissingImages {
        /// Where they were looked for.
        folder: PathBuf,
        /// How many.
        count: usize,
        /// How many are named.
        all: usize,
        /// The first five.
        first: Vec<String>,
    },
    /// Pictures without a caption.
    #[error(
        "{}: {count} of {all} pictures have no caption: {}{}; go on without them with --allow-missing",
        path.display(), first.join(", "), more(*count, first)
    )]
    NoCaption {
        /// The file of captions.
        path: PathBuf,
        /// How many.
        count: usize,
        /// How many pictures there are.
        all: usize,
        /// The first five.
        first: Vec<String>,
    },
    /// Captions of a picture that is not in the file's list of pictures.
    #[error("{}: a caption is of the picture {id}, which is not in the list `images`", path.display())]
    UnknownImage {
        /// The file.
        path: PathBuf,
        /// The number of the picture.
        id: u64,
    },
    /// Nothing to train on.
    #[error("{name}: no pictures to train on")]
    Empty {
        /// The file or folder.
        name: String,
    },
    /// A generator of this name does not exist.
    #[error("there are no built-in captions `{name}`; there are: shapes")]
    NoSuchBuiltin {
        /// The name asked for.
        name: String,
    },
    /// A share that leaves nothing to train on.
    #[error("validation-share {share}: it must be a number from 0 to below 1")]
    BadShare {
        /// What was given.
        share: f64,
    },
}

fn more(count: usize, first: &[String]) -> &'static str {
    if count > first.len() { ", ..." } else { "" }
}
