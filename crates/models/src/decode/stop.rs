//! Ending a text at a given string.

/// Lets text through piece by piece until a given string has come.
///
/// A piece that may be the beginning of the string is held back until it is clear that it is not, so that what has been
/// let through never holds the string or a part of it.
#[derive(Clone, Debug)]
pub struct StopString {
    stop: String,
    held: String,
    stopped: bool,
}

impl StopString {
    /// Stops before `stop`; an empty string never stops.
    pub fn new(stop: impl Into<String>) -> Self {
        Self { stop: stop.into(), held: String::new(), stopped: false }
    }

    /// Takes the next piece of text and gives back what may be shown now.
    pub fn push(&mut self, piece: &str) -> String {
        if self.stopped {
            return String::new();
        }
        self.held.push_str(piece);
        if self.stop.is_empty() {
            return std::mem::take(&mut self.held);
        }
        let shown = match self.held.find(&self.stop) {
            Some(at) => {
                self.stopped = true;
                at
            }
            None => self.held.len() - self.beginning_of_stop(),
        };
        let rest = self.held.split_off(shown);
        std::mem::replace(&mut self.held, rest)
    }

    /// Whether the string has come.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// What is still held back when the text ends without the string.
    pub fn finish(self) -> String {
        if self.stopped { String::new() } else { self.held }
    }

    /// The length of the longest end of the held text that the string begins with.
    fn beginning_of_stop(&self) -> usize {
        (1..self.stop.len())
            .rev()
            .find(|&n| self.held.as_bytes().ends_with(&self.stop.as_bytes()[..n]) && self.stop.is_char_boundary(n))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_stop_string_is_not_shown_even_when_it_comes_in_pieces() {
        let mut stop = StopString::new("\n\n");
        assert_eq!(stop.push("one\n"), "one");
        assert_eq!(stop.push("two\n"), "\ntwo");
        assert_eq!(stop.push("\nthree"), "");
        assert!(stop.stopped());
        assert_eq!(stop.push("four"), "");
        assert_eq!(stop.finish(), "");
    }

    #[test]
    fn what_was_held_back_comes_at_the_end() {
        let mut stop = StopString::new("END");
        assert_eq!(stop.push("an E"), "an ");
        assert_eq!(stop.finish(), "E");
    }

    proptest! {
        #[test]
        fn shown_text_is_all_that_stands_before_the_stop(pieces in prop::collection::vec("[abé]{0,3}", 0..12), end in "[abé]{0,3}") {
            let whole: String = pieces.concat();
            let mut stop = StopString::new(end.clone());
            let mut shown: String = pieces.iter().map(|p| stop.push(p)).collect();
            shown += &stop.finish();
            let expected = if end.is_empty() { &whole[..] } else { whole.split(&end).next().unwrap() };
            prop_assert_eq!(shown, expected);
        }
    }
}
