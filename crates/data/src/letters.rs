//! Word characters, by Unicode categories.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Whether a character is part of a word: a letter or a digit, a combining mark (`\p{M}`: separate accents, viramas,
/// vowel signs, Thai tones), or a joiner, U+200C or U+200D, used within words of Persian and Hindi.
pub(crate) fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && (matches!(c, '\u{200C}' | '\u{200D}') || is_mark(c)))
}

/// Whether a character is a combining mark.
pub(crate) fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_joiners_belong_to_words_and_punctuation_does_not() {
        for c in ['a', '9', 'é', '\u{301}', '\u{94D}', '\u{E48}', '\u{200C}', '\u{200D}', '\u{5B8}', '中'] {
            assert!(is_word_part(c), "{c:?}");
        }
        for c in [' ', '.', '-', '_', '\u{200B}', '\u{A0}', '₹', '।'] {
            assert!(!is_word_part(c), "{c:?}");
        }
    }
}
