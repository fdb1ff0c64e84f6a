//! A setting with the widths of several layers.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// The widest layer.
const WIDEST: usize = 1 << 20;

/// Widths of layers, in their order: numbers in a file, texts as options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Widths(pub Vec<usize>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Width {
    Number(i64),
    Text(String),
}

impl<'de> Deserialize<'de> for Widths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |width| match width {
            Width::Number(number) => usize::try_from(number).ok(),
            Width::Text(text) => text.trim().parse().ok(),
        };
        let valid = |width| read(width).filter(|width| (1..=WIDEST).contains(width));
        let widths: Option<_> = Vec::<Width>::deserialize(deserializer)?.into_iter().map(valid).collect();
        widths.map(Self).ok_or_else(|| D::Error::custom(format!("whole numbers from 1 to {WIDEST}, such as 64,32")))
    }
}

#[cfg(test)]
mod tests {
    use rekindle_settings::{Table, Value};

    use super::*;

    /// The widths of a line of a file.
    fn read(value: &str) -> Option<Widths> {
        let mut table: Table = format!("head = {value}").parse().unwrap();
        table.remove("head").unwrap().try_into().ok()
    }

    #[test]
    fn widths_are_numbers_or_texts_within_their_range() {
        assert_eq!(read("[64, '32', ' 8']"), Some(Widths(vec![64, 32, 8])));
        assert_eq!(read("[]"), Some(Widths::default()));
        for wrong in ["[0]", "[-1]", "['x']", "[2097152]", "[1.5]", "'64'", "true"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(Value::try_from(Widths(vec![3])).unwrap(), Value::Array(vec![3.into()]));
    }
}
