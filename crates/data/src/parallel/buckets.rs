//! Batches of sentences of like lengths.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How many sentences go into a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// This many sentences.
    Sentences(usize),
    /// As many as have this many tokens, padding included, on the side that has more.
    Tokens(usize),
}

/// Batches of pairs whose lengths are alike, so that little is padded.
///
/// Pairs are sorted by their lengths, with equals in another order each epoch, and cut into batches, which are then
/// shuffled. Where the cuts are is the same in every epoch, and so is the number of batches. An epoch's order depends on
/// the seed and the epoch only.
#[derive(Clone, Debug)]
pub struct Buckets {
    lengths: Vec<[usize; 2]>,
    /// Where each batch ends in the sorted pairs.
    ends: Vec<usize>,
    seed: u64,
}

impl Buckets {
    /// Batches of pairs with these `lengths`, of source and target.
    ///
    /// # Panics
    ///
    /// When the batch size is 0.
    pub fn new(lengths: &[[usize; 2]], size: BatchSize, seed: u64) -> Self {
        let (BatchSize::Sentences(limit) | BatchSize::Tokens(limit)) = size;
        assert!(limit > 0, "a batch must hold something");
        let mut sorted = lengths.to_vec();
        sorted.sort_unstable();
        let (mut ends, mut begin, mut longest) = (Vec::new(), 0, 0);
        for (i, pair) in sorted.iter().enumerate() {
            let with_this = longest.max(pair[0]).max(pair[1]);
            let full = match size {
                BatchSize::Sentences(limit) => i - begin == limit,
                BatchSize::Tokens(limit) => i > begin && (i - begin + 1) * with_this > limit,
            };
            if full {
                ends.push(i);
                (begin, longest) = (i, 0);
            }
            longest = longest.max(pair[0]).max(pair[1]);
        }
        if begin < sorted.len() {
            ends.push(sorted.len());
        }
        Self { lengths: lengths.to_vec(), ends, seed }
    }

    /// Batches in an epoch.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The batches of an epoch: the numbers of their pairs.
    pub fn epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // A stream of its own for each epoch.
        rng.set_stream(epoch);
        let mut order: Vec<(u64, usize)> = (0..self.lengths.len()).map(|pair| (rng.random(), pair)).collect();
        order.sort_unstable_by_key(|&(draw, pair)| (self.lengths[pair], draw, pair));
        let mut begin = 0;
        let mut batches: Vec<Vec<usize>> = Vec::with_capacity(self.ends.len());
        for &end in &self.ends {
            batches.push(order[begin..end].iter().map(|&(_, pair)| pair).collect());
            begin = end;
        }
        batches.shuffle(&mut rng);
        batches
    }
}
