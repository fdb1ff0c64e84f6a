//! A benchmark's shape: a kind of work, its sizes and its name.

use std::str::FromStr;
use std::{fmt, iter};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rekindle_models::settings::RecurrentSettings;
use rekindle_rnn::{Cell, Scheme};
use rekindle_settings::names;
use serde::{Serialize, Serializer};

use crate::BenchError;

/// Vocabulary size `V` of a language model: that of tiny Shakespeare.
pub(crate) const SYMBOLS: usize = 65;

/// Vocabulary sizes of a translator, source and target: about those of Multi30k from German to English.
pub(crate) const WORDS: [usize; 2] = [8000, 6000];

/// Vocabulary size of a captioner: about that of Flickr8k.
pub(crate) const VOCABULARY: usize = 3000;

/// Captions per image.
pub(crate) const CAPTIONS: usize = 5;

/// Places `P` of an image and features `F` of each, the input of a captioner: EfficientNet-Lite0's
/// map.
pub(crate) const MAP: [usize; 2] = [49, 1280];

/// Vocabulary size of a text classifier: a usual list of words for reviews.
pub(crate) const REVIEW_WORDS: usize = 20_000;

/// Classes of a text classifier.
pub(crate) const SENTIMENTS: usize = 2;

/// Channels, height and width of a tagger's frames: those of folders of images by default.
pub(crate) const FRAME: [usize; 3] = [3, 64, 64];

/// Classes of a frame tagger: those of the built-in clips.
pub(crate) const FRAME_CLASSES: usize = 9;

/// Height and width of the images that DRAW models: those of MNIST.
pub(crate) const SIDE: usize = 28;

/// A model and its work, written `train-lstm-2x128-b50-t50`: work, cell, layers x width, batch
/// size, sequence length.
///
/// The width is that of the hidden state, for a translator the decoder's, for a text classifier that of each
/// direction. A captioner's embeddings and projected features have the width of its hidden state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The work of the model.
    pub work: Work,
    /// The cell.
    pub cell: Recurrence,
    /// Number of layers `L`.
    pub layers: usize,
    /// Width `H` of the hidden state.
    pub hidden: usize,
    /// Batch size `B`: sequences, sentences, texts, clips or images side by side.
    pub batch: usize,
    /// Sequence length `T` of a training step: for a sentence or caption with its end token, for texts the length of
    /// the longest, for DRAW the number of glimpses.
    pub time: usize,
    /// Filters on each side of the grids through which DRAW reads and writes, written `-r2-w5`; 0 for the whole image.
    pub grids: [usize; 2],
    /// Whether PyTorch's captioner reads the image again for each caption, as with a plain training
    /// set of pairs, written `-apart`. Otherwise the captions of an image share it there too, as in
    /// Rekindle.
    pub apart: bool,
    /// Whether PyTorch's text classifier reads packed sequences, as most programs do, written `-packed`. Otherwise it
    /// reads padded ones, which takes it a fraction of the time for the same result.
    pub packed: bool,
}

names! {
    /// What a model does.
    pub enum Work {
        /// Training steps of a language model.
        Train = "train",
        /// Sampling from a language model, one sequence, token by token.
        Sample = "sample",
        /// Training steps of a translator.
        Translate = "translate",
        /// Greedy decoding with a translator.
        Decode = "decode",
        /// Training steps of a captioner with soft attention.
        Caption = "caption",
        /// Training steps of a text classifier.
        Sentiment = "sentiment",
        /// Training steps of a frame tagger.
        Frames = "frames",
        /// Training steps of DRAW.
        Draw = "draw",
    }
}

names! {
    /// The cells that Rekindle, PyTorch and Burn have in common.
    pub enum Recurrence {
        /// A vanilla RNN.
        Rnn = "rnn",
        /// An LSTM.
        Lstm = "lstm",
        /// A GRU.
        Gru = "gru",
    }
}

/// The default shapes.
const DEFAULTS: &str = "train-lstm-1x256 train-gru-1x256 train-rnn-1x256 train-lstm-2x512 train-lstm-2x128-b50-t50 \
    sample-lstm-1x256 sample-lstm-2x512 \
    translate-gru-1x512-b128-t14 decode-gru-1x512-b128-t14 decode-gru-1x512-b1-t14 \
    caption-lstm-1x512-b32-t12 caption-lstm-1x512-b32-t12-apart \
    sentiment-lstm-1x128-b50-t400 frames-gru-1x128-b16-t40 \
    draw-lstm-1x256-b100-t10 draw-lstm-1x256-b100-t10-r2-w5";

/// Suffix of the name of a shape with separate captions.
const APART: &str = "-apart";
/// Suffix of the name of a shape with packed sequences.
const PACKED: &str = "-packed";

/// Default batch size and sequence length.
const USUAL: usize = 64;

/// Tokens sampled in place of a training step, which takes about as long.
const SAMPLED_PER_STEP: usize = 200;

impl Shape {
    /// The default shapes.
    pub fn defaults() -> Vec<Self> {
        DEFAULTS.split(' ').map(|name| name.parse().expect("the names above are well formed")).collect()
    }

    /// Tokens that `steps` steps read or write; of DRAW, its images.
    pub fn tokens(&self, steps: usize) -> usize {
        match self.work {
            Work::Train | Work::Translate | Work::Decode | Work::Frames => self.batch * self.time * steps,
            Work::Caption => self.batch * CAPTIONS * self.time * steps,
            Work::Sentiment => self.lengths().iter().sum::<usize>() * steps,
            Work::Draw => self.batch * steps,
            Work::Sample => SAMPLED_PER_STEP * steps,
        }
    }

    /// Whether the work is training.
    pub(crate) fn trains(&self) -> bool {
        !matches!(self.work, Work::Sample | Work::Decode)
    }

    /// The lengths of the texts of a classifier, between `T / 10` and `T`, always the same; the first has the length
    /// `T`.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let drawn = (1..self.batch).map(|_| rng.random_range(self.time.div_ceil(10)..=self.time));
        iter::once(self.time).chain(drawn).collect()
    }

    /// The settings of Rekindle's recurrent stack.
    pub(crate) fn recurrent(&self, dropout: f64) -> RecurrentSettings {
        let &Self { layers, hidden, .. } = self;
        let cell = match self.cell {
            Recurrence::Rnn => Cell::Rnn,
            Recurrence::Lstm => Cell::Lstm,
            Recurrence::Gru => Cell::Gru,
        };
        RecurrentSettings {
            cell,
            layers,
            hidden,
            dropout,
            init: Scheme::Pytorch,
            forget_bias: 1.0,
            ..Default::default()
        }
    }

    /// The shape named `text`, if each part of the name is well formed.
    fn read(text: &str) -> Option<Self> {
        fn ends_with<'a>(text: &'a str, suffix: &str) -> (&'a str, bool) {
            text.strip_suffix(suffix).map_or((text, false), |rest| (rest, true))
        }
        let (rest, apart) = ends_with(text, APART);
        let (rest, packed) = ends_with(rest, PACKED);
        let mut parts = rest.split('-');
        let (work, cell) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let (layers, hidden) = parts.next()?.split_once('x')?;
        let count = |digits: &str| digits.parse().ok();
        let (layers, hidden) = (count(layers)?, count(hidden)?);
        let mut shape = Self { work, cell, layers, hidden, batch: USUAL, time: USUAL, grids: [0; 2], apart, packed };
        for part in parts {
            match part.split_at_checked(1)? {
                ("b", digits) => shape.batch = count(digits)?,
                ("t", digits) => shape.time = count(digits)?,
                ("r", digits) => shape.grids[0] = count(digits)?,
                ("w", digits) => shape.grids[1] = count(digits)?,
                _ => return None,
            }
        }
        Some(shape)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}-{}-{}x{}", self.work, self.cell, self.layers, self.hidden);
        if (self.batch, self.time) != (USUAL, USUAL) {
            text += &format!("-b{}-t{}", self.batch, self.time);
        }
        for (letter, grid) in ["r", "w"].into_iter().zip(self.grids).filter(|(_, grid)| *grid > 0) {
            text += &format!("-{letter}{grid}");
        }
        for (suffix, _) in [(PACKED, self.packed), (APART, self.apart)].into_iter().filter(|(_, written)| *written) {
            text += suffix;
        }
        f.pad(&text)
    }
}

impl FromStr for Shape {
    type Err = BenchError;

    fn from_str(text: &str) -> Result<Self, BenchError> {
        let refused = |reason: &str| BenchError::NoShape { text: text.to_owned(), reason: reason.to_owned() };
        let [work, cell] = [Work::NAMES, Recurrence::NAMES].map(either);
        let form = format!("write it as train-lstm-2x128 or train-lstm-2x128-b50-t50, with {work}, and {cell}");
        let shape = Self::read(text).ok_or_else(|| refused(&form))?;
        let halved = matches!(shape.work, Work::Translate | Work::Decode);
        let draws = shape.work == Work::Draw;
        let faults = [
            ([shape.layers, shape.hidden, shape.batch, shape.time].contains(&0), "each number must be above 0"),
            (shape.apart && shape.work != Work::Caption, "only captions can be apart"),
            (shape.packed && shape.work != Work::Sentiment, "only texts of sentiment can be packed"),
            (halved && shape.hidden % 2 == 1, "its width must be even: each direction of the encoder has half of it"),
            (draws && (shape.cell, shape.layers) != (Recurrence::Lstm, 1), "DRAW has one LSTM layer on each side"),
            (!draws && shape.grids != [0; 2], "only DRAW has grids"),
            (shape.grids.iter().any(|&grid| grid > SIDE), "a grid can have at most 28 filters on each side"),
        ];
        let fault = faults.into_iter().find(|(is_so, _)| *is_so);
        fault.map_or(Ok(shape), |(_, reason)| Err(refused(reason)))
    }
}

/// `a, b or c`.
fn either(names: &[&str]) -> String {
    names.split_last().map_or_else(String::new, |(last, rest)| format!("{} or {last}", rest.join(", ")))
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests;
