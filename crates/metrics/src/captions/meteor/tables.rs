//! The tables of words for METEOR's synonyms and paraphrases, in the form of the authors' program.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;

use super::alignment::Span;

/// Tables of words. Without them METEOR has the exact and stem stages.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    pub(super) synonyms: Option<Synonyms>,
    pub(super) paraphrases: Option<Paraphrases>,
}

/// A table that is not in its form.
#[derive(Debug)]
pub enum TableError {
    /// It cannot be read.
    Read(io::Error),
    /// A line, from 1, is not what it should be.
    Line {
        /// The line.
        line: usize,
        /// What was expected.
        wanted: &'static str,
    },
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "cannot be read: {error}"),
            Self::Line { line, wanted } => write!(f, "line {line}: must be {wanted}"),
        }
    }
}

impl std::error::Error for TableError {}

impl Tables {
    /// Adds the synonyms of WordNet: `exceptions` are irregular forms (a line with a word, then one with its forms),
    /// `synsets` the meanings of words (a line with a word, then one with numbers).
    ///
    /// # Errors
    ///
    /// When a line is not of this kind.
    pub fn with_synonyms(self, exceptions: &str, synsets: &str) -> Result<Self, TableError> {
        Ok(Self { synonyms: Some(Synonyms::parse(exceptions, synsets)?), ..self })
    }

    /// Adds paraphrases: three lines each, a probability and two phrases. Only those of the words `known` are kept:
    /// those of the texts that are scored.
    ///
    /// # Errors
    ///
    /// When a line cannot be read, or the last paraphrase is not whole.
    pub fn with_paraphrases(
        self,
        lines: impl Iterator<Item = io::Result<String>>,
        known: &HashSet<String>,
    ) -> Result<Self, TableError> {
        Ok(Self { paraphrases: Some(Paraphrases::read(lines, known)?), ..self })
    }

    /// The names of the stages: `exact,stem,synonym`.
    pub fn stages(&self) -> String {
        let more = [(self.synonyms.is_some(), ",synonym"), (self.paraphrases.is_some(), ",paraphrase")];
        let more: String = more.into_iter().filter_map(|(there, name)| there.then_some(name)).collect();
        format!("exact,stem{more}")
    }
}

/// Endings of inflected words, and those of their bases.
const ENDINGS: [(&str, &str); 20] = [
    ("s", ""),
    ("ses", "s"),
    ("xes", "x"),
    ("zes", "z"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("men", "man"),
    ("ies", "y"),
    ("s", ""),
    ("ies", "y"),
    ("es", "e"),
    ("es", ""),
    ("ed", "e"),
    ("ed", ""),
    ("ing", "e"),
    ("ing", ""),
    ("er", ""),
    ("est", ""),
    ("er", "e"),
    ("est", "e"),
];

/// The meanings of words.
#[derive(Clone, Debug)]
pub(super) struct Synonyms {
    bases: HashMap<String, Vec<String>>,
    meanings: HashMap<String, HashSet<u32>>,
}

impl Synonyms {
    fn parse(exceptions: &str, synsets: &str) -> Result<Self, TableError> {
        let mut bases: HashMap<String, Vec<String>> = HashMap::new();
        let mut lines = exceptions.lines().enumerate();
        while let Some((number, base)) = lines.next() {
            let wanted = "a word, and the next line its forms";
            let (_, forms) = lines.next().ok_or(TableError::Line { line: number + 1, wanted })?;
            for form in forms.split_whitespace() {
                bases.entry(form.to_owned()).or_default().push(base.to_owned());
            }
        }
        let mut meanings = HashMap::new();
        let mut lines = synsets.lines().enumerate();
        while let Some((number, word)) = lines.next() {
            let wanted = "a word, and the next line the numbers of its meanings";
            let (_, numbers) = lines.next().ok_or(TableError::Line { line: number + 1, wanted })?;
            let parsed = numbers.split_whitespace().map(str::parse).collect::<Result<HashSet<u32>, _>>();
            meanings
                .insert(word.to_owned(), parsed.map_err(|_| TableError::Line { line: number + 2, wanted: "numbers" })?);
        }
        Ok(Self { bases, meanings })
    }

    /// The meanings of a word and of its base.
    pub fn meanings(&self, word: &str) -> HashSet<u32> {
        let own = |word: &str| self.meanings.get(word).into_iter().flatten().copied();
        let mut meanings: HashSet<u32> = own(word).collect();
        match self.bases.get(word) {
            Some(bases) => meanings.extend(bases.iter().flat_map(|base| own(base))),
            None => meanings.extend(self.base(word).into_iter().flat_map(|base| own(&base).collect::<Vec<_>>())),
        }
        meanings
    }

    /// The base of a regular form.
    fn base(&self, word: &str) -> Option<String> {
        if word.ends_with("ss") || word.chars().count() <= 2 {
            return Some(word.to_owned());
        }
        let with = |(ending, other): (&str, &str)| Some(word.strip_suffix(ending)?.to_owned() + other);
        ENDINGS.into_iter().filter_map(with).find(|base| self.meanings.contains_key(base))
    }
}

/// Phrases with the same meaning.
#[derive(Clone, Debug)]
pub(super) struct Paraphrases {
    /// The paraphrases of each phrase, in the order of the table.
    of: HashMap<Vec<String>, Vec<Vec<String>>>,
    /// The longest phrase.
    longest: usize,
}

impl Paraphrases {
    fn read(mut lines: impl Iterator<Item = io::Result<String>>, known: &HashSet<String>) -> Result<Self, TableError> {
        let (mut of, mut longest): (HashMap<_, Vec<_>>, _) = (HashMap::new(), 0);
        let mut number = 0;
        while let Some(probability) = lines.next() {
            let probability = probability.map_err(TableError::Read)?;
            if probability.trim().parse::<f64>().is_err() {
                let wanted = "a probability, and the next two lines the phrases that have it";
                return Err(TableError::Line { line: number + 1, wanted });
            }
            let mut phrase = |line: usize| {
                let wanted = "a phrase, the same as the other one in meaning";
                let text = lines.next().ok_or(TableError::Line { line, wanted })?.map_err(TableError::Read)?;
                let is_known = text.split_whitespace().all(|word| known.contains(word));
                let words = || text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
                Ok(is_known.then(words).filter(|words| !words.is_empty()))
            };
            let (one, other) = (phrase(number + 2)?, phrase(number + 3)?);
            if let (Some(one), Some(other)) = (one, other) {
                longest = longest.max(one.len());
                of.entry(one).or_default().push(other);
            }
            number += 3;
        }
        Ok(Self { of, longest })
    }

    /// The phrases of one sentence whose paraphrases are in the other, in the order of their places.
    pub fn between(&self, one: &[String], other: &[String]) -> Vec<(Span, Span)> {
        let mut found = Vec::new();
        for start in 0..one.len() {
            for length in 1..=self.longest.min(one.len() - start) {
                let phrase = Span { start, length };
                for paraphrase in self.of.get(phrase.of(one)).into_iter().flatten() {
                    let places = other.windows(paraphrase.len()).enumerate();
                    let equal = places.filter(|(_, words)| *words == paraphrase.as_slice());
                    found.extend(equal.map(|(start, words)| (phrase, Span { start, length: words.len() })));
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXCEPTIONS: &str = "man\nmen\nsee\nsaw seen\nsaw\nsaw\n";
    const SYNSETS: &str = "man\n1 2\nsee\n3\nsaw\n4\nhuman\n2\nbox\n5\ncrate\n5\nrace\n6\nun\n7\n";

    #[test]
    fn words_have_the_meanings_of_their_bases() {
        let tables = Tables::default().with_synonyms(EXCEPTIONS, SYNSETS).unwrap();
        let synonyms = tables.synonyms.unwrap();
        for (word, meanings) in [
            ("men", &[1, 2][..]),
            ("saw", &[3, 4]),
            ("boxes", &[5]),
            ("crates", &[5]),
            ("racing", &[6]),
            ("raced", &[6]),
            ("un", &[7]),
            ("unknown", &[]),
        ] {
            let mut found: Vec<u32> = synonyms.meanings(word).into_iter().collect();
            found.sort_unstable();
            assert_eq!(found, meanings, "{word}");
        }
    }

    #[test]
    fn lines_that_are_wrong_are_named() {
        let error = |exceptions, synsets| Tables::default().with_synonyms(exceptions, synsets).unwrap_err().to_string();
        assert!(error("man\nmen\nsee\n", "").starts_with("line 3: "));
        assert!(error("", "man\n1\nbox\nfive\n").starts_with("line 4: must be numbers"));
        let known = HashSet::from(["a".to_owned()]);
        let paraphrases = |text: &'static str| {
            Tables::default().with_paraphrases(text.lines().map(|line| Ok(line.to_owned())), &known)
        };
        assert!(paraphrases("0.5\na\na\n0.1\nb\n").unwrap_err().to_string().starts_with("line 6: "));
        assert!(paraphrases("a\nb\nc\n").unwrap_err().to_string().starts_with("line 1: must be a probability"));
        assert_eq!(paraphrases("0.5\na\nb\n0.5\na\na\n").unwrap().stages(), "exact,stem,paraphrase");
    }
}
