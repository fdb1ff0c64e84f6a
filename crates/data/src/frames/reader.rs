//! Reading the clips at a path.

use std::fs;
use std::path::Path;

use super::labels::Labels;
use super::raw::{ClipReader, RawClip};
use super::{Frames, npy, table};
use crate::files::has_extension;
use crate::{DataError, ErrorKind, files, pictures};

/// The source of a clip's labels.
#[derive(Clone, Copy, Debug)]
pub(super) enum LabelSource<'a> {
    /// The clip itself, which must have them.
    Clip,
    /// The clip itself, if it has any.
    ClipIfThere,
    /// A separate file.
    File(&'a Path),
}

/// Replaces frames `[T, F]` by the changes of features over `frames`; the first frame is repeated before the start.
fn to_changes(width: usize, frames: usize, values: &mut [f32]) {
    for at in (width..values.len()).rev() {
        let first = at % width;
        values[at] -= values[at.saturating_sub(frames.saturating_mul(width)).max(first)];
    }
    let first = values.len().min(width);
    values[..first].fill(0.0);
}

impl ClipReader {
    /// The clips at `path`: one for a folder of images, an animated GIF, a CSV file or an array `[T, F]`; `N` for an
    /// array `[N, T, F]`.
    ///
    /// # Errors
    ///
    /// When there is no clip at `path`, it cannot be read, or the labels do not match it.
    pub(super) fn read(&self, path: &Path, labels: LabelSource<'_>) -> Result<Vec<RawClip>, DataError> {
        let kind = fs::metadata(path).map_err(|e| DataError::read(path, e))?;
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let in_clip = matches!(labels, LabelSource::Clip);
        let mut clips = if kind.is_dir() {
            vec![clip(path, name, Frames::Images(pictures::list(path, "frames")?))]
        } else if has_extension(path, "csv") {
            vec![table::read(path, &name, self, in_clip)?]
        } else if has_extension(path, "npy") {
            array(path, &name)?
        } else if has_extension(path, "gif") {
            let super::raw::ImageShape { channels, size } = self.image;
            let values = pictures::animation(path, channels, size, size)?;
            let frames = Frames::Pixels { size: channels * size * size, values };
            vec![clip(path, name, frames)]
        } else {
            let message = "not a clip: want a folder of images, an animated .gif, a .npy array of features or a .csv \
                 table of features";
            return Err(ErrorKind::Format.error(message).within(path));
        };
        if let LabelSource::File(file) = labels {
            self.label(&mut clips, file)?;
        }
        if in_clip && let Some(clip) = clips.iter().find(|clip| clip.labels.is_none()) {
            return Err(no_labels(&clip.name));
        }
        if let Some(frames) = self.changes {
            for clip in &mut clips {
                let Frames::Features { width, values } = &mut clip.frames else {
                    return Err(changes_of_pictures(&clip.name));
                };
                to_changes(*width, frames.get(), values);
            }
        }
        Ok(clips)
    }

    /// A reader that finds the feature columns of the first table among `paths` in all tables, by name, if there are
    /// several; a reader with columns keeps its own.
    ///
    /// # Errors
    ///
    /// When the first table cannot be read, or a column to ignore is missing there.
    pub(super) fn with_columns_of<'a>(&self, paths: impl Iterator<Item = &'a Path>) -> Result<Self, DataError> {
        let mut reader = self.clone();
        let mut tables = paths.filter(|path| has_extension(path, "csv") && !path.is_dir());
        if reader.columns.is_none()
            && let (Some(first), Some(_)) = (tables.next(), tables.next())
        {
            reader.columns = Some(table::columns(first, self)?);
        }
        Ok(reader)
    }

    /// Sets the labels of clips from a file: a `.npy` of integers `[N]` or `[N, T]` for `N` clips, `[T]` for one; the
    /// label column of a `.csv`; the lines of any other file.
    fn label(&self, clips: &mut [RawClip], file: &Path) -> Result<(), DataError> {
        let labels = if has_extension(file, "npy") {
            self.label_array(clips, file)?
        } else if has_extension(file, "csv") {
            vec![table::read_labels(file, &self.label_column, &self.aliases)?]
        } else {
            let text = files::text(file)?;
            let mut labels = Labels::new(file, false);
            for (number, line) in text.lines().enumerate() {
                labels.push(line, &self.aliases, || format!("line {}", number + 1))?;
            }
            vec![labels]
        };
        let wanted = clips.len();
        if labels.len() != wanted {
            let wanted = "a .npy with a label, or a row of labels, for each of the clips";
            return Err(npy::wrong_shape(file, &[labels.len()], wanted));
        }
        for (clip, labels) in clips.iter_mut().zip(labels) {
            labels.check_count(&clip.name, clip.frames.len())?;
            clip.labels = Some(labels);
        }
        Ok(())
    }

    fn label_array(&self, clips: &[RawClip], file: &Path) -> Result<Vec<Labels>, DataError> {
        let array = npy::labels(file)?;
        let labels = |whole_clip, values: &[i128], first: usize| {
            let mut labels = Labels::new(file, whole_clip);
            for (index, value) in values.iter().enumerate() {
                labels.push(&value.to_string(), &self.aliases, || format!("number {}", first + index))?;
            }
            Ok::<_, DataError>(labels)
        };
        match *array.shape {
            [time] if clips.len() == 1 => Ok(vec![labels(time == 1, &array.values, 0)?]),
            [_] => array.values.iter().enumerate().map(|(n, value)| labels(true, &[*value], n)).collect(),
            [_, time] if time > 0 => {
                let rows = array.values.chunks_exact(time).enumerate();
                rows.map(|(n, row)| labels(false, row, n * time)).collect()
            }
            _ => {
                let wanted = "[N] or [N, T] for N clips, or [T] for one";
                Err(npy::wrong_shape(file, &array.shape, wanted))
            }
        }
    }
}

/// A clip without labels.
fn clip(path: &Path, name: String, frames: Frames) -> RawClip {
    RawClip { name, path: path.to_owned(), frames, labels: None, columns: None }
}

/// The clips of an array.
fn array(path: &Path, name: &str) -> Result<Vec<RawClip>, DataError> {
    let array = npy::features(path)?;
    if array.values.is_empty() {
        let message = "there are no frames: an array [T, F] or [N, T, F] with no extent of 0";
        return Err(ErrorKind::TooLittle.error(message).within(path));
    }
    let features = |name, width, values| clip(path, name, Frames::Features { width, values });
    match *array.shape {
        [_, width] => Ok(vec![features(name.to_owned(), width, array.values)]),
        [_, time, width] => {
            let clips = array.values.chunks_exact(time * width).enumerate();
            Ok(clips.map(|(n, values)| features(format!("{name}/{n}"), width, values.to_vec())).collect())
        }
        _ => Err(npy::wrong_shape(path, &array.shape, "[T, F] or [N, T, F]")),
    }
}

/// The error for a clip without required labels.
pub(super) fn no_labels(clip: &str) -> DataError {
    ErrorKind::Label.error("the clip has no labels; give them with --labels, or in the manifest").within(clip)
}

/// The error for changes requested of a clip without features.
pub(super) fn changes_of_pictures(clip: &str) -> DataError {
    let message = "--changes: only for feature clips; this clip has images";
    ErrorKind::Setting.error(message).within(clip)
}

/// Whether the name of a file is that of a single image, and not of a clip.
pub fn is_image(path: &Path) -> bool {
    image::ImageFormat::from_path(path).is_ok_and(|format| format != image::ImageFormat::Gif)
}
