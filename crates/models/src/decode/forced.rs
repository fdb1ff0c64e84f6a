//! Teacher forcing: the decoder reads known targets, shifted by one token, all time steps at once.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Distribution, Int, Tensor};

use rekindle_kernels::rows::{self, Lines};

use crate::host::{DeviceError, ids, numbers, whole_number};

/// The log-probabilities of known targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forced {
    /// The log-probability of each target, its end included.
    pub log_probs: Vec<f64>,
    /// The sum of them.
    pub log_prob: f64,
    /// Tokens of all targets, the ends included.
    pub symbols: u64,
    /// Tokens that were the most probable.
    pub correct: u64,
}

/// The targets of a batch, side by side. A row without a target is empty.
#[derive(Clone, Debug)]
pub(crate) struct Targets {
    /// Time steps, `T`.
    pub time: usize,
    /// Input tokens, `[T * B]`, time-major: the start, then the target.
    pub read: Tensor<1, Int>,
    /// Target tokens, row by row, the ends included: `[N]`.
    pub wanted: Tensor<1, Int>,
    /// Tokens of each row, its end included; 0 for an empty row.
    pub lengths: Vec<usize>,
}

impl Targets {
    /// Targets without their ends, which are added. Rows are padded with `padding`.
    pub fn new(targets: &[Option<&[u32]>], [start, end]: [u32; 2], padding: u32, device: &Device) -> Self {
        let ended: Vec<Option<Vec<u32>>> =
            targets.iter().map(|target| target.map(|target| [target, &[end]].concat())).collect();
        let ended: Vec<Option<&[u32]>> = ended.iter().map(Option::as_deref).collect();
        Self::whole(&ended, start, padding, device)
    }

    /// Targets with their ends; one that was cut off has none. Rows are padded with `padding`.
    pub fn whole(targets: &[Option<&[u32]>], start: u32, padding: u32, device: &Device) -> Self {
        let targets: Vec<&[u32]> = targets.iter().map(|target| target.unwrap_or_default()).collect();
        let lengths: Vec<usize> = targets.iter().map(|target| target.len()).collect();
        let time = lengths.iter().copied().max().unwrap_or(0).max(1);
        // Each token but the last is read.
        let rows = targets.iter().map(|target| {
            let before = target.split_last().map_or(&[][..], |(_, before)| before);
            [start].into_iter().chain(before.iter().copied())
        });
        let read = ids(time_major(rows, time, padding), device);
        let wanted = ids(targets.iter().flat_map(|target| target.iter().copied()), device);
        Self { time, read, wanted, lengths }
    }

    /// Number of rows, `B`.
    pub fn rows(&self) -> usize {
        self.lengths.len()
    }

    /// Positions of the target tokens, `[N]`; `place` gives the position of time step `t` of row `b`.
    pub fn places(&self, place: impl Fn(usize, usize) -> usize) -> Tensor<1, Int> {
        let place = &place;
        let places = self.lengths.iter().enumerate().flat_map(|(b, &length)| (0..length).map(move |t| place(t, b)));
        ids(places.map(|place| place as u32), &self.read.device())
    }

    /// Scheduled sampling: the same targets with a random `share` of the input tokens, starts excepted, replaced by the
    /// model's predictions. `predict` returns the token after each time step of each row, time-major, of targets that
    /// it reads in full, padding included.
    pub fn with_predictions(self, share: f64, predict: impl FnOnce(&Self) -> Tensor<1, Int>) -> Self {
        let (time, rows) = (self.time, self.rows());
        if share == 0.0 || time == 1 {
            return self;
        }
        let right = self.read.clone();
        let before = right.clone().narrow(0, 0, (time - 1) * rows);
        let lengths = vec![time - 1; rows];
        let predicted = predict(&Self { time: time - 1, read: before, lengths, ..self.clone() });
        let guesses = Tensor::cat(vec![right.clone().narrow(0, 0, rows), predicted], 0);
        Self { read: with_guesses(right, guesses, share, Lines::TimeMajor { rows }), ..self }
    }

    /// The log-probabilities of the targets, given their logits `[N, V]`.
    pub fn score(&self, logits: Tensor<2>) -> Result<Forced, DeviceError> {
        let log_probs = log_softmax(logits, 1);
        let likeliest = log_probs.clone().argmax(1).squeeze_dim::<1>(1);
        let correct = whole_number(likeliest.equal(self.wanted.clone()).int().sum())? as u64;
        let chosen = numbers(log_probs.gather(1, self.wanted.clone().unsqueeze_dim(1)))?;
        let log_prob = chosen.iter().copied().map(f64::from).sum();
        let symbols = chosen.len() as u64;
        let mut chosen = chosen.into_iter().map(f64::from);
        let filled = self.lengths.iter().filter(|&&length| length > 0);
        let log_probs = filled.map(|&length| chosen.by_ref().take(length).sum()).collect();
        Ok(Forced { log_probs, log_prob, symbols, correct })
    }
}

/// Sequences side by side, `[T * B]`, time-major, padded with `padding`.
pub(crate) fn time_major(
    sequences: impl ExactSizeIterator<Item = impl Iterator<Item = u32>>,
    time: usize,
    padding: u32,
) -> Vec<u32> {
    let rows = sequences.len();
    let mut symbols = vec![padding; time * rows];
    for (row, sequence) in sequences.enumerate() {
        sequence.enumerate().for_each(|(t, symbol)| symbols[t * rows + row] = symbol);
    }
    symbols
}

/// Scheduled sampling: replaces a random `share` of the tokens `right` `[N]`, one for each of `lines`, by `guesses`
/// `[N]`.
pub(crate) fn with_guesses(right: Tensor<1, Int>, guesses: Tensor<1, Int>, share: f64, lines: Lines) -> Tensor<1, Int> {
    let [count] = right.dims();
    let chosen = rows::random(count, lines, Distribution::Bernoulli(share), &right.device()).bool();
    right.mask_where(chosen, guesses)
}
