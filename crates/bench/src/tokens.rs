//! The data of a benchmark: sequences of random tokens, all of one length, so that there is no
//! padding.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The token ids of a vocabulary's words: its first four tokens are special.
pub(crate) fn words(vocabulary: usize) -> Range<u32> {
    4..vocabulary as u32
}

/// `count` sequences of `length` tokens, always the same.
pub(crate) fn sequences(count: usize, length: usize, tokens: Range<u32>) -> Vec<Vec<u32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..count).map(|_| (0..length).map(|_| rng.random_range(tokens.clone())).collect()).collect()
}

/// The sequences as slices, for the models.
pub(crate) fn slices(sequences: &[Vec<u32>]) -> Vec<&[u32]> {
    sequences.iter().map(Vec::as_slice).collect()
}
