//! What can go wrong with clips.

use std::io;
use std::path::PathBuf;

/// What is wrong with a clip, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FramesError {
    /// A CSV file that is malformed or not UTF-8.
    #[error("{}: not a CSV file", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        source: Box<csv::Error>,
    },
    /// A row with more or fewer fields than the header.
    #[error("{}, line {line}: {found} fields, and the header has {wanted}", path.display())]
    FieldCount {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Fields of the row.
        found: u64,
        /// Fields of the header.
        wanted: u64,
    },
    /// A frame on a line of its own, with more or fewer features than the model reads.
    #[error("{source_name}, line {line}: {found} features, and the model reads {wanted}, with commas between")]
    LiveFeatures {
        /// Where the line is from.
        source_name: String,
        /// The line, from 1.
        line: u64,
        /// Features of the line.
        found: u64,
        /// Features of the model.
        wanted: u64,
    },
    /// A column that is not there.
    #[error("{}: there is no column `{column}`; there are: {known}", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column that was looked for.
        column: String,
        /// Those that there are.
        known: String,
    },
    /// A field that should be a finite number.
    #[error(
        "{}, line {line}: `{value}` in the column `{column}` is not a finite number; a column that is no feature can be \
         left out with `--ignore {column}`",
        path.display()
    )]
    NotANumber {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column.
        column: String,
        /// What stands there.
        value: String,
    },
    /// An array with a number that is not finite.
    #[error("{}: number {index} of the array is {value}, and features must be finite", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Its place in the array, from 0.
        index: usize,
        /// What stands there.
        value: f64,
    },
    /// A file that is not a NumPy array, or is cut off.
    #[error("{}: not a NumPy array (.npy)", path.display())]
    Npy {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// A NumPy array of a type that cannot be read here.
    #[error("{}: the array is of the type {found}; {supported} can be read: convert it with `.astype(...)`", path.display())]
    NpyType {
        /// The file.
        path: PathBuf,
        /// The type, as NumPy writes it.
        found: String,
        /// The types that can be read.
        supported: &'static str,
    },
    /// A NumPy array stored by columns.
    #[error(
        "{}: the array is stored in Fortran order, and C order is wanted: save `numpy.ascontiguousarray(array)`",
        path.display()
    )]
    NpyOrder {
        /// The file.
        path: PathBuf,
    },
    /// A NumPy array of another shape than a clip or its labels have.
    #[error("{}: the array has the shape {shape:?}, and {wanted} is wanted", path.display())]
    NpyShape {
        /// The file.
        path: PathBuf,
        /// Its shape.
        shape: Vec<u64>,
        /// What would do.
        wanted: &'static str,
    },
    /// A NumPy array with more or fewer bytes than its shape says.
    #[error("{}: the array of the shape {shape:?} needs {wanted} bytes of numbers, and there are {found}", path.display())]
    NpySize {
        /// The file.
        path: PathBuf,
        /// Its shape.
        shape: Vec<u64>,
        /// Bytes of numbers for that shape.
        wanted: String,
        /// Bytes of numbers in the file.
        found: usize,
    },
    /// An image that cannot be decoded.
    #[error("{}: not an image that can be read: {what}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What the file is.
        what: String,
        /// What the decoder says, where one knew the format.
        source: Option<Box<image::ImageError>>,
    },
    /// A folder without images, or a table or array without rows.
    #[error("{}: there are no frames: {wanted}", path.display())]
    NoFrames {
        /// The file or folder.
        path: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
    /// Something that is not a clip.
    #[error("{}: not a clip: want a folder of images, a .npy array of features or a .csv table of features", path.display())]
    NotAClip {
        /// The path.
        path: PathBuf,
    },
    /// Labels and frames that do not go together.
    #[error("{}: {labels} labels, and the clip {clip} has {frames} frames; want one for each, or one for the whole clip", path.display())]
    LabelCount {
        /// Where the labels are from.
        path: PathBuf,
        /// The clip.
        clip: String,
        /// Labels there are.
        labels: usize,
        /// Frames there are.
        frames: usize,
    },
    /// A row of a table without a label.
    #[error("{}, line {line}: there is no label in the column `{column}`", path.display())]
    EmptyLabel {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column.
        column: String,
    },
    /// A label that the model does not know.
    #[error(
        "{}, {place}: the label `{label}` is not one of the model's: {known}; if it means one of them, say so with \
         `--alias {label}={suggestion}`",
        path.display()
    )]
    UnknownLabel {
        /// Where the label is from.
        path: PathBuf,
        /// Line or number.
        place: String,
        /// The label.
        label: String,
        /// Those that are known.
        known: String,
        /// The one that is most like it.
        suggestion: String,
    },
    /// A clip without labels where they are needed.
    #[error("{clip}: the clip has no labels; give them with --labels, or in the manifest")]
    NoLabels {
        /// The clip.
        clip: String,
    },
    /// Training clips with all frames of one class.
    #[error("every frame of the {clips} training clips is labelled `{label}`: there is nothing to tell apart")]
    OneClass {
        /// The class.
        label: String,
        /// How many clips there are.
        clips: usize,
    },
    /// Clips whose frames have different numbers of features.
    #[error("{clip}: its frames have {found} features, and those of {first} have {wanted}")]
    Width {
        /// The clip.
        clip: String,
        /// Its features.
        found: usize,
        /// The features of the others.
        wanted: usize,
        /// One of the others.
        first: String,
    },
    /// Images among features, or the other way round.
    #[error("{clip}: its frames are {found}, and {wanted} are wanted, as {first} has")]
    Mixed {
        /// The clip.
        clip: String,
        /// Images or features.
        found: &'static str,
        /// The other.
        wanted: &'static str,
        /// A clip, or the model, that has the other.
        first: String,
    },
    /// Changes of what has no features.
    #[error("{clip}: only features have changes, and its frames are pictures; leave --changes out")]
    ChangesOfPictures {
        /// The clip.
        clip: String,
    },
    /// An alias that is not one.
    #[error("the alias `{text}` is not one: want OTHER=LABEL")]
    BadAlias {
        /// What was given.
        text: String,
    },
    /// A manifest with a mistake in it.
    #[error("{}, line {line}: {reason}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// Labels given for something that they cannot belong to.
    #[error("labels are given with --labels, and {why}")]
    LabelsWithoutClip {
        /// Why they cannot belong to the data.
        why: &'static str,
    },
    /// A source with nothing in it, or an empty part in a list.
    #[error("`{text}` does not name clips: want PATH, PATH,PATH, a manifest or builtin:NAME")]
    NoSource {
        /// What was given.
        text: String,
    },
    /// A built-in set of this name does not exist.
    #[error(
        "there is no built-in set of clips `{name}`; there is: moving-shapes, and moving-shapes/NUMBER for one test clip"
    )]
    NoSuchBuiltin {
        /// The name asked for.
        name: String,
    },
    /// There is no clip for a part that is needed.
    #[error("there is no clip to {purpose}: {remedy}")]
    NoClips {
        /// What the clips are for.
        purpose: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A part of a cross-validation that cannot be.
    #[error(
        "--fold {fold} of --folds {folds} with {clips} clips: want at least as many clips as folds, at least 2 folds, and a fold from 0 to folds - 1"
    )]
    BadFold {
        /// The fold to hold out.
        fold: usize,
        /// How many folds.
        folds: usize,
        /// Clips there are.
        clips: usize,
    },
}
