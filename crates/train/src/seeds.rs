//! Random number generators with the same numbers on every backend.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rekindle_kernels::split_mix;

/// The random number generator of `seed`.
pub fn seeded(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The random number generator of one stream of `seed`; streams are independent.
pub fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = seeded(seed);
    rng.set_stream(stream);
    rng
}

/// Mixes a seed and a number, for instance that of a step, into another seed.
pub(crate) fn mix(seed: u64, number: u64) -> u64 {
    split_mix::mix(seed ^ number.wrapping_add(1).wrapping_mul(split_mix::GOLDEN))
}
