//! Tokenisation of the Penn Treebank.
//!
//! The COCO caption evaluation tokenises captions with Stanford's `PTBTokenizer`, so figures are only comparable with
//! the same tokens: `don't` is `do n't`, `man's` is `man 's`, `t-shirt` and `U.S.` stay whole.

/// Punctuation tokens, which the COCO evaluation drops. Brackets stay, as there: they are lower-cased to `-lrb-`
/// before they are compared with `-LRB-`.
const PUNCTUATION: [&str; 13] = ["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"];

/// Abbreviations that keep their full stop.
const ABBREVIATIONS: &[&str] = &[
    "adm", "apr", "aug", "ave", "blvd", "bros", "capt", "co", "col", "corp", "cpl", "dec", "dept", "dr", "drs", "feb",
    "gen", "gov", "hon", "inc", "jan", "jr", "lt", "ltd", "maj", "mr", "mrs", "ms", "mt", "nov", "oct", "pres", "prof",
    "pvt", "rep", "rev", "sen", "sept", "sgt", "sr", "st", "ste", "etc", "vs", "esq", "univ", "assn",
];

/// Words that the Treebank splits into two, with the position of the split.
const TWO_WORDS: [(&str, usize); 6] =
    [("cannot", 3), ("gonna", 3), ("gotta", 3), ("wanna", 3), ("lemme", 3), ("gimme", 3)];

/// Words that stay whole although they start or end with an apostrophe or contain one.
const WITH_APOSTROPHE: [&str; 9] = ["'em", "'til", "'till", "'n'", "'n", "'cause", "ol'", "c'mon", "ma'am"];

/// Endings that become separate tokens.
const ENDINGS: [&str; 7] = ["'s", "'m", "'d", "'re", "'ve", "'ll", "n't"];

/// Tokenises a caption for the COCO metrics: by the rules of the Penn Treebank, lower-cased, without punctuation.
///
/// It implements the rules of Stanford's tokenizer that matter for English sentences: contractions, possessives, words
/// with hyphens and slashes, abbreviations, numbers, quotes, dashes and brackets. It does not support web addresses,
/// smileys or markup.
pub fn words(caption: &str) -> Vec<String> {
    let mut words: Vec<String> = caption.split_whitespace().flat_map(cut).map(|token| token.to_lowercase()).collect();
    words.retain(|word| !PUNCTUATION.contains(&word.as_str()));
    words
}

/// The tokens of a piece of text without white space.
fn cut(piece: &str) -> Vec<String> {
    let piece: Vec<char> = piece.replace("&amp;", "&").chars().map(plain).collect();
    let mut tokens = Vec::new();
    let mut rest = piece.as_slice();
    while !rest.is_empty() {
        let length = token_length(rest);
        let (token, after) = rest.split_at(length);
        tokens.push(written(token));
        rest = after;
    }
    tokens
}

/// Typographic quotes and dashes as plain ones.
fn plain(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{2013}' | '\u{2014}' => '\u{2014}',
        _ => c,
    }
}

/// The token in the tokenizer's spelling.
fn written(token: &[char]) -> String {
    match token {
        ['('] => "-LRB-".into(),
        [')'] => "-RRB-".into(),
        ['['] => "-LSB-".into(),
        [']'] => "-RSB-".into(),
        ['{'] => "-LCB-".into(),
        ['}'] => "-RCB-".into(),
        ['"'] => "''".into(),
        ['\u{2026}'] | ['.', '.', ..] => "...".into(),
        ['\u{2014}'] | ['-', '-', ..] => "--".into(),
        _ => token.iter().collect(),
    }
}

/// The length of the next token in characters; `rest` is not empty.
fn token_length(rest: &[char]) -> usize {
    let whole = WITH_APOSTROPHE.into_iter().chain(ENDINGS).find(|word| is_word(rest, word));
    if let Some(word) = whole {
        return word.len();
    }
    match rest[0] {
        // Two full stops are two tokens, three and more an ellipsis.
        '.' if run(rest, '.') >= 3 => run(rest, '.'),
        '!' | '?' => rest.iter().take_while(|c| matches!(c, '!' | '?')).count(),
        '-' if run(rest, '-') >= 2 => run(rest, '-'),
        '\'' | '`' if run(rest, rest[0]) >= 2 => 2,
        // A decade, '70s.
        '\'' if digits(&rest[1..]) == 2 => {
            let s = usize::from(rest.get(3).is_some_and(|c| *c == 's'));
            if rest.get(3 + s).is_some_and(|c| c.is_alphanumeric()) { 1 } else { 3 + s }
        }
        '.' if digits(&rest[1..]) > 0 => 1 + digits(&rest[1..]),
        c if c.is_alphanumeric() => word_length(rest),
        _ => 1,
    }
}

/// The length in characters of the word at the start of `rest`.
fn word_length(rest: &[char]) -> usize {
    if let Some(acronym) = acronym(rest) {
        return acronym;
    }
    let mut length = 0;
    while let Some(&c) = rest.get(length) {
        let next = rest.get(length + 1).copied().unwrap_or(' ');
        let last = if length == 0 { ' ' } else { rest[length - 1] };
        let goes_on = match c {
            _ if c.is_alphanumeric() || c == '_' => true,
            '-' | '/' | '@' => next.is_alphanumeric(),
            // A&M, but not a&m.
            '&' => last.is_uppercase() && next.is_uppercase(),
            '.' | ',' | ':' => last.is_ascii_digit() && next.is_ascii_digit() || c == '.' && is_site(&rest[length..]),
            // O'Brien, l'avventura, d'oeuvre.
            '\'' => {
                let starts = length == 1 || matches!(rest[length - 2], '-' | '/');
                starts && matches!(last, 'o' | 'O' | 'd' | 'D' | 'l' | 'L') && next.is_alphabetic()
            }
            _ => false,
        };
        if !goes_on {
            break;
        }
        length += 1;
    }
    let word: String = rest[..length].iter().collect::<String>().to_lowercase();
    if rest.get(length) == Some(&'.') && ABBREVIATIONS.contains(&word.as_str()) {
        return length + 1;
    }
    // don't is do n't.
    let negated = length > 1 && word.ends_with('n') && is_word(&rest[length - 1..], "n't");
    if negated {
        return length - 1;
    }
    TWO_WORDS.iter().find(|(two, _)| *two == word).map_or(length, |(_, first)| *first)
}

/// The length of single letters with full stops, if `rest` starts with at least two: U.S., s.c.u.b.a.
fn acronym(rest: &[char]) -> Option<usize> {
    let pairs = rest.chunks_exact(2).take_while(|pair| pair[0].is_alphabetic() && pair[1] == '.').count();
    let after = rest.get(2 * pairs);
    match pairs {
        0 => None,
        // J., the last letter without its stop: c.d
        _ if after.is_some_and(|c| c.is_alphabetic()) => {
            let lone = rest.get(2 * pairs + 1).is_none_or(|c| !c.is_alphanumeric());
            lone.then_some(2 * pairs + 1)
        }
        // An initial.
        1 => rest[0].is_uppercase().then_some(2),
        _ => Some(2 * pairs),
    }
}

/// Whether `rest` starts with a domain ending: .com
fn is_site(rest: &[char]) -> bool {
    [".com", ".org", ".net", ".edu", ".gov"].iter().any(|end| is_word(rest, end))
}

/// Whether `rest` starts with `word`, in any case, and the word ends there.
fn is_word(rest: &[char], word: &str) -> bool {
    let mut wanted = word.chars();
    let same = wanted.by_ref().zip(rest).take_while(|(a, b)| *a == b.to_ascii_lowercase()).count();
    let length = word.chars().count();
    same == length && rest.get(length).is_none_or(|c| !c.is_alphanumeric())
}

fn run(rest: &[char], c: char) -> usize {
    rest.iter().take_while(|other| **other == c).count()
}

fn digits(rest: &[char]) -> usize {
    rest.iter().take_while(|c| c.is_ascii_digit()).count()
}
