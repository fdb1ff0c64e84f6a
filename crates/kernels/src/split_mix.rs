//! Random numbers from counters: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
//! number generators", 2014).

/// `2^64` divided by the golden ratio: the step of the counter.
pub const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser: 64 random bits of each counter.
pub fn mix(mut counter: u64) -> u64 {
    counter = (counter ^ (counter >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    counter = (counter ^ (counter >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    counter ^ (counter >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_of_seed_0_are_those_of_the_reference_implementation() {
        let numbers = [1, 2, 3].map(|count: u64| mix(count.wrapping_mul(GOLDEN)));
        assert_eq!(numbers, [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F]);
    }
}
