//! Texts of any length in messages.

use std::borrow::Cow;

/// Characters of a text that a message repeats.
const LONGEST: usize = 40;

/// The beginning of a text, with `...` for the rest.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn only_long_texts_are_cut() {
        let exact = "é".repeat(40);
        assert_eq!([shortened("a"), shortened(&exact)], ["a", &*exact]);
        assert_eq!(shortened(&format!("{exact}e")), format!("{exact}..."));
    }
}
