//! Cuts by fractions.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case([0.9, 0.1, 0.0], [1_003_854, 1_115_394, 1_115_394])]
#[case([0.8, 0.1, 0.1], [892_315, 1_003_854, 1_115_394])]
#[case([1.0, 0.0, 0.0], [1_115_394, 1_115_394, 1_115_394])]
#[case([0.5, 0.25, 0.0], [557_697, 836_545, 836_545])]
fn cuts_are_exact(#[case] fractions: [f64; 3], #[case] ends: [usize; 3]) {
    let split = Split::of_tokens(1_115_394, fractions).unwrap();
    assert_eq!(split.train, 0..ends[0]);
    assert_eq!(split.validation, ends[0]..ends[1]);
    assert_eq!(split.test, ends[1]..ends[2]);
}

#[rstest]
#[case([0.9, 0.2, 0.0])]
#[case([-0.1, 0.5, 0.5])]
#[case([f64::NAN, 0.5, 0.5])]
#[case([f64::INFINITY, 0.0, 0.0])]
fn what_is_no_split_is_refused(#[case] fractions: [f64; 3]) {
    let result = Split::of_tokens(100, fractions);
    assert!(result.as_ref().is_err_and(|e| e.kind() == ErrorKind::Setting), "{result:?}");
}

#[test]
fn a_split_without_a_token_to_train_on_is_refused() {
    for (tokens, fractions) in [(100, [0.0, 1.0, 0.0]), (5, [0.1, 0.9, 0.0])] {
        let result = Split::of_tokens(tokens, fractions);
        assert!(result.as_ref().is_err_and(|e| e.kind() == ErrorKind::TooLittle), "{result:?}");
    }
}

#[test]
fn a_split_prints_and_reads_back() {
    let split = Split::of_tokens(10, [0.8, 0.2, 0.0]).unwrap();
    assert_eq!(split.to_string(), "train 0..8 (8 tokens), validation 8..10 (2 tokens), test 10..10 (0 tokens)");
    let json = serde_json::to_string(&split).unwrap();
    assert_eq!(serde_json::from_str::<Split>(&json).unwrap(), split);
}

proptest! {
    #[test]
    fn three_parts_of_a_hundred_leave_no_token_out(
        tokens in 100usize..1 << 40, train in 1u32..100, validation in 0u32..100,
    ) {
        let validation = validation.min(100 - train);
        let fraction = |part: u32| f64::from(part) / 100.0;
        let fractions = [train, validation, 100 - train - validation].map(fraction);
        let split = Split::of_tokens(tokens, fractions).unwrap();
        prop_assert_eq!(split.train.start, 0);
        prop_assert_eq!(split.train.end, split.validation.start);
        prop_assert_eq!(split.validation.end, split.test.start);
        prop_assert!(tokens - split.test.end <= 1);
    }
}
