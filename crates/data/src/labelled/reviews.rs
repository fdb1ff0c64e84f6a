//! A generated data set: short reviews whose class is certain.
//!
//! A review mentions two or three things, of which only the film counts. `not` reverses the meaning of the word after
//! it, and statements about the rest (the popcorn, the seats) are irrelevant. So neither a single word nor the number
//! of positive words determines the class: the word order does.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{LabelledText, LabelledTexts};

const GOOD: [&str; 6] = ["good", "funny", "clever", "moving", "fresh", "lovely"];
const BAD: [&str; 6] = ["bad", "dull", "stupid", "tired", "stale", "awful"];
const FILM: [&str; 4] = ["film", "movie", "story", "picture"];
const REST: [&str; 4] = ["popcorn", "seat", "ticket", "foyer"];
const DEGREE: [&str; 4] = ["", "very ", "really ", "quite "];

/// The generator of `builtin:reviews`.
#[derive(Clone, Copy, Debug)]
pub struct Reviews;

impl Reviews {
    /// The name: `builtin:reviews`.
    pub const NAME: &'static str = "reviews";

    /// Number of texts.
    pub const COUNT: usize = 4000;

    /// The texts, in the classes `negative` and `positive`, always the same.
    pub fn texts() -> LabelledTexts {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let texts = (0..Self::COUNT).map(|number| {
            let good = rng.random_bool(0.5);
            let label = if good { "positive" } else { "negative" };
            let text = review(good, &mut rng);
            LabelledText { text, label: label.to_owned(), place: format!("text {number}") }
        });
        LabelledTexts { name: format!("builtin:{}", Self::NAME), texts: texts.collect() }
    }
}

fn review(good: bool, rng: &mut impl Rng) -> String {
    let mut parts = vec![opinion(&FILM, good, rng)];
    for _ in 0..rng.random_range(1..3) {
        let any = rng.random_bool(0.5);
        parts.push(opinion(&REST, any, rng));
    }
    parts.shuffle(rng);
    parts.join(" and ") + "."
}

/// `the film was not very dull`
fn opinion(of: &[&str], good: bool, rng: &mut impl Rng) -> String {
    let negated = rng.random_bool(0.4);
    let words = if good != negated { &GOOD } else { &BAD };
    let pick = |words: &[&'static str], rng: &mut _| *words.choose(rng).expect("the lists are not empty");
    let what = *of.choose(rng).expect("the lists are not empty");
    let not = if negated { "not " } else { "" };
    format!("the {what} was {not}{}{}", pick(&DEGREE, rng), pick(words, rng))
}
