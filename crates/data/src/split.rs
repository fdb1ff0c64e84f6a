//! The splits of a data set: training, validation and test.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DataError, ErrorKind, counted};

/// A split of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The training split.
    Train,
    /// The validation split, which selects the best checkpoint.
    Validation,
    /// The test split, used for neither.
    Test,
}

/// A value for each split of a data set: ranges of tokens, lists of clips or of images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split<T = Range<usize>> {
    /// The training split.
    pub train: T,
    /// The validation split, which selects the best checkpoint.
    pub validation: T,
    /// The test split, used for neither.
    pub test: T,
}

impl Part {
    /// All splits, in order.
    pub const ALL: [Part; 3] = [Part::Train, Part::Validation, Part::Test];

    /// The name in messages.
    pub fn name(self) -> &'static str {
        self.names()[0]
    }

    /// All names that data sets use for it.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Part::Train => &["train"],
            Part::Validation => &["validation", "dev", "val", "valid"],
            Part::Test => &["test"],
        }
    }
}

impl FromStr for Part {
    type Err = DataError;

    /// Reads `train`, `validation` (also `dev`, `val` or `valid`) or `test`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Setting`] for any other name.
    fn from_str(name: &str) -> Result<Self, DataError> {
        Part::ALL.into_iter().find(|part| part.names().contains(&name)).ok_or_else(|| {
            ErrorKind::Setting.error(format!("the split `{name}` is not one: want train, validation or test"))
        })
    }
}

impl<T> Split<T> {
    /// Calls `make` for each split.
    ///
    /// # Errors
    ///
    /// The first error of `make`.
    pub fn try_of<E>(mut make: impl FnMut(Part) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self { train: make(Part::Train)?, validation: make(Part::Validation)?, test: make(Part::Test)? })
    }

    /// Converts the value of each split.
    ///
    /// # Errors
    ///
    /// The first error of `change`.
    pub fn try_map<U, E>(self, mut change: impl FnMut(T) -> Result<U, E>) -> Result<Split<U>, E> {
        Ok(Split { train: change(self.train)?, validation: change(self.validation)?, test: change(self.test)? })
    }

    /// The value of a split.
    pub fn get_mut(&mut self, part: Part) -> &mut T {
        match part {
            Part::Train => &mut self.train,
            Part::Validation => &mut self.validation,
            Part::Test => &mut self.test,
        }
    }
}

impl Split {
    /// Splits `tokens` tokens by fractions: train, validation, test. If they add up to less than one, the rest is not
    /// used. A cut is at the last whole token before the exact position, or at it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Setting`] for invalid fractions, and [`ErrorKind::TooLittle`] when nothing is left for training.
    pub fn of_tokens(tokens: usize, fractions: [f64; 3]) -> Result<Self, DataError> {
        // A sum of decimal fractions may miss the integer by a few units in the last place: 0.8 + 0.1 + 0.1 is less
        // than 1. A millionth of a token corrects that.
        const SLACK: f64 = 1e-6;
        let total: f64 = fractions.iter().sum();
        let valid = fractions.iter().all(|fraction| (0.0..=1.0).contains(fraction));
        if !valid || total > 1.0 + SLACK {
            let message =
                format!("the split {fractions:?} is not one: want three numbers of 0 or more that add up to 1 at most");
            return Err(ErrorKind::Setting.error(message));
        }
        let mut exact = 0.0;
        let ends = fractions.map(|fraction| {
            exact += fraction * tokens as f64;
            ((exact + SLACK) as usize).min(tokens)
        });
        if ends[0] == 0 {
            let message =
                format!("the split {fractions:?} of {} leaves nothing to train on", counted(tokens, "tokens"));
            return Err(ErrorKind::TooLittle.error(message));
        }
        Ok(Self { train: 0..ends[0], validation: ends[0]..ends[1], test: ends[1]..ends[2] })
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("train", &self.train), ("validation", &self.validation), ("test", &self.test)];
        for (index, (name, range)) in parts.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name} {}..{} ({})", range.start, range.end, counted(range.len(), "tokens"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
