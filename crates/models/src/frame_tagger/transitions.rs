//! Smoothing labels by how labels follow each other in training clips.
//!
//! The classes are the states of a hidden Markov model, and the tagger gives the scores of its states:
//!
//! ```text
//! b_t(y) = κ (ln p(y | x_1..t) - λ ln p(y))                     the score of class y at frame t
//! δ_t(y) = b_t(y) + max_y' (δ_{t-1}(y') + ln a(y', y))          Viterbi: the most probable sequence of a clip
//! α_t(y) ∝ exp(b_t(y)) Σ_y' α_{t-1}(y') a(y', y)                forward: from frames 1..t, online
//! β_t(y') ∝ Σ_y a(y', y) exp(b_{t+1}(y)) β_{t+1}(y)             backward: from the frames after t
//! p(y_t = y) ∝ α_t(y) β_t(y)
//! ```
//!
//! With `λ = 1` the score is the logarithm of a likelihood `p(x | y)`, up to a constant (Bourlard and Morgan 1994,
//! "Connectionist speech recognition"). `κ` weighs it against the transitions: the scores of neighbouring frames come
//! from the same past, so that they count too much with `κ = 1`. The first class, the transitions `a` and the shares
//! `p(y)` are those of the training labels, with one added to every count: nothing is impossible.
//!
//! `α` and `β` are probabilities, scaled at each frame. Every transition has a probability above 0, so that they stay
//! far from underflow whatever the scores are.

use std::collections::VecDeque;

#[cfg(test)]
mod tests;

/// How much the parts of a score count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreWeights {
    /// `κ`: the score beside the transitions.
    pub score: f64,
    /// `λ`: the share of a class, which is divided out.
    pub prior: f64,
}

/// How the labels of frames follow each other, `C` classes.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionModel {
    /// Probabilities of the first class, `[C]`.
    start: Vec<f64>,
    /// `a(y', y)`, `[C, C]`, a row for each `y'`.
    next: Vec<f64>,
    /// `λ ln p(y)`, `[C]`.
    prior: Vec<f64>,
    /// `κ`.
    score: f64,
}

/// Lower log-probabilities, and those that are no numbers, count as this one.
const LOWEST: f64 = -1000.0;

impl TransitionModel {
    /// The model of labels that were counted: `starts[y]` clips begin with `y`, and `y` follows `y'`
    /// `pairs[y' · C + y]` times.
    ///
    /// # Panics
    ///
    /// When there is no class, or `pairs` is not `[C, C]`.
    pub fn new(starts: &[u64], pairs: &[u64], weights: ScoreWeights) -> Self {
        let classes = starts.len();
        assert!(classes > 0 && pairs.len() == classes * classes, "{classes} classes and {} transitions", pairs.len());
        // A frame begins its clip or follows another.
        let frames =
            |class: usize| starts[class] as f64 + pairs.chunks(classes).map(|row| row[class] as f64).sum::<f64>();
        let shares = shares((0..classes).map(frames));
        Self {
            start: shares_of(starts),
            next: pairs.chunks(classes).flat_map(shares_of).collect(),
            prior: shares.into_iter().map(|share| weights.prior * share.ln()).collect(),
            score: weights.score,
        }
    }

    /// Number of classes `C`.
    pub fn classes(&self) -> usize {
        self.start.len()
    }

    /// The most probable classes of the frames of a whole clip, `[T]`, given the log-probabilities of the classes of
    /// each, `[T, C]`.
    pub fn viterbi(&self, log_probs: &[f32]) -> Vec<u32> {
        let classes = self.classes();
        let log_next: Vec<f64> = self.next.iter().map(|a| a.ln()).collect();
        // δ of the last frame, and for each class of each later frame the class before it on the best path.
        let mut best: Vec<f64> = self.start.iter().map(|start| start.ln()).collect();
        let mut before: Vec<u32> = Vec::new();
        for (frame, row) in log_probs.chunks_exact(classes).enumerate() {
            if frame > 0 {
                let step = |class: usize| {
                    let through = (0..classes).map(|from| best[from] + log_next[from * classes + class]);
                    through
                        .enumerate()
                        .fold((0, f64::NEG_INFINITY), |most, next| if next.1 > most.1 { next } else { most })
                };
                let steps: Vec<(usize, f64)> = (0..classes).map(step).collect();
                before.extend(steps.iter().map(|(from, _)| *from as u32));
                best = steps.into_iter().map(|(_, score)| score).collect();
            }
            best.iter_mut().zip(self.scores(row)).for_each(|(best, score)| *best += score);
        }
        if log_probs.len() < classes {
            return Vec::new();
        }
        let last = (0..classes).max_by(|&a, &b| best[a].total_cmp(&best[b])).unwrap_or(0) as u32;
        let mut path = vec![last];
        for row in before.chunks_exact(classes).rev() {
            path.push(row[path[path.len() - 1] as usize]);
        }
        path.reverse();
        path
    }

    /// The log-probabilities of the classes of each frame given all frames of the clip, `[T, C]`, from those that the
    /// tagger gives.
    pub fn posteriors(&self, log_probs: &[f32]) -> Vec<f32> {
        let mut filter = self.filter(usize::MAX);
        log_probs.chunks_exact(self.classes()).for_each(|row| {
            let early = filter.push(row);
            debug_assert!(early.is_none(), "no frame is done before the last");
        });
        filter.finish().concat()
    }

    /// The same online: the classes of a frame given the frames up to `lag` frames after it.
    pub fn filter(&self, lag: usize) -> LabelFilter<'_> {
        LabelFilter { model: self, lag, frames: VecDeque::new() }
    }

    /// `b_t`, `[C]`.
    fn scores(&self, log_probs: &[f32]) -> impl Iterator<Item = f64> {
        // `max` ignores what is no number.
        let score = |(&log_prob, prior): (&f32, &f64)| self.score * (f64::from(log_prob).max(LOWEST) - prior);
        log_probs.iter().zip(&self.prior).map(score)
    }

    /// `exp b_t`, scaled so that the largest is 1.
    fn likelihoods(&self, log_probs: &[f32]) -> Vec<f64> {
        let scores: Vec<f64> = self.scores(log_probs).collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        scores.into_iter().map(|score| (score - largest).exp()).collect()
    }

    /// `Σ_y' p(y') a(y', y)`.
    fn forward(&self, before: &[f64]) -> Vec<f64> {
        let mut after = vec![0.0; before.len()];
        for (p, row) in before.iter().zip(self.next.chunks_exact(before.len())) {
            after.iter_mut().zip(row).for_each(|(after, a)| *after += p * a);
        }
        after
    }

    /// `Σ_y a(y', y) p(y)`.
    fn backward(&self, after: &[f64]) -> Vec<f64> {
        let row = |row: &[f64]| row.iter().zip(after).map(|(a, p)| a * p).sum();
        self.next.chunks_exact(after.len()).map(row).collect()
    }
}

/// The forward pass over the frames of one clip, and the backward pass over the last of them.
#[derive(Clone, Debug)]
pub struct LabelFilter<'a> {
    model: &'a TransitionModel,
    lag: usize,
    /// The frames whose classes are still open, at most `lag` between two calls; and the last one.
    frames: VecDeque<Frame>,
}

#[derive(Clone, Debug)]
struct Frame {
    /// `α_t`, `[C]`.
    forward: Vec<f64>,
    /// `exp b_t`, scaled, `[C]`.
    likelihoods: Vec<f64>,
    /// Whether its classes were returned.
    done: bool,
}

impl LabelFilter<'_> {
    /// Reads the log-probabilities of the classes of the next frame, `[C]`. Returns those of the frame `lag` frames
    /// before it, given all frames so far, if there is such a frame.
    pub fn push(&mut self, log_probs: &[f32]) -> Option<Vec<f32>> {
        let likelihoods = self.model.likelihoods(log_probs);
        let before =
            self.frames.back().map_or_else(|| self.model.start.clone(), |last| self.model.forward(&last.forward));
        let forward = scaled(before.iter().zip(&likelihoods).map(|(p, likelihood)| p * likelihood));
        self.frames.push_back(Frame { forward, likelihoods, done: false });
        // The last frame stays, for the forward pass.
        while self.frames.len() > 1 && self.frames[0].done {
            self.frames.pop_front();
        }
        if self.frames.len() <= self.lag {
            return None;
        }
        let first = self.smoothed().pop();
        self.frames[0].done = true;
        first
    }

    /// The log-probabilities of the classes of the frames that [`push`](Self::push) has not returned, given all frames.
    pub fn finish(self) -> Vec<Vec<f32>> {
        let mut all = self.smoothed();
        all.reverse();
        all
    }

    /// `ln p(y_t = y)` of the open frames given all frames so far, the last frame first.
    fn smoothed(&self) -> Vec<Vec<f32>> {
        let mut after = vec![1.0; self.model.classes()];
        let mut all = Vec::with_capacity(self.frames.len());
        for frame in self.frames.iter().rev().take_while(|frame| !frame.done) {
            let both = scaled(frame.forward.iter().zip(&after).map(|(forward, backward)| forward * backward));
            all.push(both.into_iter().map(|p| (p as f32).max(f32::MIN_POSITIVE).ln()).collect());
            let seen = frame.likelihoods.iter().zip(&after).map(|(likelihood, backward)| likelihood * backward);
            after = scaled(self.model.backward(&seen.collect::<Vec<_>>()).into_iter());
        }
        all
    }
}

/// Values with the sum 1.
fn scaled(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    let sum: f64 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
    values
}

/// The shares of counts, each with one added.
fn shares(counts: impl Iterator<Item = f64>) -> Vec<f64> {
    scaled(counts.map(|count| count + 1.0))
}

fn shares_of(counts: &[u64]) -> Vec<f64> {
    shares(counts.iter().map(|&count| count as f64))
}
