//! The tasks, one module each.

pub mod caption;
pub mod chars;
pub mod draw;
pub mod frames;
pub mod sentiment;
pub mod translate;

/// The class with the highest log-probability, or the highest of other numbers; the last of equals.
fn likeliest(log_probs: &[f32]) -> usize {
    (0..log_probs.len()).max_by(|&a, &b| log_probs[a].total_cmp(&log_probs[b])).unwrap_or(0)
}
