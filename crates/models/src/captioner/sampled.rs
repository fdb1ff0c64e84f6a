//! Self-critical training (Rennie et al. 2017, arXiv 1612.00563): the model writes captions, and their rewards weight
//! their log-probabilities.
//!
//! ```text
//! y_1 .. y_K ~ p(y | image)                              K captions, drawn token by token
//! L  = -1/C Σ_c w_c ln p(y_c),  w_c = r(y_c) - b_c       over the C captions of a batch
//! ```
//!
//! `r` is the reward. If the baseline `b_c` does not depend on `y_c`, the mean of `∇L` over the draws is the gradient
//! of the negative expected reward. Two baselines are usual: the reward of the greedy caption, and the mean reward of
//! the image's other captions (Luo 2020, arXiv 2003.09971).

use burn::tensor::{DType, Tensor, TensorData};
use rekindle_kernels::cross_entropy::cross_entropy;
use rekindle_rnn::LossParts;

use super::Captioner;
use crate::decode::forced::Targets;
use crate::decode::{DecodeError, Hypothesis, Sampling, StepDecoder, Together, sample};

/// A logit, added to others, whose probability is 0.
const NEVER: f32 = -1e4;

/// A caption with the weight of its log-probability in [`Captioner::weighted_loss`].
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedCaption {
    /// Its tokens: the end included, unless the maximum length cut it off.
    pub tokens: Vec<u32>,
    /// Its weight, of any sign.
    pub weight: f64,
}

impl Captioner {
    /// Samples `count` captions for each of `B` images, side by side. `features` is `[B, P, F]`; tokens of `never` are
    /// excluded.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` is invalid, or the device fails.
    pub fn draw_several(
        &self,
        features: Tensor<3>,
        count: usize,
        never: &[u32],
        longest: usize,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Vec<Vec<Hypothesis>>, DecodeError> {
        Self::draw_several_together(&[(self, features)], count, never, longest, sampling, seed)
    }

    /// The same of several models with the same tokens, each with its own features of the images: their probabilities
    /// are averaged at each token.
    ///
    /// # Errors
    ///
    /// When a setting of `sampling` is invalid, or the device fails.
    ///
    /// # Panics
    ///
    /// When there is no model.
    pub fn draw_several_together(
        members: &[(&Self, Tensor<3>)],
        count: usize,
        never: &[u32],
        longest: usize,
        sampling: Sampling,
        seed: u64,
    ) -> Result<Vec<Vec<Hypothesis>>, DecodeError> {
        let images = members[0].1.dims()[0];
        let rows: Vec<usize> = (0..images * count).map(|row| row / count).collect();
        let symbols = members[0].0.symbols(never);
        let drawn = if let [(model, features)] = members {
            let mut state = model.begin(features.clone());
            model.select_rows(&mut state, &rows);
            sample(*model, state, rows.len(), &symbols, longest, sampling, seed)?
        } else {
            let (models, mut state, _) = Self::begin_together(members);
            let together = Together(&models);
            together.select_rows(&mut state, &rows);
            sample(&together, state, rows.len(), &symbols, longest, sampling, seed)?
        };
        let mut drawn = drawn.into_iter();
        Ok((0..images).map(|_| drawn.by_ref().take(count).collect()).collect())
    }

    /// Training loss `[1]` for `B` images with their weighted captions: `-1/C Σ_c w_c ln p(y_c)` over all `C` captions,
    /// plus, in training, the penalties on the hidden states. `p` is the distribution that captions are drawn from,
    /// without the words `never`: otherwise a caption's negative weight would move probability to words that are never
    /// drawn, and so never weighed. Label smoothing, the doubly stochastic penalty and scheduled sampling belong to
    /// [`loss`](Self::loss) alone. `features` is `[B, P, F]`.
    ///
    /// # Panics
    ///
    /// When there is no caption, a caption has no token, the number of caption lists is not the number of images, or a
    /// token of `never` is not in the vocabulary.
    pub fn weighted_loss(&self, features: Tensor<3>, captions: &[Vec<WeightedCaption>], never: &[u32]) -> Tensor<1> {
        self.weighted_loss_parts(features, captions, never).sum()
    }

    /// The same as [means](LossParts) over captions and hidden values.
    ///
    /// # Panics
    ///
    /// As [`weighted_loss`](Self::weighted_loss).
    pub fn weighted_loss_parts(
        &self,
        features: Tensor<3>,
        captions: &[Vec<WeightedCaption>],
        never: &[u32],
    ) -> LossParts {
        let images = features.dims()[0];
        assert!(captions.len() == images, "{images} images and captions of {}", captions.len());
        let most = captions.iter().map(Vec::len).max().unwrap_or(0);
        let all = || captions.iter().flatten();
        assert!(
            all().next().is_some() && all().all(|caption| !caption.tokens.is_empty()),
            "captions with a token each"
        );
        let rows = captions.iter().flat_map(|captions| (0..most).map(move |number| captions.get(number)));
        let rows: Vec<Option<&[u32]>> = rows.map(|caption| caption.map(|caption| &caption.tokens[..])).collect();
        let targets = Targets::whole(&rows, self.start, self.start, &self.device());
        let read = self.read(features, &targets);
        let logits = self.logits(read.outputs);
        let logits = logits.clone() + self.mask(never, logits.dtype());
        let share = 1.0 / all().count() as f64;
        let weights = all().flat_map(|caption| caption.tokens.iter().map(move |_| (caption.weight * share) as f32));
        let weights = TensorData::new(weights.collect::<Vec<f32>>(), [targets.lengths.iter().sum::<usize>()]);
        let weights = Tensor::from_data(weights, (&self.device(), logits.dtype()));
        let loss = (cross_entropy(logits, targets.wanted) * weights).sum();
        LossParts::of(loss, all().count() as f64).and(read.penalty)
    }

    /// The mask `[1, V]` that removes the words `never`, and the start, from a softmax.
    fn mask(&self, never: &[u32], dtype: DType) -> Tensor<2> {
        let [words, _] = self.output.dims();
        let mut mask = vec![0.0_f32; words];
        never.iter().chain([&self.start]).for_each(|&word| mask[word as usize] = NEVER);
        Tensor::from_data(TensorData::new(mask, [1, words]), (&self.device(), dtype))
    }
}
