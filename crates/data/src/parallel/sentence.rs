//! What a sentence is made of.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a sentence is cut into.
///
/// A word is a run of letters, digits, apostrophes and hyphens, with the periods and commas between two digits; every
/// other character that is not white space is a word of its own. So `A man's 1.5-litre T-shirt.` has the words
/// `A`, `man's`, `1.5-litre`, `T-shirt` and `.`, which mteval-v13a (BLEU's tokeniser) cuts no further but for the hyphen
/// after a digit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SentenceUnit {
    /// Words.
    #[default]
    Word,
    /// Characters, white space included.
    Char,
}

impl SentenceUnit {
    /// The tokens of a sentence.
    pub fn tokens(self, sentence: &str, lowercase: bool) -> Vec<String> {
        let lowered;
        let sentence = if lowercase {
            lowered = sentence.to_lowercase();
            lowered.as_str()
        } else {
            sentence
        };
        match self {
            Self::Word => words(sentence),
            Self::Char => sentence.trim().chars().map(String::from).collect(),
        }
    }

    /// The sentence of some tokens. Words get a space between them, but none before `. , ! ? ; : ) ]` and `%`, and none
    /// after `(` and `[`.
    pub fn sentence<S: AsRef<str>>(self, tokens: &[S]) -> String {
        let mut sentence = String::new();
        for token in tokens {
            let token = token.as_ref();
            let close = matches!(token, "." | "," | "!" | "?" | ";" | ":" | ")" | "]" | "%");
            if self == Self::Word && !close && !sentence.is_empty() && !sentence.ends_with(['(', '[']) {
                sentence.push(' ');
            }
            sentence.push_str(token);
        }
        sentence
    }
}

impl fmt::Display for SentenceUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Word => "word",
            Self::Char => "char",
        })
    }
}

impl FromStr for SentenceUnit {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "word" => Ok(Self::Word),
            "char" => Ok(Self::Char),
            _ => Err("possible values: word, char".to_owned()),
        }
    }
}

fn words(sentence: &str) -> Vec<String> {
    let characters: Vec<char> = sentence.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for (i, &c) in characters.iter().enumerate() {
        let digit = |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(char::is_ascii_digit);
        let inner = matches!(c, '.' | ',') && digit(i.checked_sub(1)) && digit(Some(i + 1));
        let part = c.is_alphanumeric() || matches!(c, '\'' | '’' | '-') || inner || is_mark(c);
        match words.last_mut() {
            Some(word) if part && open => word.push(c),
            _ if !c.is_whitespace() => words.push(c.into()),
            _ => {}
        }
        open = part;
    }
    words
}

/// Combining marks, which belong to the letter before them.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}
