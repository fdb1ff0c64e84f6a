//! From a path to the clips that are there.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use super::labels::{Alias, Labels};
use super::{FrameFormat, Frames, FramesError, images, npy, table};
use crate::Error;

/// The shape to which images are brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// Height and width.
    pub size: usize,
}

/// How clips are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipReader {
    /// The column of a CSV file that holds the label of each frame.
    pub label_column: String,
    /// Columns of CSV files that are no features.
    pub ignore: Vec<String>,
    /// Other ways to write labels.
    pub aliases: Vec<Alias>,
    /// The shape to which images are brought.
    pub image: ImageShape,
    /// The columns that are the features, in this order; all that are left when none are given.
    pub columns: Option<Vec<String>>,
    /// A frame is how each feature has changed over so many frames, instead of its value.
    pub changes: Option<NonZeroUsize>,
}

/// A clip as it was read: labels are words, features are not standardised.
#[derive(Clone, Debug, PartialEq)]
pub struct RawClip {
    /// A name for people.
    pub name: String,
    /// The frames.
    pub frames: Frames,
    /// Their labels.
    pub labels: Option<Labels>,
    /// The names of the features, where they have some.
    pub columns: Option<Vec<String>>,
}

impl RawClip {
    /// What its frames are once they are read in the shape `image`.
    pub(super) fn format(&self, image: ImageShape) -> FrameFormat {
        match &self.frames {
            Frames::Features { width, .. } => FrameFormat::Features { width: *width },
            Frames::Images(_) | Frames::Pixels { .. } => {
                FrameFormat::Pixels { channels: image.channels, height: image.size, width: image.size }
            }
        }
    }
}

/// Where the labels of a clip are.
#[derive(Clone, Copy, Debug)]
pub(super) enum LabelSource<'a> {
    /// In the clip itself, and they must be there.
    Clip,
    /// In the clip itself, if at all.
    ClipIfThere,
    /// In a file of their own.
    File(&'a Path),
}

/// Frames `[T, F]` to the changes of their features over `frames`; before the first frame, all was as in it.
fn to_changes(width: usize, frames: usize, values: &mut [f32]) {
    for at in (width..values.len()).rev() {
        let first = at % width;
        values[at] -= values[at.saturating_sub(frames.saturating_mul(width)).max(first)];
    }
    let first = values.len().min(width);
    values[..first].fill(0.0);
}

impl ClipReader {
    /// The clips at `path`: one in a folder of images, in a CSV file or in an array `[T, F]`; `N` in an array
    /// `[N, T, F]`.
    ///
    /// # Errors
    ///
    /// When there is no clip at `path`, it cannot be read, or the labels do not go with it.
    pub(super) fn read(&self, path: &Path, labels: LabelSource<'_>) -> Result<Vec<RawClip>, Error> {
        let kind = fs::metadata(path).map_err(|e| Error::read(path.to_owned(), e))?;
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let in_clip = matches!(labels, LabelSource::Clip);
        let mut clips = if kind.is_dir() {
            vec![RawClip { name, frames: Frames::Images(images::list(path)?), labels: None, columns: None }]
        } else if has_extension(path, "csv") {
            vec![table::read(path, &name, self, in_clip)?]
        } else if has_extension(path, "npy") {
            array(path, &name)?
        } else {
            return Err(FramesError::NotAClip { path: path.to_owned() }.into());
        };
        if let LabelSource::File(file) = labels {
            self.label(&mut clips, file)?;
        }
        if in_clip && let Some(clip) = clips.iter().find(|clip| clip.labels.is_none()) {
            return Err(FramesError::NoLabels { clip: clip.name.clone() }.into());
        }
        if let Some(frames) = self.changes {
            for clip in &mut clips {
                let Frames::Features { width, values } = &mut clip.frames else {
                    return Err(FramesError::ChangesOfPictures { clip: clip.name.clone() }.into());
                };
                to_changes(*width, frames.get(), values);
            }
        }
        Ok(clips)
    }

    /// Gives clips their labels from a file: a `.npy` of whole numbers `[N]` or `[N, T]` for `N` clips, `[T]` for one; the
    /// label column of a `.csv`; the lines of any other file.
    fn label(&self, clips: &mut [RawClip], file: &Path) -> Result<(), Error> {
        let labels = if has_extension(file, "npy") {
            self.label_array(clips, file)?
        } else if has_extension(file, "csv") {
            vec![table::read_labels(file, &self.label_column, &self.aliases)?]
        } else {
            let text = fs::read_to_string(file).map_err(|e| Error::read(file.to_owned(), e))?;
            let mut labels = Labels::new(file, false);
            for (number, line) in text.lines().enumerate() {
                labels.push(line, &self.aliases, || format!("line {}", number + 1));
            }
            vec![labels]
        };
        let wanted = clips.len();
        if labels.len() != wanted {
            let wanted = "a .npy with a label, or a row of labels, for each of the clips";
            return Err(
                FramesError::NpyShape { path: file.to_owned(), shape: vec![labels.len() as u64], wanted }.into()
            );
        }
        for (clip, labels) in clips.iter_mut().zip(labels) {
            labels.check_count(&clip.name, clip.frames.len())?;
            clip.labels = Some(labels);
        }
        Ok(())
    }

    fn label_array(&self, clips: &[RawClip], file: &Path) -> Result<Vec<Labels>, Error> {
        let array = npy::labels(file)?;
        let labels = |whole_clip, values: &[i128], first: usize| {
            let mut labels = Labels::new(file, whole_clip);
            for (index, value) in values.iter().enumerate() {
                labels.push(&value.to_string(), &self.aliases, || format!("number {}", first + index));
            }
            labels
        };
        match *array.shape {
            [time] if clips.len() == 1 => Ok(vec![labels(time == 1, &array.values, 0)]),
            [_] => Ok(array.values.iter().enumerate().map(|(n, value)| labels(true, &[*value], n)).collect()),
            [_, time] if time > 0 => {
                let rows = array.values.chunks_exact(time).enumerate();
                Ok(rows.map(|(n, row)| labels(false, row, n * time)).collect())
            }
            _ => {
                let shape = array.shape.iter().map(|&extent| extent as u64).collect();
                let wanted = "[N] or [N, T] for N clips, or [T] for one";
                Err(FramesError::NpyShape { path: file.to_owned(), shape, wanted }.into())
            }
        }
    }
}

/// The clips of an array.
fn array(path: &Path, name: &str) -> Result<Vec<RawClip>, Error> {
    let array = npy::features(path)?;
    if array.values.is_empty() {
        let wanted = "an array [T, F] or [N, T, F] with no extent of 0";
        return Err(FramesError::NoFrames { path: path.to_owned(), wanted }.into());
    }
    let clip =
        |name, width, values| RawClip { name, frames: Frames::Features { width, values }, labels: None, columns: None };
    match *array.shape {
        [_, width] => Ok(vec![clip(name.to_owned(), width, array.values)]),
        [_, time, width] => {
            let clips = array.values.chunks_exact(time * width).enumerate();
            Ok(clips.map(|(n, values)| clip(format!("{name}/{n}"), width, values.to_vec())).collect())
        }
        _ => {
            let shape = array.shape.iter().map(|&extent| extent as u64).collect();
            Err(FramesError::NpyShape { path: path.to_owned(), shape, wanted: "[T, F] or [N, T, F]" }.into())
        }
    }
}

/// Whether the name of a file ends in `.extension`, in whatever case.
pub(super) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}
