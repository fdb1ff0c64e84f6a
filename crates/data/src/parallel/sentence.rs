//! Splitting sentences into tokens.

use serde::{Deserialize, Serialize};

use crate::letters::is_word_part;
use crate::names::named;

/// The unit of a sentence's tokens.
///
/// A word is a run of letters, digits, their combining marks and joiners, apostrophes and hyphens, with periods and
/// commas between two digits; every other character that is not white space is a separate word. The sentence
/// `A man's 1.5-litre T-shirt.` has the words `A`, `man's`, `1.5-litre`, `T-shirt` and `.`, of which mteval-v13a
/// (BLEU's tokeniser) splits only the hyphen after a digit.
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
    /// Splits a sentence into tokens.
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

    /// Joins tokens to a sentence. Words are separated by a space, but none precedes `. , ! ? ; : ) ]` and `%`, and
    /// none follows `(` and `[`.
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

named!(SentenceUnit { Word => "word", Char => "char" });

fn words(sentence: &str) -> Vec<String> {
    let characters: Vec<char> = sentence.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for (i, &c) in characters.iter().enumerate() {
        let digit = |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(char::is_ascii_digit);
        let inner = matches!(c, '.' | ',') && digit(i.checked_sub(1)) && digit(Some(i + 1));
        let part = is_word_part(c) || matches!(c, '\'' | '’' | '-') || inner;
        match words.last_mut() {
            Some(word) if part && open => word.push(c),
            _ if !c.is_whitespace() => words.push(c.into()),
            _ => {}
        }
        open = part;
    }
    words
}
