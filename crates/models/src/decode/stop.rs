//! Ending a text at a given string.

#[cfg(test)]
mod tests;

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
