//! The metrics of texts by name: hypotheses, each with its references, and the scores of all of them.

use std::collections::HashSet;
use std::fmt;
use std::ops::AddAssign;
use std::rc::Rc;
use std::str::FromStr;

use crate::captions::{MeteorStatistics, Tables, bleu_of, cider_d, rouge_l};
use crate::significance::{Segments, Summed};
use crate::translation::{Bleu, BleuStatistics, ChrfStatistics, Setup, TerStatistics, Tokenization};

/// A metric of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// BLEU: that of the COCO evaluation for [`Tokenization::Ptb`], sacrebleu's for the others.
    Bleu,
    /// chrF2.
    Chrf,
    /// Translation edit rate.
    Ter,
    /// ROUGE-L.
    RougeL,
    /// METEOR.
    Meteor,
    /// CIDEr-D.
    Cider,
    /// The share of hypotheses that are equal to one of their references.
    Exact,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Self; 7] =
        [Self::Bleu, Self::Chrf, Self::Ter, Self::RougeL, Self::Meteor, Self::Cider, Self::Exact];

    /// The tokenisation of the program that the metric is known from; none for a metric that uses no tokens of this
    /// kind.
    pub fn usual_tokenization(self) -> Option<Tokenization> {
        match self {
            Self::Bleu => Some(Tokenization::V13a),
            Self::RougeL | Self::Meteor | Self::Cider => Some(Tokenization::Ptb),
            Self::Chrf | Self::Ter | Self::Exact => None,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bleu => "bleu",
            Self::Chrf => "chrf",
            Self::Ter => "ter",
            Self::RougeL => "rouge-l",
            Self::Meteor => "meteor",
            Self::Cider => "cider",
            Self::Exact => "exact",
        })
    }
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|metric| metric.to_string() == name);
        known.ok_or_else(|| format!("possible values: {}", Self::ALL.map(|known| known.to_string()).join(", ")))
    }
}

/// Hypotheses, each with its references.
#[derive(Clone, Copy, Debug)]
pub struct Corpus<'a> {
    /// The hypotheses.
    pub hypotheses: &'a [String],
    /// The references of each.
    pub references: &'a [Vec<String>],
}

/// How texts are prepared and compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Preparation<'a> {
    /// The tokenisation; [`Metric::usual_tokenization`] if none.
    pub tokenization: Option<Tokenization>,
    /// Whether to ignore case. TER and METEOR always do.
    pub lowercase: bool,
    /// METEOR's tables of words; none for its exact and stem stages.
    pub tables: Option<&'a Tables>,
}

/// A figure of a corpus.
pub struct Scored {
    /// Its name: `BLEU`.
    pub name: &'static str,
    /// Its value.
    pub score: f64,
    /// The value of a perfect system, which says on which scale the figure is: 1, 10 or 100. TER has 0.
    pub perfect: f64,
    /// How it was computed.
    pub signature: String,
    /// What sacrebleu prints behind BLEU: precisions, brevity penalty and lengths.
    pub details: Option<String>,
    /// Its scores on other choices of sentences.
    pub segments: Box<dyn Segments>,
}

impl fmt::Debug for Scored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, score, signature, .. } = self;
        f.debug_struct("Scored").field("name", name).field("score", score).field("signature", signature).finish()
    }
}

impl Preparation<'_> {
    fn tokenization_of(&self, metric: Metric) -> Tokenization {
        self.tokenization.or(metric.usual_tokenization()).unwrap_or_default()
    }
}

/// A mean of sentences.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl AddAssign for Mean {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }
}

impl Mean {
    fn score(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }

    fn percent(&self) -> f64 {
        100.0 * self.score()
    }
}

/// The tokens of a corpus.
struct Tokens {
    hypotheses: Vec<Vec<String>>,
    references: Vec<Vec<Vec<String>>>,
}

impl Tokens {
    /// A value for each hypothesis and its references.
    fn each<T>(&self, of: impl Fn(&[String], &[Vec<String>]) -> T) -> Vec<T> {
        self.hypotheses.iter().zip(&self.references).map(|(ours, theirs)| of(ours, theirs)).collect()
    }
}

impl Corpus<'_> {
    /// The figures of `metric`: one, or four for the COCO evaluation's BLEU. `bootstrap` is for their signatures.
    ///
    /// # Panics
    ///
    /// When the numbers of hypotheses and of lists of references differ, or a list is empty.
    pub fn score(&self, metric: Metric, preparation: Preparation<'_>, bootstrap: Option<(usize, u64)>) -> Vec<Scored> {
        assert_eq!(self.hypotheses.len(), self.references.len(), "references are wanted for each hypothesis");
        assert!(self.references.iter().all(|references| !references.is_empty()), "each hypothesis needs a reference");
        let setup = Setup { references: self.reference_count(), bootstrap };
        let Preparation { lowercase, tables, .. } = preparation;
        let tokenization = preparation.tokenization_of(metric);
        let case = crate::translation::case(lowercase || tokenization == Tokenization::Ptb);
        let of_captions = |more: &str| setup.line(&format!("case:{case}|tok:{tokenization}{more}"));
        let mean = |each: Vec<f64>| each.into_iter().map(|sum| Mean { sum, count: 1.0 }).collect();
        match metric {
            Metric::Bleu if tokenization == Tokenization::Ptb => {
                let each: Rc<[_]> = self.tokens(tokenization, lowercase).each(BleuStatistics::of_tokens).into();
                let figure =
                    |(name, score): BleuFigure| scored(name, 1.0, of_captions("|smooth:none"), each.clone(), score);
                COCO_BLEU.into_iter().map(figure).collect()
            }
            Metric::Bleu => {
                let bleu = Bleu { tokenization, lowercase };
                let each = self.pairs(false, |ours, theirs| bleu.statistics(ours, theirs));
                let sum = sum(&each);
                let figure = scored("BLEU", 100.0, bleu.signature(&setup), each.into(), BleuStatistics::score);
                vec![Scored { details: Some(details(&sum)), ..figure }]
            }
            Metric::Chrf => {
                let each = self.pairs(lowercase, ChrfStatistics::of);
                let signature = ChrfStatistics::signature(lowercase, &setup);
                vec![scored("chrF2", 100.0, signature, each.into(), ChrfStatistics::score)]
            }
            Metric::Ter => {
                let each = self.pairs(false, TerStatistics::of);
                vec![scored("TER", 0.0, TerStatistics::signature(&setup), each.into(), TerStatistics::score)]
            }
            Metric::RougeL => {
                let each: Vec<Mean> = mean(self.tokens(tokenization, lowercase).each(rouge_l));
                vec![scored("ROUGE-L", 1.0, of_captions(""), each.into(), Mean::score)]
            }
            Metric::Meteor => {
                let (without, tokens) = (Tables::default(), self.meteor_tokens(preparation));
                let tables = tables.unwrap_or(&without);
                let each = tokens.each(|ours, theirs| MeteorStatistics::of(ours, theirs, tables));
                let signature = setup.line(&format!("case:lc|tok:{tokenization}|stages:{}", tables.stages()));
                vec![scored("METEOR", 1.0, signature, each.into(), MeteorStatistics::score)]
            }
            Metric::Cider => {
                let Tokens { hypotheses, references } = self.tokens(tokenization, lowercase);
                let each: Vec<Mean> = mean(cider_d(&hypotheses, &references));
                vec![scored("CIDEr-D", 10.0, of_captions(""), each.into(), Mean::score)]
            }
            Metric::Exact => {
                let equal = |ours: &str, theirs: &[&str]| f64::from(theirs.iter().any(|one| ours.trim() == one.trim()));
                let each: Vec<Mean> = mean(self.pairs(lowercase, equal));
                let signature = setup.line(&format!("case:{}", crate::translation::case(lowercase)));
                vec![scored("exact", 100.0, signature, each.into(), Mean::percent)]
            }
        }
    }

    /// The words that METEOR compares, for [`Tables::with_paraphrases`].
    pub fn meteor_words(&self, preparation: Preparation<'_>) -> HashSet<String> {
        let Tokens { hypotheses, references } = self.meteor_tokens(preparation);
        let texts = hypotheses.iter().chain(references.iter().flatten());
        texts.flat_map(|words| MeteorStatistics::words(words)).collect()
    }

    fn meteor_tokens(&self, preparation: Preparation<'_>) -> Tokens {
        // The authors' program ignores case.
        self.tokens(preparation.tokenization_of(Metric::Meteor), true)
    }

    /// The number of references of each hypothesis; none if it varies.
    fn reference_count(&self) -> Option<usize> {
        let first = self.references.first().map_or(0, Vec::len);
        self.references.iter().all(|references| references.len() == first).then_some(first)
    }

    /// A value for each hypothesis and its references.
    fn pairs<T>(&self, lowercase: bool, of: impl Fn(&str, &[&str]) -> T) -> Vec<T> {
        let pair = |(ours, theirs): (&String, &Vec<String>)| {
            if lowercase {
                let theirs: Vec<String> = theirs.iter().map(|text| text.to_lowercase()).collect();
                of(&ours.to_lowercase(), &theirs.iter().map(String::as_str).collect::<Vec<_>>())
            } else {
                of(ours, &theirs.iter().map(String::as_str).collect::<Vec<_>>())
            }
        };
        self.hypotheses.iter().zip(self.references).map(pair).collect()
    }

    fn tokens(&self, tokenization: Tokenization, lowercase: bool) -> Tokens {
        let tokens = |text: &String| {
            if lowercase { tokenization.tokens(&text.to_lowercase()) } else { tokenization.tokens(text) }
        };
        let all = |texts: &Vec<String>| texts.iter().map(tokens).collect();
        Tokens {
            hypotheses: self.hypotheses.iter().map(tokens).collect(),
            references: self.references.iter().map(all).collect(),
        }
    }
}

/// A name and a figure of BLEU.
type BleuFigure = (&'static str, fn(&BleuStatistics) -> f64);

/// The COCO evaluation's figures of BLEU.
const COCO_BLEU: [BleuFigure; 4] = [
    ("BLEU-1", |sum| bleu_of(sum)[0]),
    ("BLEU-2", |sum| bleu_of(sum)[1]),
    ("BLEU-3", |sum| bleu_of(sum)[2]),
    ("BLEU-4", |sum| bleu_of(sum)[3]),
];

fn scored<S: Copy + Default + AddAssign + 'static>(
    name: &'static str,
    perfect: f64,
    signature: String,
    each: Rc<[S]>,
    score: fn(&S) -> f64,
) -> Scored {
    let of_all = score(&sum(&each));
    Scored { name, score: of_all, perfect, signature, details: None, segments: Box::new(Summed { each, score }) }
}

fn sum<S: Copy + Default + AddAssign>(each: &[S]) -> S {
    let mut sum = S::default();
    each.iter().for_each(|one| sum += *one);
    sum
}

/// `37.7/21.0/12.5/7.9 (BP = 0.933 ratio = 0.935 hyp_len = 43 ref_len = 46)`
fn details(sum: &BleuStatistics) -> String {
    let precisions = sum.precisions().map(|precision| format!("{precision:.1}")).join("/");
    let (ours, theirs) = (sum.hypothesis_length, sum.reference_length);
    let ratio = if theirs == 0 { 0.0 } else { ours as f64 / theirs as f64 };
    format!("{precisions} (BP = {:.3} ratio = {ratio:.3} hyp_len = {ours} ref_len = {theirs})", sum.brevity_penalty())
}
