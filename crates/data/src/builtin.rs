//! Built-in data sets, `builtin:NAME`, for training a first model of every kind without a file.

use serde::Serialize;

use crate::captions::{scenes, shapes};
use crate::frames::{MovingShapes, OccludedShapes};
use crate::images::Generator;
use crate::labelled::Reviews;
use crate::parallel::PairSource;
use crate::{DataError, ErrorKind};

/// The prefix of a built-in data set's name.
pub const PREFIX: &str = "builtin:";

/// A text included in the program.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinText {
    /// The name: `source` for `builtin:source`.
    pub name: &'static str,
    /// A one-line description.
    pub description: &'static str,
    /// The text, UTF-8.
    pub text: &'static str,
}

/// Every built-in text.
pub const TEXTS: &[BuiltinText] = &[BuiltinText {
    name: "source",
    description: "the Rust source code that this program was built from",
    text: include_str!(concat!(env!("OUT_DIR"), "/source.txt")),
}];

/// A built-in data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BuiltinSet {
    /// The name, with its prefix: `builtin:source`.
    pub name: String,
    /// The task that uses it, such as `chars`.
    pub task: &'static str,
    /// A one-line description.
    pub description: &'static str,
}

/// The generated sets: task, name and description.
const GENERATED: [(&str, &str, &str); 8] = [
    ("caption", shapes::NAME, "images of one or two coloured shapes, and where they are"),
    ("caption", scenes::NAME, "images of three to five groups of shapes, with counts and relations"),
    ("draw", Generator::NAMES[0].1, "images of pen strokes"),
    ("draw", Generator::NAMES[1].1, "images of outlines of circles, squares and triangles"),
    ("frames", MovingShapes::NAME, "clips of a shape that moves and speeds up, with its movement"),
    ("frames", OccludedShapes::NAME, "clips of shapes that pass behind a bar, with the form that went in last"),
    ("sentiment", Reviews::NAME, "reviews of a few words, good or bad"),
    ("translate", PairSource::NAME, "dates in words and in digits"),
];

/// Every built-in set, by task.
pub fn sets() -> Vec<BuiltinSet> {
    let set = |(task, name, description)| BuiltinSet { name: format!("{PREFIX}{name}"), task, description };
    let texts = TEXTS.iter().map(|text| ("chars", text.name, text.description));
    let mut sets: Vec<_> = texts.chain(GENERATED).map(set).collect();
    // Stable: within a task, in the order above.
    sets.sort_by_key(|set| set.task);
    sets
}

/// The built-in text `name`.
///
/// # Errors
///
/// [`ErrorKind::Setting`], with the existing names.
pub fn text(name: &str) -> Result<&'static str, DataError> {
    let texts: Vec<(&str, &'static str)> = TEXTS.iter().map(|text| (text.name, text.text)).collect();
    find(name, "built-in text", &texts)
}

/// The one of `sets` that `builtin:NAME` names; none for a text without the prefix. `what` names the kind of sets.
///
/// # Errors
///
/// [`ErrorKind::Setting`] for an unknown name, with the existing ones.
pub(crate) fn parse<T: Copy>(text: &str, what: &str, sets: &[(&str, T)]) -> Result<Option<T>, DataError> {
    text.strip_prefix(PREFIX).map(|name| find(name, what, sets)).transpose()
}

fn find<T: Copy>(name: &str, what: &str, sets: &[(&str, T)]) -> Result<T, DataError> {
    sets.iter().find(|(known, _)| *known == name).map(|(_, set)| *set).ok_or_else(|| {
        let known: Vec<&str> = sets.iter().map(|(known, _)| *known).collect();
        ErrorKind::Setting.error(format!("there is no {what} `{name}`; there is: {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests;
