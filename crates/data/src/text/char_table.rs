//! A fast map from characters to numbers, for the reading loops.

/// A value for every Unicode scalar value, in pages of 256 that are allocated on the first write.
///
/// A value takes two array accesses; a hash map would cost several times the rest of the reading loop.
#[derive(Clone, Debug)]
pub(crate) struct CharTable {
    default: u32,
    pages: Vec<Option<Box<[u32; 256]>>>,
}

impl CharTable {
    /// A table that holds `default` for every character.
    pub(crate) fn new(default: u32) -> Self {
        let pages = (u32::from(char::MAX) >> 8) as usize + 1;
        Self { default, pages: vec![None; pages] }
    }

    /// The value of `c`.
    pub(crate) fn get(&self, c: char) -> u32 {
        let (page, cell) = Self::place(c);
        self.pages[page].as_ref().map_or(self.default, |values| values[cell])
    }

    /// Sets the value of `c`.
    pub(crate) fn set(&mut self, c: char, value: u32) {
        let (page, cell) = Self::place(c);
        self.pages[page].get_or_insert_with(|| Box::new([self.default; 256]))[cell] = value;
    }

    fn place(c: char) -> (usize, usize) {
        let code = u32::from(c) as usize;
        (code >> 8, code & 0xff)
    }
}

#[cfg(test)]
mod tests;
