use std::collections::BTreeSet;

use super::*;

#[test]
fn every_batch_and_every_sample_of_it_has_a_seed_of_its_own() {
    let mut seeds = BTreeSet::new();
    for (seed, batch, sample) in (0..5).flat_map(|seed| (0..25).map(move |number| (seed, number / 5, number % 5))) {
        seeds.insert(Drawn { temperature: 1.0, seed, batch }.seed_of(sample));
    }
    assert_eq!(seeds.len(), 125);
}
