//! Ending a text at a given string.

#[cfg(test)]
mod tests;

/// Passes text on piece by piece until a stop string appears.
///
/// Text that may begin the stop string is held back until that is decided, so that the text passed on never contains
/// the stop string or a part of it.
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

    /// Takes the next piece of text and returns the text that may be shown now.
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

    /// Whether the stop string has appeared.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// The text still held back when the input ends without the stop string.
    pub fn finish(self) -> String {
        if self.stopped { String::new() } else { self.held }
    }

    /// The length of the longest end of the held text that begins the stop string.
    fn beginning_of_stop(&self) -> usize {
        (1..self.stop.len())
            .rev()
            .find(|&n| self.held.as_bytes().ends_with(&self.stop.as_bytes()[..n]) && self.stop.is_char_boundary(n))
            .unwrap_or(0)
    }
}
