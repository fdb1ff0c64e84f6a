//! The doubly stochastic penalty: each place of an image gets its share of attention over a caption.

use burn::tensor::{Tensor, TensorData};

/// `mean (1 - Σ_t α_tp)²` over places and captions, for attention weights `[T, B, C, P]` and the `lengths` of the
/// `B C` captions. Rows of length 0 and time steps after an end do not count.
pub(super) fn penalty(weights: Tensor<4>, lengths: &[usize]) -> Tensor<1> {
    let ([time, pictures, captions, places], rows) = (weights.dims(), lengths.len());
    let on = (&weights.device(), weights.dtype());
    let flag = |is: bool| f32::from(u8::from(is));
    let steps: Vec<f32> = (0..time).flat_map(|t| lengths.iter().map(move |&length| flag(t < length))).collect();
    let steps = Tensor::<4>::from_data(TensorData::new(steps, [time, pictures, captions, 1]), on);
    let filled: Vec<f32> = lengths.iter().map(|&length| flag(length > 0)).collect();
    let count: f32 = filled.iter().sum();
    let filled = Tensor::<2>::from_data(TensorData::new(filled, [rows, 1]), on);
    let sums = (weights * steps).sum_dim(0).reshape([rows, places]);
    let missed = (sums.neg() + 1.0).square() * filled;
    missed.sum() / (f64::from(count) * places as f64)
}
