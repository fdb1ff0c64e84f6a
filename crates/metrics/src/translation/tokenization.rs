//! Tokenisation for BLEU.

use std::fmt;
use std::str::FromStr;

use crate::captions::words;

/// How a metric tokenises a sentence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tokenization {
    /// The tokeniser of mteval-v13a, sacrebleu's default: punctuation is separate, except for periods and commas
    /// inside numbers, apostrophes, and hyphens that do not follow a digit.
    #[default]
    V13a,
    /// That of the COCO caption evaluation: see [`words`]. Lower case, without punctuation.
    Ptb,
    /// Whitespace only, for text that is already tokenised.
    None,
    /// Every character but whitespace.
    Char,
}

impl Tokenization {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::V13a, Self::Ptb, Self::None, Self::Char];

    /// The tokens of a sentence.
    pub fn tokens(self, sentence: &str) -> Vec<String> {
        match self {
            Self::None => sentence.split_whitespace().map(str::to_owned).collect(),
            Self::V13a => v13a(sentence).split_whitespace().map(str::to_owned).collect(),
            Self::Ptb => words(sentence),
            Self::Char => sentence.chars().filter(|c| !c.is_whitespace()).map(String::from).collect(),
        }
    }
}

impl fmt::Display for Tokenization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V13a => "13a",
            Self::Ptb => "ptb",
            Self::None => "none",
            Self::Char => "char",
        })
    }
}

impl FromStr for Tokenization {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|tokenization| tokenization.to_string() == name);
        known.ok_or_else(|| format!("possible values: {}", Self::ALL.map(|known| known.to_string()).join(", ")))
    }
}

/// The four rules of mteval-v13a, in order.
fn v13a(sentence: &str) -> String {
    let mut text = sentence.trim_end().replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    for (entity, character) in [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")] {
        text = text.replace(entity, character);
    }
    let mut spaced = String::from(" ");
    for c in text.chars() {
        // ASCII punctuation without ' , - and .
        if matches!(c, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/') {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
    }
    spaced.push(' ');
    let digit = |c: char| c.is_ascii_digit();
    let stop = |c: char| c == '.' || c == ',';
    let text = pairs(&spaced, |a, b| !digit(a) && stop(b), |a, b| [a, ' ', b, ' ']);
    let text = pairs(&text, |a, b| stop(a) && !digit(b), |a, b| [' ', a, ' ', b]);
    pairs(&text, |a, b| digit(a) && b == '-', |a, b| [a, ' ', b, ' '])
}

/// Rewrites matching pairs of adjacent characters, from the left and without overlap, like a regular expression.
fn pairs(text: &str, fits: impl Fn(char, char) -> bool, rewrite: impl Fn(char, char) -> [char; 4]) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut characters = text.chars().peekable();
    while let Some(a) = characters.next() {
        match characters.peek() {
            Some(&b) if fits(a, b) => {
                out.extend(rewrite(a, b));
                characters.next();
            }
            _ => out.push(a),
        }
    }
    out
}
