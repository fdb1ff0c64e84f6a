//! CIDEr-D.

use std::collections::{HashMap, HashSet};

/// The longest n-gram.
const LONGEST: usize = 4;
/// Scale of the length penalty, in words.
const SIGMA: f64 = 6.0;

/// CIDEr-D of Vedantam et al. 2015 ("CIDEr: consensus-based image description evaluation", section 5 and the D variant
/// of the appendix), for each candidate, from 0 to 10; that of the corpus is their mean.
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
/// # Panics
///
/// When the numbers of candidates and of lists of references differ, or a list is empty.
pub fn cider_d(candidates: &[Vec<String>], references: &[Vec<Vec<String>>]) -> Vec<f64> {
    assert_eq!(candidates.len(), references.len(), "references are wanted for each candidate");
    let mut documents = Documents { images: candidates.len() as f64, frequency: HashMap::new() };
    for references in references {
        let ngrams: HashSet<&[String]> = references.iter().flat_map(|reference| ngrams(reference)).collect();
        for ngram in ngrams {
            *documents.frequency.entry(ngram).or_default() += 1.0;
        }
    }
    let score = |candidate: &Vec<String>, references: &Vec<Vec<String>>| {
        assert!(!references.is_empty(), "each candidate needs at least one reference");
        let candidate = Vector::new(candidate, &documents);
        let alike = references.iter().map(|reference| similarity(&candidate, &Vector::new(reference, &documents)));
        10.0 * alike.sum::<f64>() / references.len() as f64
    };
    candidates.iter().zip(references).map(|(candidate, references)| score(candidate, references)).collect()
}

/// The n-grams of one to [`LONGEST`] words.
fn ngrams(words: &[String]) -> impl Iterator<Item = &[String]> {
    (1..=LONGEST).flat_map(|n| words.windows(n))
}

/// The number of images with each n-gram in their references.
struct Documents<'a> {
    images: f64,
    frequency: HashMap<&'a [String], f64>,
}

/// The weighted n-grams of a sentence.
struct Vector<'a> {
    weights: HashMap<&'a [String], f64>,
    /// The norm of the vector of each n, `‖g_n‖`.
    norms: [f64; LONGEST],
    bigrams: f64,
}

impl<'a> Vector<'a> {
    fn new(words: &'a [String], documents: &Documents<'_>) -> Self {
        let mut weights: HashMap<&[String], f64> = HashMap::new();
        for ngram in ngrams(words) {
            *weights.entry(ngram).or_default() += 1.0;
        }
        let mut norms = [0.0; LONGEST];
        for (ngram, weight) in &mut weights {
            // An n-gram without a reference has the weight of one in a single image.
            let frequency = documents.frequency.get(ngram).map_or(1.0, |frequency| *frequency);
            *weight *= (documents.images / frequency).ln();
            norms[ngram.len() - 1] += *weight * *weight;
        }
        Self { weights, norms: norms.map(f64::sqrt), bigrams: words.len().saturating_sub(1) as f64 }
    }
}

/// The mean over n of the clipped cosine, with the penalty for the difference in length.
fn similarity(candidate: &Vector<'_>, reference: &Vector<'_>) -> f64 {
    let mut products = [0.0; LONGEST];
    for (ngram, weight) in &candidate.weights {
        let wanted = reference.weights.get(ngram).copied().unwrap_or(0.0);
        products[ngram.len() - 1] += weight.min(wanted) * wanted;
    }
    let cosine = |n: usize| match candidate.norms[n] * reference.norms[n] {
        0.0 => 0.0,
        norms => products[n] / norms,
    };
    let difference = candidate.bigrams - reference.bigrams;
    let damping = (-difference * difference / (2.0 * SIGMA * SIGMA)).exp();
    damping * (0..LONGEST).map(cosine).sum::<f64>() / LONGEST as f64
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
}
