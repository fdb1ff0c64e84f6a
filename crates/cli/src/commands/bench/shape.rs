//! What is timed: a kind of work at a shape, and its name.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail, ensure};
use clap::ValueEnum;
use rekindle_rnn::Cell;
use serde::{Serialize, Serializer};

/// Number of symbols `V` of a language model: that of tiny Shakespeare.
pub const SYMBOLS: usize = 65;

/// Numbers of words of a translator, source and target: about those of Multi30k from German to English.
pub const WORDS: [usize; 2] = [8000, 6000];

/// Number of words of a captioner: about that of Flickr8k.
pub const VOCABULARY: usize = 3000;

/// Captions of a picture.
pub const CAPTIONS: usize = 5;

/// What a captioner is shown of a picture, `P` places of `F` numbers: EfficientNet-Lite0's map.
pub const MAP: [usize; 2] = [49, 1280];

/// A model and the work it does, written `train-lstm-2x128-b50-t50`: work, cell, layers x width, batch, time. The width of
/// a translator is its decoder's; a captioner's words and projected pillars are as wide as its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub work: Work,
    pub cell: Recurrence,
    pub layers: usize,
    pub hidden: usize,
    /// Streams, sentences or pictures `B` side by side.
    pub batch: usize,
    /// Symbols `T` of a stream in a training step, or of a sentence or caption with its end.
    pub time: usize,
    /// Whether PyTorch's captioner is given its picture anew with each caption, as a plain training set of pairs has them,
    /// written `-apart`. Else a picture's captions share it there too, as they do in Rekindle.
    pub apart: bool,
}

/// What the model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Work {
    /// Training steps of a language model.
    Train,
    /// Writing symbol by symbol, one stream.
    Sample,
    /// Training steps of a translator.
    Translate,
    /// Translating sentences, greedily.
    Decode,
    /// Training steps of a captioner with soft attention.
    Caption,
}

/// The recurrences that Rekindle, PyTorch and Burn have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Recurrence {
    Rnn,
    Lstm,
    Gru,
}

/// The end of the name of a shape whose captions are apart.
const APART: &str = "-apart";

/// Batch and time where a name says nothing.
const USUAL: usize = 64;

/// Symbols that are written where a training step would be done: about as long.
const SAMPLED_PER_STEP: usize = 200;

impl Shape {
    /// What is timed when nothing is asked for.
    pub fn defaults() -> Vec<Self> {
        let names = [
            "train-lstm-1x256",
            "train-gru-1x256",
            "train-rnn-1x256",
            "train-lstm-2x512",
            "train-lstm-2x128-b50-t50",
            "sample-lstm-1x256",
            "sample-lstm-2x512",
            "translate-gru-1x512-b128-t14",
            "decode-gru-1x512-b128-t14",
            "decode-gru-1x512-b1-t14",
            "caption-lstm-1x512-b32-t12",
            "caption-lstm-1x512-b32-t12-apart",
        ];
        names.map(|name| name.parse().expect("the names above are well formed")).to_vec()
    }

    /// Symbols that `steps` steps read or write.
    pub fn symbols(&self, steps: usize) -> usize {
        match self.work {
            Work::Train | Work::Translate | Work::Decode => self.batch * self.time * steps,
            Work::Caption => self.batch * CAPTIONS * self.time * steps,
            Work::Sample => SAMPLED_PER_STEP * steps,
        }
    }
}

impl Recurrence {
    pub fn cell(self) -> Cell {
        match self {
            Self::Rnn => Cell::Rnn,
            Self::Lstm => Cell::Lstm,
            Self::Gru => Cell::Gru,
        }
    }
}

/// The name of a value, on the command line and to PyTorch.
pub fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().expect("no value is hidden").get_name().to_owned()
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}-{}-{}x{}", name(self.work), name(self.cell), self.layers, self.hidden);
        if (self.batch, self.time) != (USUAL, USUAL) {
            text += &format!("-b{}-t{}", self.batch, self.time);
        }
        if self.apart {
            text += APART;
        }
        f.pad(&text)
    }
}

impl FromStr for Shape {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let form = || format!("{text} is no shape: write it as train-lstm-2x128 or train-lstm-2x128-b50-t50");
        let (rest, apart) = match text.strip_suffix(APART) {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let mut parts = rest.split('-');
        let mut part = || parts.next().with_context(form);
        let named = |_| {
            format!("{}; a shape begins with train, sample, translate, decode or caption, and rnn, lstm or gru", form())
        };
        let work = Work::from_str(part()?, false).map_err(named).map_err(Error::msg)?;
        let cell = Recurrence::from_str(part()?, false).map_err(named).map_err(Error::msg)?;
        let (layers, hidden) = part()?.split_once('x').with_context(form)?;
        let count = |digits: &str| digits.parse().with_context(form);
        let mut shape =
            Self { work, cell, layers: count(layers)?, hidden: count(hidden)?, batch: USUAL, time: USUAL, apart };
        for part in parts {
            match part.split_at_checked(1) {
                Some(("b", digits)) => shape.batch = count(digits)?,
                Some(("t", digits)) => shape.time = count(digits)?,
                _ => bail!(form()),
            }
        }
        let sizes = [shape.layers, shape.hidden, shape.batch, shape.time];
        ensure!(!sizes.contains(&0), "{text}: each number must be above 0");
        ensure!(work == Work::Caption || !apart, "{text}: only captions can be apart");
        let halved = matches!(work, Work::Translate | Work::Decode);
        ensure!(
            !halved || shape.hidden.is_multiple_of(2),
            "{text}: the encoder has half the width, which must be even"
        );
        Ok(shape)
    }
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_reads_back_from_its_name() {
        for name in [
            "train-lstm-2x128-b50-t50",
            "sample-gru-1x256",
            "train-rnn-3x7-b64-t1",
            "decode-gru-1x512-b128-t14",
            "caption-lstm-1x4-b2-t3-apart",
        ] {
            assert_eq!(name.parse::<Shape>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn a_name_that_is_no_shape_is_refused_by_name() {
        for name in
            ["", "train", "train-lstm", "train-lstm-256", "train-elman-1x2", "read-lstm-1x2", "train-lstm-1x2-q3"]
        {
            assert!(name.parse::<Shape>().unwrap_err().to_string().contains("is no shape"), "{name}");
        }
        assert!("translate-lstm-1x3".parse::<Shape>().unwrap_err().to_string().contains("even"));
        assert!("train-lstm-1x2-apart".parse::<Shape>().unwrap_err().to_string().contains("only captions"));
        assert!("train-lstm-0x2".parse::<Shape>().unwrap_err().to_string().contains("above 0"));
    }
}
