//! Random numbers that are the same on every backend.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The random numbers of `seed`.
pub fn seeded(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// The random numbers of one stream of `seed`: those of two streams have nothing to do with each other.
pub fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = seeded(seed);
    rng.set_stream(stream);
    rng
}
