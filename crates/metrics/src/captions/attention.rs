//! Attention correctness: the share of attention on an object while it is named.
//!
//! Liu, Mao, Sha and Yuille 2017, "Attention correctness in neural image captioning" (arXiv 1605.09553).

/// The mean attention weight on the place of an object, over the words that name one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AttentionCorrectness {
    sum: f64,
    words: u64,
}

impl AttentionCorrectness {
    /// Adds a word with its attention weights over a square map, row by row. The object that it names is at `place` of
    /// a grid of `grid` by `grid` places, row by row.
    pub fn add(&mut self, weights: &[f32], place: usize, grid: usize) {
        self.sum += f64::from(on_place(weights, place, grid));
        self.words += 1;
    }

    /// The mean; none without words.
    pub fn mean(self) -> Option<f64> {
        (self.words > 0).then(|| self.sum / self.words as f64)
    }
}

/// The attention on a place of the grid. A place of the map belongs to the one that contains its centre.
fn on_place(weights: &[f32], place: usize, grid: usize) -> f32 {
    let side = weights.len().isqrt();
    let cell = |at: usize| (2 * at + 1) * grid / (2 * side);
    let inside = |index: &usize| cell(index / side) * grid + cell(index % side) == place;
    (0..weights.len()).filter(inside).map(|index| weights[index]).sum()
}

#[cfg(test)]
mod tests;
