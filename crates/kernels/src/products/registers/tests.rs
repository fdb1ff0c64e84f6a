use rekindle_testing::on_threads;

use super::*;
use crate::cpu::{panels::Lanes, testing::architectures};

#[test]
fn every_multiply_add_is_counted_and_done() {
    for arch in architectures() {
        let lanes = arch.dispatch(Lanes);
        for threads in [1, 3] {
            let done = on_threads(threads, || count(arch, 1000));
            assert_eq!(done, (1000 * SUMS * lanes * threads) as f64, "{lanes} lanes, {threads} threads");
        }
    }
}
