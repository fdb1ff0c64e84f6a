//! NumPy's default generator, so that a test draws the sentences that sacrebleu draws.

/// PCG64 (O'Neill 2014, "PCG: a family of simple fast space-efficient statistically good algorithms for random number
/// generation"), XSL-RR 128/64, seeded as by NumPy's `SeedSequence`.
#[derive(Clone, Debug)]
pub struct Generator {
    state: u128,
    increment: u128,
    /// The upper half of the last number, if it has not been used.
    rest: Option<u32>,
}

const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

impl Generator {
    /// The generator `numpy.random.default_rng(seed)`.
    pub fn new(seed: u64) -> Self {
        let [a, b, c, d] = seed_sequence(seed);
        let joined = |high: u64, low: u64| u128::from(high) << 64 | u128::from(low);
        let mut generator = Self { state: 0, increment: joined(c, d) << 1 | 1, rest: None };
        generator.step();
        generator.state = generator.state.wrapping_add(joined(a, b));
        generator.step();
        generator
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
    }

    fn next_u32(&mut self) -> u32 {
        if let Some(rest) = self.rest.take() {
            return rest;
        }
        self.step();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        let number = folded.rotate_right((self.state >> 122) as u32);
        self.rest = Some((number >> 32) as u32);
        number as u32
    }

    /// A number below `bound` (Lemire 2019, "Fast random integer generation in an interval").
    ///
    /// # Panics
    ///
    /// When `bound` is 0 or beyond 32 bits.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u32::try_from(bound).expect("fewer than 2^32 sentences");
        // NumPy draws nothing where there is nothing to choose.
        if bound == 1 {
            return 0;
        }
        let unbiased = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(bound);
            if product as u32 >= unbiased {
                return (product >> 32) as usize;
            }
        }
    }
}

/// Four numbers from a seed: NumPy's `SeedSequence(seed).generate_state(4, uint64)`.
fn seed_sequence(seed: u64) -> [u64; 4] {
    let mut constant: u32 = 0x43b0_d7e5;
    let mut hash = |mut value: u32| {
        value ^= constant;
        constant = constant.wrapping_mul(0x931e_8875);
        value = value.wrapping_mul(constant);
        value ^ value >> 16
    };
    let mut pool = [seed as u32, (seed >> 32) as u32, 0, 0].map(&mut hash);
    for source in 0..4 {
        for target in (0..4).filter(|&target| target != source) {
            let other = hash(pool[source]);
            let mixed = pool[target].wrapping_mul(0xca01_f9dd).wrapping_sub(other.wrapping_mul(0x4973_f715));
            pool[target] = mixed ^ mixed >> 16;
        }
    }
    let mut constant: u32 = 0x8b51_f9dd;
    let words: [u32; 8] = std::array::from_fn(|i| {
        let mut value = pool[i % 4] ^ constant;
        constant = constant.wrapping_mul(0x58f3_8ded);
        value = value.wrapping_mul(constant);
        value ^ value >> 16
    });
    std::array::from_fn(|i| u64::from(words[2 * i + 1]) << 32 | u64::from(words[2 * i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.random.default_rng(seed).choice(bound, size=count)`.
    #[test]
    fn numbers_are_those_of_numpy() {
        for (seed, bound, wanted) in CASES {
            let mut generator = Generator::new(seed);
            let drawn: Vec<usize> = wanted.iter().map(|_| generator.below(bound)).collect();
            assert_eq!(drawn, wanted, "seed {seed}, below {bound}");
        }
    }

    const CASES: [(u64, usize, [usize; 8]); 4] = [
        (12345, 1000, [699, 227, 788, 316, 204, 797, 642, 676]),
        (12345, 7, [4, 1, 5, 2, 1, 5, 4, 4]),
        (0, 3000000000, [2551872677, 1910885061, 1533409439, 809360140, 923488268, 122920571, 225720425, 49582906]),
        (1099511627781, 100, [1, 0, 44, 37, 91, 58, 89, 15]),
    ];
}
