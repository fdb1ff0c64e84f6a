//! Sets of labelled texts.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::source::dialect;
use super::words::{line_of, ranges};
use crate::{DataError, ErrorKind, Part, counted};

/// The codes of ISO 639-1.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz \
    ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka \
    kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr \
    nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk \
    tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// The place of a text on line 1 of a file.
const FIRST_LINE: &str = "line 1";

/// What is doubted of texts of which nearly every one has a label of its own.
pub(super) const SWAPPED: &str = "nearly every text has a label of its own; if the columns of texts and labels are \
                                  swapped, choose them with --text-column and --label-column";

/// Characters of the longest column name that a message repeats.
const LONGEST_NAME: usize = 40;

/// A labelled text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledText {
    /// The text.
    pub text: String,
    /// The name of its class.
    pub label: String,
    /// Its location: `line 7`, `pos/12_9.txt`.
    pub place: String,
}

impl LabelledText {
    /// A text on a line of a file, without a label if none is wanted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Label`] when the label is empty.
    pub(super) fn on_line(path: &Path, line: u64, text: &str, label: Option<&str>) -> Result<Self, DataError> {
        let label = label.map(str::trim);
        if label.is_some_and(str::is_empty) {
            return Err(ErrorKind::Label.error("the label is empty").within(path).line(line));
        }
        Ok(Self { text: text.to_owned(), label: label.unwrap_or_default().to_owned(), place: format!("line {line}") })
    }
}

/// A set of labelled texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledTexts {
    /// The source.
    pub name: String,
    /// The texts, in the order of their source.
    pub texts: Vec<LabelledText>,
}

impl LabelledTexts {
    /// Texts of the source `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLittle`] when there are none.
    pub fn new(name: impl Into<String>, texts: Vec<LabelledText>) -> Result<Self, DataError> {
        let name = name.into();
        if texts.is_empty() {
            return Err(ErrorKind::TooLittle.error("there is no text in it").within(name));
        }
        Ok(Self { name, texts })
    }

    /// The classes that occur: numbers first, by value, then other names, alphabetically.
    pub fn classes(&self) -> Vec<String> {
        let mut classes: Vec<&str> = self.texts.iter().map(|text| text.label.as_str()).collect();
        classes.sort_by_key(|label| (label.parse::<i64>().map_or((true, 0), |number| (false, number)), *label));
        classes.dedup();
        classes.into_iter().map(str::to_owned).collect()
    }

    /// Each class with the number of its texts, in the order of [`classes`](Self::classes).
    pub fn balance(&self) -> Vec<(String, usize)> {
        let count = |class: &String| self.texts.iter().filter(|text| text.label == *class).count();
        self.classes().into_iter().map(|class| (class.clone(), count(&class))).collect()
    }

    /// Whether nearly every text has a label of its own, as where the columns of texts and labels are swapped.
    pub(super) fn has_labels_like_texts(&self) -> bool {
        // Few texts may well have many labels.
        let texts = self.texts.len();
        texts >= 20 && {
            let labels: HashSet<&str> = self.texts.iter().map(|text| text.label.as_str()).collect();
            10 * labels.len() > 9 * texts
        }
    }

    /// A warning if the classes resemble languages or splits, which are file extensions of other data, or texts.
    pub fn doubtful_classes(&self) -> Option<String> {
        if self.has_labels_like_texts() {
            return Some(format!("{}: {SWAPPED}", self.name));
        }
        let classes = self.classes();
        let all = |names: &[&str]| classes.iter().all(|class| names.contains(&class.to_lowercase().as_str()));
        let splits: Vec<&str> = Part::ALL.iter().flat_map(|part| part.names()).copied().collect();
        let languages: Vec<&str> = LANGUAGES.split(' ').collect();
        let advice = if all(&languages) {
            "languages, which `translate` reads; to learn other classes, give a column of class labels"
        } else if all(&splits) {
            "splits: give one with --data and one with --dev"
        } else {
            return None;
        };
        Some(format!("the classes {} look like {advice}", classes.join(", ")))
    }

    /// Warnings of tables whose line 1 was read as a text and may be a header: its label is on no other line. Sets of
    /// one name are parts of one table.
    pub fn doubtful_headers(sets: &[Self]) -> Vec<String> {
        let doubt = |set: &Self| {
            dialect(Path::new(&set.name))?;
            let first = set.texts.iter().find(|text| text.place == FIRST_LINE)?;
            let table = sets.iter().filter(|other| other.name == set.name).flat_map(|other| &other.texts);
            let mut others = table.filter(|text| text.place != FIRST_LINE).map(|text| &text.label).peekable();
            others.peek()?;
            let (name, label) = (&set.name, &first.label);
            let column = if first.text.chars().count() > LONGEST_NAME { "COLUMN" } else { &first.text };
            others.all(|other| other != label).then(|| {
                format!(
                    "{name}, {FIRST_LINE}: no other line has the label `{label}`; if this line is a header, choose the \
                     columns by name: --text-column {column} --label-column {label}"
                )
            })
        };
        sets.iter().filter_map(doubt).collect()
    }

    /// Number of texts without words.
    pub fn empty(&self) -> usize {
        self.texts.par_iter().filter(|text| ranges(&text.text).next().is_none()).count()
    }

    /// All texts as a language model reads them, a line for each: its words in the form of the vocabulary, each with a
    /// space before it.
    pub fn lines(&self) -> String {
        let lines: Vec<String> = self.texts.par_iter().map(|text| line_of(&text.text) + "\n").collect();
        lines.concat()
    }

    /// Splits the texts at random into a training set and a held-out `share`, each in the order of the source. The
    /// same `seed` gives the same split. Every class stays in training: if all its texts were drawn to be held out,
    /// the first is used for training.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Setting`] when one side would be empty.
    pub fn hold_out(self, share: f64, seed: u64) -> Result<(Self, Self), DataError> {
        let texts = self.texts.len();
        let held_out = (share * texts as f64).round();
        if !(share > 0.0 && share < 1.0 && held_out >= 1.0 && (held_out as usize) < texts) {
            let message =
                format!("a share of {share} of {} cannot be held out: both parts need a text", counted(texts, "texts"));
            return Err(ErrorKind::Setting.error(message));
        }
        let mut order: Vec<usize> = (0..texts).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let mut is_held_out = vec![false; texts];
        order[..held_out as usize].iter().for_each(|&index| is_held_out[index] = true);
        let mut left = held_out as usize;
        for class in self.classes() {
            let mut own = (0..texts).filter(|&index| self.texts[index].label == class);
            if !own.clone().all(|index| is_held_out[index]) {
                continue;
            }
            // If nothing else is held out, a text of a class with several replaces it.
            let lost = own.clone().count() == texts;
            let other = || {
                order.iter().copied().find(|&index| {
                    let same = |other: &LabelledText| other.label == self.texts[index].label;
                    self.texts[index].label != class && self.texts.iter().filter(|text| same(text)).count() > 1
                })
            };
            let other = if left > 1 || lost { None } else { other() };
            if left > 1 || other.is_some() {
                own.next().into_iter().for_each(|first| is_held_out[first] = false);
                left -= usize::from(other.is_none());
                other.into_iter().for_each(|other| is_held_out[other] = true);
            }
        }
        let name = self.name;
        let (mut train, mut rest) = (Vec::new(), Vec::new());
        for (text, held_out) in self.texts.into_iter().zip(is_held_out) {
            if held_out { rest.push(text) } else { train.push(text) }
        }
        Ok((Self { name: name.clone(), texts: train }, Self { name, texts: rest }))
    }

    /// The first digits of the SHA-256 of all texts and labels, in hexadecimal: it identifies the texts.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for LabelledText { text, label, .. } in &self.texts {
            for part in [text, label] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        hash.finalize()[..6].iter().fold(String::new(), |mut shown, byte| {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{byte:02x}");
            shown
        })
    }
}
