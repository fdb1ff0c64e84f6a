//! Features of what a model reads, which its units may or may not follow.
//!
//! Those of a text are computed from its characters alone. The value at a time step is that after the token was read:
//! an opening quotation mark is inside of the quotation, a closing one is not.

use serde::Serialize;

/// A feature with fewer positives, or fewer negatives, is left out: a unit that follows it would be found by chance.
pub const FEWEST: usize = 20;

/// The kind of a feature's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 1 or 0, or not a number where the feature has no value.
    Binary,
    /// Any number.
    Number,
}

/// A property of every time step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Its value at each time step.
    pub values: Vec<f32>,
}

impl Feature {
    /// A binary feature.
    pub fn binary(name: impl Into<String>, values: impl IntoIterator<Item = bool>) -> Self {
        let values = values.into_iter().map(|value| f32::from(u8::from(value))).collect();
        Self { name: name.into(), kind: Kind::Binary, values }
    }

    /// A numeric feature.
    pub fn number(name: impl Into<String>, values: impl IntoIterator<Item = f32>) -> Self {
        Self { name: name.into(), kind: Kind::Number, values: values.into_iter().collect() }
    }

    /// How many time steps have the feature; for a number, how many have a value.
    pub fn count(&self) -> usize {
        let counts = |value: &&f32| if self.kind == Kind::Binary { **value > 0.5 } else { !value.is_nan() };
        self.values.iter().filter(counts).count()
    }

    /// Whether there is enough of it to be ranked by: [`FEWEST`] positives and negatives, or two values of a number.
    pub fn is_informative(&self) -> bool {
        match self.kind {
            Kind::Binary => {
                let negatives = self.values.iter().filter(|value| **value < 0.5).count();
                self.count() >= FEWEST && negatives >= FEWEST
            }
            Kind::Number => {
                let mut values = self.values.iter().filter(|value| !value.is_nan());
                let first = values.next();
                values.any(|value| Some(value) != first)
            }
        }
    }
}

/// A comment of source code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comment {
    Line,
    Block,
}

/// A property of a text after each of its characters, as a number.
type Property = (&'static str, Kind, fn(&Reader) -> f32);

fn flag(value: bool) -> f32 {
    f32::from(u8::from(value))
}

/// The features of any text.
const OF_TEXT: &[Property] = &[
    ("inside ( )", Kind::Binary, |at| flag(at.depths[0] > 0)),
    ("inside [ ]", Kind::Binary, |at| flag(at.depths[1] > 0)),
    ("inside { }", Kind::Binary, |at| flag(at.depths[2] > 0)),
    ("inside ( ), depth 2 or more", Kind::Binary, |at| flag(at.depths[0] > 1)),
    ("inside { }, depth 2 or more", Kind::Binary, |at| flag(at.depths[2] > 1)),
    ("inside { }, depth 3 or more", Kind::Binary, |at| flag(at.depths[2] > 2)),
    ("depth of brackets", Kind::Number, |at| at.depths.iter().sum::<usize>() as f32),
    ("start of a line", Kind::Binary, |at| flag(at.column == 0)),
    ("position in the line", Kind::Number, |at| at.column as f32),
    ("in the indentation", Kind::Binary, |at| flag(at.indenting && at.column > 0)),
    ("indentation of the line", Kind::Number, |at| at.indentation as f32),
    ("inside a word", Kind::Binary, |at| flag(at.word > 0)),
    ("length of the word so far", Kind::Number, |at| at.word as f32),
    ("capital letter", Kind::Binary, |at| flag(at.last.is_some_and(char::is_uppercase))),
    ("inside a word of capitals", Kind::Binary, |at| flag(at.word > 1 && at.capitals == at.word)),
    ("digit", Kind::Binary, |at| flag(at.last.is_some_and(|last| last.is_ascii_digit()))),
    ("after the end of a sentence", Kind::Binary, |at| flag(at.ended)),
];

/// Those of prose.
const OF_PROSE: &[Property] = &[("inside quotes", Kind::Binary, |at| flag(at.quoted))];

/// Those of source code in which comments are written `/* */` or `//`.
const OF_SOURCE: &[Property] = &[
    ("inside a comment", Kind::Binary, |at| flag(at.comment.is_some())),
    ("inside a string", Kind::Binary, |at| flag(at.string.is_some())),
];

/// The features of the text of these `tokens`, at each of them. Those of source code if it is source code, else those
/// of prose; features that hardly occur are left out.
///
/// Quotations end at an empty line, so that a missing quotation mark does no harm. Brackets in comments and strings do
/// not count.
pub fn of_text(tokens: &[String]) -> Vec<Feature> {
    let text: String = tokens.concat();
    let source = is_source(&text);
    let properties: Vec<_> = OF_TEXT.iter().chain(if source { OF_SOURCE } else { OF_PROSE }).collect();
    let mut reader = Reader { source, indenting: true, ..Reader::default() };
    let mut values = vec![Vec::with_capacity(tokens.len()); properties.len()];
    let characters: Vec<char> = text.chars().collect();
    let mut at = 0;
    for token in tokens {
        for _ in token.chars() {
            reader.read(characters[at], &characters[at + 1..]);
            at += 1;
        }
        values.iter_mut().zip(&properties).for_each(|(values, (_, _, value))| values.push(value(&reader)));
    }
    let features = properties.into_iter().zip(values);
    let features = features.map(|((name, kind, _), values)| Feature { name: (*name).to_owned(), kind: *kind, values });
    features.filter(Feature::is_informative).collect()
}

/// Whether this looks like source code: it has comments as C has, or a line in 50 ends with a curly bracket.
fn is_source(text: &str) -> bool {
    let braces = text.lines().filter(|line| line.trim_end().ends_with(['{', '}'])).count();
    text.contains("/*") && text.contains("*/") || 50 * braces >= text.lines().count().max(1) && braces > 1
}

/// Reads a text character by character, and keeps what the features are made of.
#[derive(Default)]
struct Reader {
    source: bool,
    /// The last two characters.
    last: Option<char>,
    before_last: Option<char>,
    /// Round, square and curly brackets that are open.
    depths: [usize; 3],
    quoted: bool,
    comment: Option<Comment>,
    /// The mark that ends the string.
    string: Option<char>,
    escaped: bool,
    column: usize,
    indenting: bool,
    indentation: usize,
    /// Letters and digits of the word so far, and how many are capitals.
    word: usize,
    capitals: usize,
    /// Whether a sentence has ended and no letter or digit has come since.
    ended: bool,
}

impl Reader {
    fn read(&mut self, character: char, rest: &[char]) {
        if self.source {
            self.read_source(character, rest);
        } else {
            match character {
                '"' => self.quoted = !self.quoted,
                '“' | '«' => self.quoted = true,
                '”' | '»' => self.quoted = false,
                '\n' if self.last == Some('\n') => self.quoted = false,
                _ => {}
            }
        }
        if self.comment.is_none() && self.string.is_none() {
            if let Some(kind) = "([{".find(character) {
                self.depths[kind] += 1;
            } else if let Some(kind) = ")]}".find(character) {
                self.depths[kind] = self.depths[kind].saturating_sub(1);
            }
        }
        if character == '\n' {
            (self.column, self.indenting, self.indentation) = (0, true, 0);
        } else if character != '\r' {
            self.column += 1;
            self.indenting &= character == ' ' || character == '\t';
            // A tab counts as eight, as the sources that use tabs count it.
            let width = if character == '\t' { 8 } else { 1 };
            self.indentation += if self.indenting { width } else { 0 };
        }
        if character.is_alphanumeric() {
            self.word += 1;
            self.capitals += usize::from(character.is_uppercase());
            self.ended = false;
        } else if !(matches!(character, '\'' | '’' | '_' | '-') && self.word > 0) {
            (self.word, self.capitals) = (0, 0);
        }
        self.ended |= matches!(character, '.' | '!' | '?');
        (self.before_last, self.last) = (self.last, Some(character));
    }

    fn read_source(&mut self, character: char, rest: &[char]) {
        match (self.comment, self.string) {
            (Some(Comment::Line), _) if character == '\n' => self.comment = None,
            // `/*/` does not end the comment that it begins.
            (Some(Comment::Block), _)
                if character == '/' && self.last == Some('*') && self.before_last != Some('/') =>
            {
                self.comment = None;
            }
            (Some(_), _) => {}
            (None, Some(_)) if self.escaped => self.escaped = false,
            (None, Some(_)) if character == '\\' => self.escaped = true,
            (None, Some(mark)) => {
                if character == mark || character == '\n' {
                    self.string = None;
                }
            }
            (None, None) => match (self.last, character) {
                (Some('/'), '*') => self.comment = Some(Comment::Block),
                (Some('/'), '/') => self.comment = Some(Comment::Line),
                (_, '"') => self.string = Some('"'),
                // A character, not an apostrophe or a lifetime.
                (_, '\'') if rest.first() == Some(&'\\') || rest.get(1) == Some(&'\'') => self.string = Some('\''),
                _ => {}
            },
        }
    }
}

#[cfg(test)]
mod tests;
