//! The rule that splits a text into words.
//!
//! 1. White space separates words and is dropped; so is HTML's line-break tag (`<br />`), common in reviews.
//! 2. A run of letters and digits, with their combining marks and joiners, is a word. A single hyphen or full stop
//!    inside stays in it: `co-writer`, `7.5`.
//! 3. An apostrophe followed by one of `s m d t re ve ll` and no further letter starts a separate word, which includes
//!    an `n` before a `t`: `it's` is `it` and `'s`, `don't` is `do` and `n't`. Texts tokenised by the Penn Treebank's
//!    rule, as in SST-2, and plain ones get the same words. The typographic apostrophe counts as the plain one.
//! 4. Any other character is a separate word, and so is a run of one character (`...`, `!!`).
//! 5. Words are in lower case.

use std::borrow::Cow;
use std::ops::Range;

use crate::letters::is_word_part;

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word, in lower case.
    pub text: String,
    /// The byte range of the word in the text.
    pub range: Range<usize>,
}

/// Letters after an apostrophe that make a separate word.
const CLITICS: [&str; 7] = ["s", "m", "d", "t", "re", "ve", "ll"];

/// Splits a text into words, by the rule above.
///
/// ```
/// use rekindle_data::labelled::words;
///
/// let cut = |text: &str| words(text).into_iter().map(|word| word.text).collect::<Vec<_>>().join("|");
/// assert_eq!(cut("It's co-written<br />...and I don't care!"), "it|'s|co-written|...|and|i|do|n't|care|!");
/// assert_eq!(cut("it 's co-written ... and i do n't care !"), "it|'s|co-written|...|and|i|do|n't|care|!");
/// ```
pub fn words(text: &str) -> Vec<Word> {
    ranges(text).map(|range| Word { text: form(&text[range.clone()]).into_owned(), range }).collect()
}

/// The words of a text in a line: each in its form in the vocabulary, with a space before it.
pub(crate) fn line_of(text: &str) -> String {
    let mut line = String::with_capacity(text.len() + text.len() / 8);
    for range in ranges(text) {
        line.push(' ');
        line.push_str(&form(&text[range]));
    }
    line
}

/// The byte ranges of the words of a text, by the rule above.
pub(super) fn ranges(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    // The second of two words that were split.
    let mut second = None;
    std::iter::from_fn(move || {
        if second.is_some() {
            return second.take();
        }
        loop {
            let rest = &text[at..];
            let first = rest.chars().next()?;
            let end = if first.is_whitespace() {
                at += first.len_utf8();
                continue;
            } else if let Some(tag) = line_break(rest) {
                at += tag;
                continue;
            } else if is_word_part(first) {
                at + run_of_letters(rest)
            } else if let Some(length) = clitic(rest) {
                at + length
            } else {
                at + rest.chars().take_while(|&c| c == first).map(char::len_utf8).sum::<usize>()
            };
            let start = at;
            // `n't` is split before its n, wherever the n is.
            let negation =
                clitic(&text[end..]).filter(|_| text[end..].trim_start_matches(['\'', '’']).starts_with(['t', 'T']));
            let Some(length) = negation.filter(|_| text[start..end].ends_with(['n', 'N'])) else {
                at = end;
                return Some(start..end);
            };
            at = end + length;
            let negation = end - 1..at;
            if start == negation.start {
                return Some(negation);
            }
            second = Some(negation);
            return Some(start..end - 1);
        }
    })
}

/// The form of a word in the vocabulary: in lower case, with the plain apostrophe.
pub(super) fn form(word: &str) -> Cow<'_, str> {
    if !word.is_ascii() {
        word.to_lowercase().replace('’', "'").into()
    } else if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
        word.to_ascii_lowercase().into()
    } else {
        word.into()
    }
}

/// The length of a `<br>`, `<br/>` or `<br />` at the start of a text.
fn line_break(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("<br").or_else(|| text.strip_prefix("<BR"))?;
    let end = inner.find('>')?;
    matches!(inner[..end].trim(), "" | "/").then_some(3 + end + 1)
}

/// The length of a word that starts with a letter or digit.
fn run_of_letters(text: &str) -> usize {
    let mut end = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|&(_, next)| next);
        let joins = matches!(c, '-' | '.') && next.is_some_and(is_word_part);
        if !is_word_part(c) && !joins {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// The length of an apostrophe and its letters at the start of a text.
fn clitic(text: &str) -> Option<usize> {
    let mark = text.chars().next().filter(|c| matches!(c, '\'' | '’'))?.len_utf8();
    let letters = text[mark..].find(|c: char| !is_word_part(c)).unwrap_or(text.len() - mark);
    let known = CLITICS.iter().any(|clitic| text[mark..mark + letters].eq_ignore_ascii_case(clitic));
    known.then_some(mark + letters)
}
