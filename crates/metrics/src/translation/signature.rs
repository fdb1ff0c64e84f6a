//! sacrebleu's signatures: a line that says how a score was computed, to be reported with it.

use super::{Bleu, ChrfStatistics, TerStatistics};

/// The version of sacrebleu whose numbers these are.
pub const SACREBLEU: &str = "2.6.0";

/// What the signatures of all metrics say first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// References of each sentence; none if their number varies.
    pub references: Option<usize>,
    /// Resamples and seed of a paired bootstrap test, if there is one.
    pub bootstrap: Option<(usize, u64)>,
}

impl Setup {
    /// `nrefs:1|bs:1000|seed:12345` and what follows it.
    pub fn line(&self, of_metric: &str) -> String {
        let references = self.references.map_or_else(|| "var".to_owned(), |count| count.to_string());
        let bootstrap = self.bootstrap.map_or_else(String::new, |(count, seed)| format!("bs:{count}|seed:{seed}|"));
        format!("nrefs:{references}|{bootstrap}{of_metric}")
    }

    fn of_sacrebleu(&self, of_metric: &str) -> String {
        self.line(&format!("{of_metric}|version:{SACREBLEU}"))
    }
}

impl Bleu {
    /// The signature of the score: `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0`.
    pub fn signature(&self, setup: &Setup) -> String {
        setup.of_sacrebleu(&format!("case:{}|eff:no|tok:{}|smooth:exp", case(self.lowercase), self.tokenization))
    }
}

impl ChrfStatistics {
    /// The signature of the score, of sentences whose case was ignored or not.
    pub fn signature(lowercase: bool, setup: &Setup) -> String {
        setup.of_sacrebleu(&format!("case:{}|eff:yes|nc:6|nw:0|space:no", case(lowercase)))
    }
}

impl TerStatistics {
    /// The signature of the score.
    pub fn signature(setup: &Setup) -> String {
        setup.of_sacrebleu("case:lc|tok:tercom|norm:no|punct:yes|asian:no")
    }
}

/// Whether case is ignored, in sacrebleu's words.
pub(crate) fn case(lowercase: bool) -> &'static str {
    if lowercase { "lc" } else { "mixed" }
}
