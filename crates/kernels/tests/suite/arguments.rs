//! A bad argument is named, with what was wanted and what was seen.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::prelude::*;
use burn::tensor::DType;
use rekindle_kernels::{
    Input, Scan,
    gru::gru,
    lstm::lstm,
    minimal::{min_gru, min_lstm},
    rnn::{Activation, rnn},
};
use rstest::rstest;

#[cfg(feature = "flex")]
fn device() -> Device {
    Device::flex()
}

#[cfg(not(feature = "flex"))]
fn device() -> Device {
    Device::ndarray()
}

fn zeros<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::zeros(shape, &device())
}

fn tokens(value: i64) -> Tensor<2, Int> {
    Tensor::full([3, 2], value, &device())
}

/// A call of an LSTM with `T, B, H = 3, 2, 4`, each part of which can be replaced.
struct Call {
    input: Input,
    weight_hh: Tensor<2>,
    h0: Tensor<2>,
    c0: Tensor<2>,
    lengths: Option<Vec<usize>>,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            input: Input::Projected(zeros([3, 2, 16])),
            weight_hh: zeros([16, 4]),
            h0: zeros([2, 4]),
            c0: zeros([2, 4]),
            lengths: None,
        }
    }
}

fn message<R>(action: impl FnOnce() -> R) -> String {
    let panic = catch_unwind(AssertUnwindSafe(action)).err().expect("the call must panic");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast::<&str>().expect("a panic has a message").to_string(),
    }
}

#[rstest]
#[case::input_width(
    Call { input: Input::Projected(zeros([3, 2, 12])), ..Call::default() },
    "lstm: `input` must have the shape [T, B, G] = [3, 2, 16], got [3, 2, 12]"
)]
#[case::no_steps(
    Call { input: Input::Projected(zeros([0, 2, 16])), ..Call::default() },
    "lstm: `input` and `h0` must hold at least one step, one row and one hidden unit, \
     got T = 0, B = 2, H = 4"
)]
#[case::table_width(
    Call { input: Input::Tokens { table: zeros([5, 15]), tokens: tokens(0) }, ..Call::default() },
    "lstm: `table` must have the shape [V, G] = [5, 16], got [5, 15]"
)]
#[case::token_beyond_the_table(
    Call { input: Input::Tokens { table: zeros([5, 16]), tokens: tokens(5) }, ..Call::default() },
    "`tokens[0, 0]` must be in 0..V = 0..5, got 5"
)]
#[case::negative_token(
    Call { input: Input::Tokens { table: zeros([5, 16]), tokens: tokens(-1) }, ..Call::default() },
    "`tokens[0, 0]` must be in 0..V = 0..5, got -1"
)]
#[case::weight_rows(
    Call { weight_hh: zeros([12, 4]), ..Call::default() },
    "lstm: `weight_hh` must have the shape [G, H] = [16, 4], got [12, 4]"
)]
#[case::state_rows(
    Call { h0: zeros([3, 4]), ..Call::default() },
    "lstm: `h0` must have the shape [B, H] = [2, 4], got [3, 4]"
)]
#[case::cell_width(
    Call { c0: zeros([2, 5]), ..Call::default() },
    "lstm: `c0` must have the shape [B, H] = [2, 4], got [2, 5]"
)]
#[case::element_type(
    Call { c0: zeros([2, 4]).cast(DType::F64), ..Call::default() },
    "lstm: `c0` must have the element type of `h0`, F32, got F64"
)]
#[case::length_of_zero(
    Call { lengths: Some(vec![3, 0]), ..Call::default() },
    "lstm: `lengths[1]` must be in 1..=T = 1..=3, got 0"
)]
#[case::length_beyond_the_steps(
    Call { lengths: Some(vec![4, 1]), ..Call::default() },
    "lstm: `lengths[0]` must be in 1..=T = 1..=3, got 4"
)]
#[case::too_few_lengths(
    Call { lengths: Some(vec![3]), ..Call::default() },
    "lstm: `lengths` must have one length per row, B = 2, got 1"
)]
fn a_bad_argument_is_named(#[case] call: Call, #[case] wanted: &str) {
    let scan = Scan { lengths: call.lengths, ..Scan::default() };
    let seen = message(|| lstm(call.input, call.weight_hh, call.h0, call.c0, &scan));
    assert_eq!(seen, wanted);
}

#[test]
fn the_other_cells_name_their_own_arguments() {
    let scan = Scan::default();
    let input = Input::Projected(zeros([3, 2, 12]));
    let seen = message(|| gru(input, zeros([12, 4]), zeros([11]), zeros([2, 4]), &scan));
    assert_eq!(seen, "gru: `bias_hh` must have the shape [G] = [12], got [11]");
    let input = Input::Projected(zeros([3, 2, 4]));
    let seen = message(|| rnn(input, zeros([4, 3]), zeros([2, 4]), Activation::Tanh, &scan));
    assert_eq!(seen, "rnn: `weight_hh` must have the shape [G, H] = [4, 4], got [4, 3]");
    let input = Input::Projected(zeros([3, 2, 12]));
    let seen = message(|| min_gru(input.clone(), zeros([2, 4]), &scan));
    assert_eq!(seen, "min_gru: `input` must have the shape [T, B, G] = [3, 2, 8], got [3, 2, 12]");
    let seen = message(|| min_lstm(input, zeros([3, 4]), &scan));
    assert_eq!(seen, "min_lstm: `h0` must have the shape [B, H] = [2, 4], got [3, 4]");
}

#[test]
fn a_token_in_the_padding_is_never_looked_at() {
    let padded = Tensor::<2, Int>::from_data([[0, 1], [4, 99], [2, -7]], &device());
    let input = Input::Tokens { table: zeros([5, 16]), tokens: padded };
    let scan = Scan { lengths: Some(vec![3, 1]), ..Scan::default() };
    let (hidden, _) = lstm(input, zeros([16, 4]), zeros([2, 4]), zeros([2, 4]), &scan);
    assert_eq!(hidden.dims(), [3, 2, 4]);
}
