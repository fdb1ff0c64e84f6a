//! Batches of texts of like lengths, so that little of a batch is padding.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Batches that are sorted together by length. More of them waste less padding and mix the texts less.
const BATCHES_IN_POOL: usize = 32;

/// The batches of every epoch, each a function of seed, epoch and number alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    lengths: Vec<usize>,
    batch_size: usize,
    seed: u64,
}

/// The batches of one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketEpoch {
    batches: Vec<Vec<usize>>,
}

impl Buckets {
    /// Batches of `batch_size` texts (the last may have fewer) with these lengths, in words.
    ///
    /// # Panics
    ///
    /// When `batch_size` is 0.
    pub fn new(lengths: Vec<usize>, batch_size: usize, seed: u64) -> Self {
        assert!(batch_size > 0, "a batch needs at least one text");
        Self { lengths, batch_size, seed }
    }

    /// Batches in an epoch.
    pub fn batches(&self) -> usize {
        self.lengths.len().div_ceil(self.batch_size)
    }

    /// The batches of `epoch`: the texts are shuffled, pools of some batches sorted by length, and the batches shuffled.
    pub fn epoch(&self, epoch: u64) -> BucketEpoch {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(epoch);
        let mut order: Vec<usize> = (0..self.lengths.len()).collect();
        order.shuffle(&mut rng);
        let mut batches = Vec::with_capacity(self.batches());
        for pool in order.chunks_mut(self.batch_size * BATCHES_IN_POOL) {
            pool.sort_by_key(|&text| self.lengths[text]);
            batches.extend(pool.chunks(self.batch_size).map(<[usize]>::to_vec));
        }
        batches.shuffle(&mut rng);
        BucketEpoch { batches }
    }
}

impl BucketEpoch {
    /// The texts of a batch, by their places in the set.
    ///
    /// # Panics
    ///
    /// When there is no such batch.
    pub fn batch(&self, number: usize) -> &[usize] {
        &self.batches[number]
    }
}
