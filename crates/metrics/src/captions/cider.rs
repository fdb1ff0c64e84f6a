//! CIDEr-D.

use std::collections::HashMap;
use std::hash::Hash;

/// The longest n-gram.
const LONGEST: usize = 4;
/// Scale of the length penalty, in words.
const SIGMA: f64 = 6.0;

/// CIDEr-D of each candidate, from 0 to 10; that of the corpus is their mean. See [`CiderD`].
///
/// # Panics
///
/// When the numbers of candidates and of lists of references differ, or a list is empty.
pub fn cider_d(candidates: &[Vec<String>], references: &[Vec<Vec<String>>]) -> Vec<f64> {
    assert_eq!(candidates.len(), references.len(), "references are wanted for each candidate");
    let references = references.iter().map(|references| references.iter().map(|words| borrowed(words)).collect());
    let metric = CiderD::new(&references.collect::<Vec<Vec<Vec<&str>>>>());
    candidates.iter().enumerate().map(|(image, candidate)| metric.score(image, &borrowed(candidate))).collect()
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// CIDEr-D with fixed references, whose n-grams are counted and weighted once: for many candidates of the same images.
///
/// The scores of Vedantam et al. 2015 ("CIDEr: consensus-based image description evaluation", section 5 and the D
/// variant of the appendix), for each candidate, from 0 to 10; that of a corpus is their mean.
///
/// The weight of each n-gram `ω` is its term frequency times `log(N / df(ω))`, where `N` is the number of images and
/// `df` the number of those with `ω` in some reference. So a score depends on all images together, and a corpus of one
/// image has 0. With the weights `g` of candidate `c` and reference `r`, and lengths `l`:
///
/// ```text
/// CIDEr-D_n = 10/m Σ_r exp(-(l_c - l_r)² / 2σ²) · min(g_n(c), g_n(r)) · g_n(r) / (‖g_n(c)‖ ‖g_n(r)‖)      σ = 6
/// ```
///
/// averaged over n from 1 to 4. As in the reference implementation, a length is the number of bigrams.
///
/// ```
/// use rekindle_metrics::captions::CiderD;
///
/// // A word can be of any type, for instance the number of a token.
/// let metric = CiderD::new(&[vec![vec![1, 2, 3, 4]], vec![vec![5, 6], vec![7]]]);
/// assert!((metric.score(0, &[1, 2, 3, 4]) - 10.0).abs() < 1e-9);
/// assert_eq!(metric.score(1, &[1, 2]), 0.0);
/// ```
#[derive(Clone, Debug)]
pub struct CiderD<W> {
    /// The number of each n-gram of the references, in the order in which they first appear.
    numbers: HashMap<Box<[W]>, u32>,
    /// `log(N / df)` of each n-gram by its number.
    rarity: Vec<f64>,
    /// `log N`: an n-gram without a reference has the weight of one in a single image.
    unknown: f64,
    /// The vectors of each image's references.
    references: Vec<Vec<Vector>>,
}

/// The counted n-grams of a sentence that some reference has.
#[derive(Clone, Debug)]
struct Vector {
    /// Number and count of each n-gram, by rising number, for each n.
    counts: [Vec<(u32, f32)>; LONGEST],
    /// The norm of the vector of each n, `‖g_n‖`.
    norms: [f64; LONGEST],
    bigrams: f64,
}

impl<W: Clone + Eq + Hash + Ord> CiderD<W> {
    /// The metric of images with these references each.
    ///
    /// # Panics
    ///
    /// When an image has no reference, or there are 2^32 n-grams.
    pub fn new(references: &[Vec<Vec<W>>]) -> Self {
        let mut numbers: HashMap<Box<[W]>, u32> = HashMap::new();
        // The images with each n-gram, and the last one that was counted.
        let mut images: Vec<(f64, usize)> = Vec::new();
        for (image, references) in references.iter().enumerate() {
            assert!(!references.is_empty(), "each image needs at least one reference");
            for ngram in references.iter().flat_map(|reference| ngrams(reference)) {
                let Some(&number) = numbers.get(ngram) else {
                    numbers.insert(ngram.into(), u32::try_from(images.len()).expect("fewer than 2^32 n-grams"));
                    images.push((1.0, image));
                    continue;
                };
                let (count, last) = &mut images[number as usize];
                if *last != image {
                    (*count, *last) = (*count + 1.0, image);
                }
            }
        }
        let all = references.len() as f64;
        let rarity = images.iter().map(|(count, _)| (all / count).ln()).collect();
        let mut metric = Self { numbers, rarity, unknown: all.max(1.0).ln(), references: Vec::new() };
        let vectors = |references: &Vec<Vec<W>>| references.iter().map(|words| metric.vector(words)).collect();
        metric.references = references.iter().map(vectors).collect();
        metric
    }

    /// The score of a candidate for the image of this number, from 0 to 10.
    ///
    /// # Panics
    ///
    /// When there is no such image.
    pub fn score(&self, image: usize, candidate: &[W]) -> f64 {
        let (candidate, references) = (self.vector(candidate), &self.references[image]);
        let alike = references.iter().map(|reference| self.similarity(&candidate, reference));
        10.0 * alike.sum::<f64>() / references.len() as f64
    }

    /// The expected score of each candidate, from 0 to 10, if the only reference were one of `samples`, all equally
    /// likely: its mean score against them. Where the candidate itself is among the samples, one copy of it is left
    /// out. The samples of a model are its guesses of what references say, so that the candidate with the greatest
    /// value is the decision of least expected loss (minimum Bayes risk: Kumar and Byrne 2004, "Minimum Bayes-risk
    /// decoding for statistical machine translation", equation 4). Without another sample it is 0.
    ///
    /// ```
    /// use rekindle_metrics::captions::CiderD;
    ///
    /// let metric = CiderD::new(&[vec![vec![1, 2]], vec![vec![3, 4]], vec![vec![5]]]);
    /// let expected = metric.expected(&[vec![1, 2], vec![3, 4], vec![5]], &[vec![1, 2], vec![3, 4], vec![1, 2]]);
    /// assert!(expected[0] > expected[1] && expected[2] == 0.0);
    /// ```
    pub fn expected(&self, candidates: &[Vec<W>], samples: &[Vec<W>]) -> Vec<f64> {
        let mut counts: HashMap<&[W], f64> = HashMap::new();
        samples.iter().for_each(|sample| *counts.entry(sample).or_default() += 1.0);
        // In the order in which they first appear, so that sums are the same in each run.
        let mut others = Vec::with_capacity(counts.len());
        for sample in samples {
            if let Some(count) = counts.remove(&sample[..]) {
                others.push((sample, self.vector(sample), count));
            }
        }
        let of_candidate = |candidate: &Vec<W>| {
            let vector = self.vector(candidate);
            let (mut sum, mut all) = (0.0, 0.0);
            for (sample, other, count) in &others {
                let count = if *sample == candidate { count - 1.0 } else { *count };
                if count > 0.0 {
                    sum += count * self.similarity(&vector, other);
                    all += count;
                }
            }
            if all > 0.0 { 10.0 * sum / all } else { 0.0 }
        };
        candidates.iter().map(of_candidate).collect()
    }

    fn vector(&self, words: &[W]) -> Vector {
        let mut norms = [0.0; LONGEST];
        let counts = std::array::from_fn(|n| {
            let mut ngrams: Vec<&[W]> = words.windows(n + 1).collect();
            ngrams.sort_unstable();
            let mut counts = Vec::with_capacity(ngrams.len());
            for alike in ngrams.chunk_by(|a, b| a == b) {
                let number = self.numbers.get(alike[0]).copied();
                let weight = alike.len() as f64 * number.map_or(self.unknown, |number| self.rarity[number as usize]);
                norms[n] += weight * weight;
                counts.extend(number.map(|number| (number, alike.len() as f32)));
            }
            counts.sort_unstable_by_key(|&(number, _)| number);
            counts
        });
        Vector { counts, norms: norms.map(f64::sqrt), bigrams: words.len().saturating_sub(1) as f64 }
    }

    /// The mean over n of the clipped cosine, with the penalty for the difference in length.
    fn similarity(&self, candidate: &Vector, reference: &Vector) -> f64 {
        let cosine = |n: usize| match candidate.norms[n] * reference.norms[n] {
            0.0 => 0.0,
            norms => self.clipped_product(&candidate.counts[n], &reference.counts[n]) / norms,
        };
        let difference = candidate.bigrams - reference.bigrams;
        let damping = (-difference * difference / (2.0 * SIGMA * SIGMA)).exp();
        damping * (0..LONGEST).map(cosine).sum::<f64>() / LONGEST as f64
    }

    /// `min(g(c), g(r)) · g(r)`.
    fn clipped_product(&self, candidate: &[(u32, f32)], reference: &[(u32, f32)]) -> f64 {
        let mut product = 0.0;
        let mut reference = reference.iter().peekable();
        for &(number, count) in candidate {
            while reference.next_if(|(other, _)| *other < number).is_some() {}
            if let Some((_, wanted)) = reference.next_if(|(other, _)| *other == number) {
                let rarity = self.rarity[number as usize];
                product += f64::from(count.min(*wanted)) * f64::from(*wanted) * rarity * rarity;
            }
        }
        product
    }
}

/// The n-grams of one to [`LONGEST`] words.
fn ngrams<W>(words: &[W]) -> impl Iterator<Item = &[W]> {
    (1..=LONGEST).flat_map(|n| words.windows(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_only_reference_itself_has_ten_and_nothing_in_common_has_zero() {
        let references = [vec![split("a red dog runs fast")], vec![split("two cats sleep all day")]];
        let scores = cider_d(&[split("a red dog runs fast"), split("nobody is here")], &references);
        assert!((scores[0] - 10.0).abs() < 1e-9, "{scores:?}");
        assert_eq!(scores[1], 0.0);
    }

    #[test]
    fn what_every_image_has_tells_nothing() {
        let references = [vec![split("a dog")], vec![split("a cat")]];
        assert_eq!(cider_d(&[split("a"), split("a")], &references), [0.0, 0.0]);
    }

    #[test]
    fn one_image_alone_and_an_empty_caption_have_zero() {
        assert_eq!(cider_d(&[split("a dog")], &[vec![split("a dog")]]), [0.0]);
        assert_eq!(cider_d(&[vec![], split("b")], &[vec![split("a")], vec![split("b c")]])[0], 0.0);
        assert!(cider_d(&[], &[]).is_empty());
    }

    #[test]
    fn what_is_expected_is_the_mean_score_against_the_other_samples() {
        let all = [vec![split("a red dog runs fast")], vec![split("two cats sleep all day")], vec![split("a cat")]];
        let samples = [split("a red dog runs"), split("a red dog runs"), split("two cats sleep"), split("a red cat")];
        let candidates = [split("a red dog runs"), split("a red cat"), split("two dogs"), split("a red dog")];
        let metric = CiderD::new(&all);
        let score = |candidate: &Vec<String>, others: &[usize]| {
            let against =
                |&other: &usize| 10.0 * metric.similarity(&metric.vector(candidate), &metric.vector(&samples[other]));
            others.iter().map(against).sum::<f64>() / others.len() as f64
        };
        let others: [&[usize]; 4] = [&[1, 2, 3], &[0, 1, 2], &[0, 1, 2, 3], &[0, 1, 2, 3]];
        let expected = metric.expected(&candidates, &samples);
        for ((candidate, others), expected) in candidates.iter().zip(others).zip(&expected) {
            assert!((score(candidate, others) - expected).abs() < 1e-12, "{candidate:?}: {expected}");
        }
        assert!(expected[0] > expected[3] && expected[3] > expected[2], "{expected:?}");
        assert_eq!(metric.expected(&candidates[..1], &samples[..1]), [0.0]);
        assert_eq!(metric.expected(&candidates[..1], &[]), [0.0]);
    }

    #[test]
    fn a_candidate_scored_alone_has_the_score_that_it_has_in_the_corpus() {
        let references = [
            vec![split("a red dog runs fast"), split("a dog a dog")],
            vec![split("two cats sleep all day")],
            vec![split("a cat and a dog")],
        ];
        let candidates = [split("a dog runs a dog"), split("two new cats"), split("a dog and a cat")];
        let all = cider_d(&candidates, &references);
        // Words as numbers, another for each.
        let mut words: Vec<String> = references.iter().flatten().chain(&candidates).flatten().cloned().collect();
        words.sort_unstable();
        words.dedup();
        let number = |text: &Vec<String>| text.iter().map(|word| words.binary_search(word).unwrap()).collect();
        let numbers = |texts: &Vec<Vec<String>>| texts.iter().map(number).collect();
        let metric = CiderD::new(&references.iter().map(numbers).collect::<Vec<Vec<Vec<usize>>>>());
        for (image, candidate) in candidates.iter().enumerate() {
            let score = metric.score(image, &number(candidate));
            // Other numbers sort otherwise, and are added in another order.
            assert!((score - all[image]).abs() < 1e-12 && score > 0.0, "{score} and {all:?}");
        }
    }
}
