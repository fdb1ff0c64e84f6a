//! The header of an array.

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub item: ItemType,
    /// Whether the first extent varies fastest.
    pub fortran: bool,
    pub shape: Vec<u64>,
}

/// The type of the elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ItemType {
    /// As in the header: `'<f4'`.
    pub text: String,
    /// `f`, `i`, `u`, or another letter of NumPy; a space for records.
    pub kind: char,
    /// Bytes of an element; 0 for records.
    pub size: u64,
    pub big_endian: bool,
}

impl Header {
    /// Reads the header, and returns the bytes after it.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, &[u8]), String> {
        if !bytes.starts_with(b"\x93NUMPY") {
            return Err("it does not begin with the bytes `\\x93NUMPY`".to_owned());
        }
        let (length, start) = match *bytes.get(6..).unwrap_or_default() {
            [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([a, b])), 10),
            [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
            [version, _, ..] if version > 3 || version == 0 => {
                return Err(format!("it is of the version {version} of this format, and 1 to 3 can be read"));
            }
            _ => return Err("it ends within its header".to_owned()),
        };
        let (header, data) =
            bytes[start..].split_at_checked(length).ok_or_else(|| "it ends within its header".to_owned())?;
        let text = String::from_utf8_lossy(header);
        let header = Scanner(&text).header().map_err(|rest| {
            let seen: String = rest.chars().take(20).collect();
            format!(
                "its header is not `{{'descr': ..., 'fortran_order': ..., 'shape': ...}}`, at `{}`",
                seen.trim_end()
            )
        })?;
        Ok((header, data))
    }
}

/// The text of a header that is not read yet.
struct Scanner<'a>(&'a str);

/// Where the text is not as it should be, it is returned from there on.
type Scanned<'a, T> = Result<T, &'a str>;

impl<'a> Scanner<'a> {
    /// The dictionary, with its keys in any order.
    fn header(&mut self) -> Scanned<'a, Header> {
        let (mut item, mut fortran, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.eat('}') {
            let start = self.0;
            let key = self.quoted()?;
            self.expect(':')?;
            match key {
                "descr" => item = Some(self.item()?),
                "fortran_order" => fortran = Some(self.truth()?),
                "shape" => shape = Some(self.extents()?),
                _ => return Err(start),
            }
            if !self.eat(',') {
                self.expect('}')?;
                break;
            }
        }
        match (item, fortran, shape) {
            (Some(item), Some(fortran), Some(shape)) if self.0.trim().is_empty() => Ok(Header { item, fortran, shape }),
            _ => Err(self.0),
        }
    }

    /// Whether the next character is this one, which is then passed over.
    fn eat(&mut self, wanted: char) -> bool {
        self.0 = self.0.trim_start();
        let rest = self.0.strip_prefix(wanted);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, wanted: char) -> Scanned<'a, ()> {
        if self.eat(wanted) { Ok(()) } else { Err(self.0) }
    }

    /// Passes over what `belongs`, and returns it.
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.0.split_at(self.0.find(|c| !belongs(c)).unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A string without escapes.
    fn quoted(&mut self) -> Scanned<'a, &'a str> {
        let quote = if self.eat('\'') {
            '\''
        } else {
            self.expect('"')?;
            '"'
        };
        let text = self.take(|c| c != quote && c != '\\');
        self.expect(quote)?;
        Ok(text)
    }

    fn truth(&mut self) -> Scanned<'a, bool> {
        self.0 = self.0.trim_start();
        let start = self.0;
        match self.take(|c| c.is_ascii_alphabetic()) {
            "True" => Ok(true),
            "False" => Ok(false),
            _ => Err(start),
        }
    }

    /// `(2, 3)`, `(2,)` or `()`. Python 2 wrote `2L`.
    fn extents(&mut self) -> Scanned<'a, Vec<u64>> {
        let mut extents = Vec::new();
        self.expect('(')?;
        while !self.eat(')') {
            self.0 = self.0.trim_start();
            let start = self.0;
            extents.push(self.take(|c| c.is_ascii_digit()).parse().map_err(|_| start)?);
            self.0 = self.0.strip_prefix('L').unwrap_or(self.0);
            if !self.eat(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(extents)
    }

    /// `'<f4'`, or the fields of records in brackets.
    fn item(&mut self) -> Scanned<'a, ItemType> {
        self.0 = self.0.trim_start();
        let start = self.0;
        if self.0.starts_with('[') {
            let text = self.brackets()?;
            return Ok(ItemType { text: text.to_owned(), kind: ' ', size: 0, big_endian: false });
        }
        let descr = self.quoted()?;
        let (order, rest) = match descr.chars().next() {
            Some(order @ ('<' | '>' | '|' | '=')) => (order, &descr[1..]),
            _ => ('=', descr),
        };
        let mut rest = rest.chars();
        let kind = rest.next().ok_or(start)?;
        // Dates have a unit after the size: `<M8[ns]`.
        let size: String = rest.take_while(char::is_ascii_digit).collect();
        let big_endian = order == '>' || order == '=' && cfg!(target_endian = "big");
        Ok(ItemType { text: format!("'{descr}'"), kind, size: size.parse().unwrap_or(0), big_endian })
    }

    /// What stands from here to the bracket that closes the first one.
    fn brackets(&mut self) -> Scanned<'a, &'a str> {
        let start = self.0;
        let (mut depth, mut quote) = (0_usize, None);
        for (place, c) in start.char_indices() {
            match (c, quote) {
                (c, Some(open)) if c == open => quote = None,
                (_, Some(_)) => {}
                ('\'' | '"', None) => quote = Some(c),
                ('[' | '(', None) => depth += 1,
                (']' | ')', None) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                let (text, rest) = start.split_at(place + 1);
                self.0 = rest;
                return Ok(text);
            }
        }
        Err(start)
    }
}

#[cfg(test)]
mod tests;
