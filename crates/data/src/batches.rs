//! Batches of items of similar lengths, so that they have little padding.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Number of batches whose items [`Buckets::pooled`] sorts together by length. More waste less padding and mix less.
const BATCHES_IN_POOL: usize = 32;

/// The size of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// This many sentences.
    Sentences(usize),
    /// As many sentences as have this many tokens, padding included, on the side with more.
    Tokens(usize),
}

/// The batches of every epoch, each a function of the seed and the epoch only.
///
/// Items are either sorted as a whole ([`Buckets::sorted`]: the least padding), or in pools of some batches
/// ([`Buckets::pooled`]: other neighbours in every epoch). Batches are then shuffled; every epoch has as many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// The lengths of each item: of source and target, or one length.
    lengths: Vec<[usize; 2]>,
    cuts: Cuts,
    seed: u64,
}

/// The ends of batches.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cuts {
    /// After this many items of a pool.
    Pools(usize),
    /// At these positions of all items, sorted.
    Sorted(Vec<usize>),
}

impl Buckets {
    /// Batches of `batch_size` items with these lengths; the last may have fewer. The items are shuffled, pools of
    /// some batches are sorted by length, and the batches are shuffled.
    ///
    /// # Panics
    ///
    /// When `batch_size` is 0.
    pub fn pooled(lengths: Vec<usize>, batch_size: usize, seed: u64) -> Self {
        assert!(batch_size > 0, "a batch must hold something");
        let lengths = lengths.into_iter().map(|length| [length, 0]).collect();
        Self { lengths, cuts: Cuts::Pools(batch_size), seed }
    }

    /// Batches of pairs with these `lengths` of source and target. Pairs are sorted by length, ties in another order
    /// each epoch, and the cuts are the same in every epoch.
    ///
    /// # Panics
    ///
    /// When the batch size is 0.
    pub fn sorted(lengths: &[[usize; 2]], size: BatchSize, seed: u64) -> Self {
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
        Self { lengths: lengths.to_vec(), cuts: Cuts::Sorted(ends), seed }
    }

    /// Batches per epoch.
    pub fn len(&self) -> usize {
        match &self.cuts {
            Cuts::Pools(size) => self.lengths.len().div_ceil(*size),
            Cuts::Sorted(ends) => ends.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The batches of an epoch, as item indices.
    pub fn epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut rng = epoch_rng(self.seed, epoch);
        let mut batches: Vec<Vec<usize>> = Vec::with_capacity(self.len());
        match &self.cuts {
            Cuts::Pools(size) => {
                let mut order: Vec<usize> = (0..self.lengths.len()).collect();
                order.shuffle(&mut rng);
                for pool in order.chunks_mut(size * BATCHES_IN_POOL) {
                    pool.sort_by_key(|&item| self.lengths[item]);
                    batches.extend(pool.chunks(*size).map(<[usize]>::to_vec));
                }
            }
            Cuts::Sorted(ends) => {
                let mut order: Vec<(u64, usize)> = (0..self.lengths.len()).map(|pair| (rng.random(), pair)).collect();
                order.sort_unstable_by_key(|&(draw, pair)| (self.lengths[pair], draw, pair));
                let mut begin = 0;
                for &end in ends {
                    batches.push(order[begin..end].iter().map(|&(_, pair)| pair).collect());
                    begin = end;
                }
            }
        }
        batches.shuffle(&mut rng);
        batches
    }
}

/// The random number generator of an epoch, an independent stream.
pub(crate) fn epoch_rng(seed: u64, epoch: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(epoch);
    rng
}
