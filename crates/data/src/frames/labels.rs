//! Labels as written, and the classes that they name.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::alias::{Alias, unknown_label};
use crate::{DataError, ErrorKind, counted};

/// The labels of a clip, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Their source.
    origin: PathBuf,
    /// The distinct names, each with its first position.
    names: Vec<(String, String)>,
    /// The name of every frame, or of the whole clip.
    frames: Vec<u32>,
    /// Whether there is one label for the whole clip.
    whole_clip: bool,
}

impl Labels {
    /// An empty list of labels from `origin`, for the whole clip or for every frame.
    pub(super) fn new(origin: &Path, whole_clip: bool) -> Self {
        Self { origin: origin.to_owned(), names: Vec::new(), frames: Vec::new(), whole_clip }
    }

    /// Adds the label of the next frame, or of the whole clip. `place` gives its position.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Label`] for an empty label.
    pub(super) fn push(
        &mut self,
        label: &str,
        aliases: &[Alias],
        place: impl FnOnce() -> String,
    ) -> Result<(), DataError> {
        let label = label.trim();
        if label.is_empty() {
            return Err(ErrorKind::Label.error("there is no label").within(&self.origin).item(place()));
        }
        let label = Alias::resolve(aliases, label);
        let known = self.names.iter().position(|(name, _)| name == label);
        let number = known.unwrap_or_else(|| {
            self.names.push((label.to_owned(), place()));
            self.names.len() - 1
        });
        self.frames.push(number as u32);
        Ok(())
    }

    /// Whether there is one label for the whole clip.
    pub fn whole_clip(&self) -> bool {
        self.whole_clip
    }

    /// The most frequent label.
    pub(super) fn commonest(&self) -> Option<&str> {
        let mut counts = vec![0_usize; self.names.len()];
        self.frames.iter().for_each(|&name| counts[name as usize] += 1);
        let most = counts.iter().max()?;
        let name = counts.iter().position(|count| count == most)?;
        Some(&self.names[name].0)
    }

    /// Checks that a clip of `frames` frames may have these labels.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Mismatch`].
    pub(super) fn check_count(&self, clip: &str, frames: usize) -> Result<(), DataError> {
        let wanted = if self.whole_clip { 1 } else { frames };
        if self.frames.len() == wanted {
            return Ok(());
        }
        let message = format!(
            "{}, and the clip {clip} has {}; want one for each, or one for the whole clip",
            counted(self.frames.len(), "labels"),
            counted(frames, "frames")
        );
        Err(ErrorKind::Mismatch.error(message).within(&self.origin))
    }
}

/// The classes of a model, in alphabetical order unless given in another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classes(Vec<String>);

impl Classes {
    /// Classes in this order.
    pub fn new(names: Vec<String>) -> Self {
        Self(names)
    }

    /// The classes that appear in `labels`.
    pub fn of<'a>(labels: impl IntoIterator<Item = &'a Labels>) -> Self {
        let mut names: Vec<String> =
            labels.into_iter().flat_map(|labels| labels.names.iter().map(|(name, _)| name.clone())).collect();
        names.sort_unstable();
        names.dedup();
        Self(names)
    }

    /// The names of the classes.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Number of classes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The class of each of `frames` frames.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Label`] for the first label that is not a class.
    pub fn number(&self, labels: &Labels, frames: usize) -> Result<Vec<u32>, DataError> {
        let class = |(name, place): &(String, String)| match self.0.iter().position(|class| class == name) {
            Some(class) => Ok(class as u32),
            None => Err(unknown_label(name, &self.0).within(&labels.origin).item(place)),
        };
        let classes = labels.names.iter().map(class).collect::<Result<Vec<u32>, DataError>>()?;
        let numbers = labels.frames.iter().map(|&name| classes[name as usize]);
        Ok(if labels.whole_clip { numbers.cycle().take(frames).collect() } else { numbers.collect() })
    }
}
