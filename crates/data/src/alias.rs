//! Alternative spellings of labels.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::shortened::shortened;
use crate::{DataError, ErrorKind};

/// An alternative spelling of a label: `Preparação=Preparation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Alias {
    /// The alternative spelling.
    pub other: String,
    /// The label.
    pub label: String,
}

impl Alias {
    /// Replaces `label` if it is an alternative spelling in `aliases`.
    pub(crate) fn resolve<'a>(aliases: &'a [Self], label: &'a str) -> &'a str {
        aliases.iter().find(|alias| alias.other == label).map_or(label, |alias| &alias.label)
    }
}

impl FromStr for Alias {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        match text.split_once('=') {
            Some((other, label)) if !other.trim().is_empty() && !label.trim().is_empty() => {
                Ok(Self { other: other.trim().to_owned(), label: label.trim().to_owned() })
            }
            _ => Err(ErrorKind::Setting.error(format!("the alias `{text}` is not one: want OTHER=LABEL"))),
        }
    }
}

impl TryFrom<String> for Alias {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<Alias> for String {
    fn from(alias: Alias) -> String {
        alias.to_string()
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.other, self.label)
    }
}

/// Classes that a message lists.
const LISTED: usize = 10;

/// The error for a label that is not in `classes`.
pub(crate) fn unknown_label(label: &str, classes: &[String]) -> DataError {
    let mut listed: Vec<Cow<'_, str>> = classes.iter().take(LISTED).map(|class| shortened(class)).collect();
    if classes.len() > LISTED {
        listed.push(format!("and {} more", classes.len() - LISTED).into());
    }
    let alias = match shortened(label) {
        Cow::Borrowed(label) => {
            let distance = |class: &&String| edit_distance(class, label);
            let nearest = classes.iter().min_by_key(distance).map_or("LABEL", String::as_str);
            format!("{label}={}", shortened(nearest))
        }
        // A whole text, which nobody types.
        Cow::Owned(_) => "OTHER=LABEL".to_owned(),
    };
    let message = format!(
        "the label `{}` is not one of the model's: {}; if it means one of them, say so with `--alias {alias}`",
        shortened(label),
        listed.join(", ")
    );
    ErrorKind::Label.error(message)
}

/// The Levenshtein distance: the fewest insertions, deletions and replacements of characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::unknown_label;

    #[test]
    fn an_unknown_label_has_the_nearest_class_and_at_most_ten_are_listed() {
        let classes = |count: usize| (0..count).map(|number| format!("class{number}")).collect::<Vec<_>>();
        let error = unknown_label("klass2", &classes(3)).to_string();
        assert!(error.contains("class0, class1, class2; if") && error.ends_with("`--alias klass2=class2`"), "{error}");
        let error = unknown_label("x", &classes(12)).to_string();
        assert!(error.contains("class9, and 2 more; if") && !error.contains("class10"), "{error}");
    }

    #[test]
    fn whole_texts_as_labels_are_cut() {
        let texts: Vec<String> = (0..1000).map(|number| format!("{number} {}", "good ".repeat(99))).collect();
        let error = unknown_label(&"bad ".repeat(99), &texts).to_string();
        assert!(error.len() < 700 && error.ends_with("`--alias OTHER=LABEL`"), "{error}");
    }
}
