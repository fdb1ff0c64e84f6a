//! Teacher forcing: the decoder reads known targets, shifted by one token, all time steps at once.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Distribution, Int, Tensor};

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
    /// Rows are padded with `padding`.
    pub fn new(targets: &[Option<&[u32]>], [start, end]: [u32; 2], padding: u32, device: &Device) -> Self {
        let lengths: Vec<usize> = targets.iter().map(|target| target.map_or(0, |target| target.len() + 1)).collect();
        let time = lengths.iter().copied().max().unwrap_or(0).max(1);
        let rows = targets.iter().map(|target| [start].into_iter().chain(target.unwrap_or_default().iter().copied()));
        let wanted = targets.iter().flatten().flat_map(|target| target.iter().copied().chain([end]));
        let read = ids(time_major(rows, time, padding), device);
        Self { time, read, wanted: ids(wanted, device), lengths }
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

/// Scheduled sampling: replaces a random `share` of the tokens `right` `[N]` by `guesses` `[N]`.
pub(crate) fn with_guesses(right: Tensor<1, Int>, guesses: Tensor<1, Int>, share: f64) -> Tensor<1, Int> {
    let chosen = Tensor::<1>::random(right.dims(), Distribution::Bernoulli(share), &right.device()).bool();
    right.mask_where(chosen, guesses)
}
