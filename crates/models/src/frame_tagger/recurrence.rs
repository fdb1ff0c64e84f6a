//! The cell of a tagger, if it has one.

use std::fmt;
use std::str::FromStr;

use rekindle_rnn::Cell;
use serde::{Deserialize, Serialize};

use crate::settings::CellChoice;

/// The name for no cell.
const NONE: &str = "none";

/// The cell of a tagger, or none, where each frame is classified by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recurrence(pub Option<Cell>);

impl CellChoice for Recurrence {
    fn names() -> Vec<&'static str> {
        Cell::ALL.map(Cell::name).into_iter().chain([NONE]).collect()
    }

    fn cell(self) -> Option<Cell> {
        self.0
    }
}

impl From<Cell> for Recurrence {
    fn from(cell: Cell) -> Self {
        Self(Some(cell))
    }
}

impl FromStr for Recurrence {
    type Err = rekindle_rnn::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == NONE { Ok(Self(None)) } else { Ok(Self(Some(name.parse()?))) }
    }
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.map_or(NONE, Cell::name))
    }
}

impl TryFrom<String> for Recurrence {
    type Error = rekindle_rnn::Error;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Recurrence> for String {
    fn from(recurrence: Recurrence) -> String {
        recurrence.to_string()
    }
}
