//! Decoding the bytes of a file to text.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use encoding_rs::{UTF_8, WINDOWS_1252};
use serde::{Deserialize, Serialize};

use super::{GZIP, has_extension, raw, signature, unpacked};
use crate::{DataError, ErrorKind};

/// The encoding of a text file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// By the byte-order mark, if any; else UTF-8 if the file is valid UTF-8; else Windows-1252, the encoding of most
    /// older English data sets, in which every byte is valid.
    #[default]
    Auto,
    /// This encoding of the web; a byte-order mark takes precedence.
    Named(&'static encoding_rs::Encoding),
}

impl FromStr for Encoding {
    type Err = DataError;

    /// Reads `auto` or a label of the [Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels).
    fn from_str(name: &str) -> Result<Self, DataError> {
        if name == "auto" {
            return Ok(Self::Auto);
        }
        encoding_rs::Encoding::for_label(name.as_bytes()).map(Self::Named).ok_or_else(|| {
            ErrorKind::Setting.error(format!(
                "there is no text encoding `{name}`; examples: utf-8, windows-1252, iso-8859-15, shift_jis; `auto` detects"
            ))
        })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Named(encoding) => f.write_str(&encoding.name().to_ascii_lowercase()),
        }
    }
}

impl Serialize for Encoding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Encoding {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Encoding {
    /// UTF-8 only, or UTF-16 with a byte-order mark.
    pub const UTF_8: Self = Self::Named(UTF_8);

    /// The text of a file, with gzip unpacked, without its byte-order mark. The path `-` is standard input.
    ///
    /// # Errors
    ///
    /// Those of [`bytes`](super::bytes), and of [`decode`](Self::decode).
    pub fn read(self, path: &Path) -> Result<String, DataError> {
        self.read_with(path, "convert the file, or name its encoding with --encoding")
    }

    /// The same, with `advice` for a file that is not UTF-8.
    pub(super) fn read_with(self, path: &Path, advice: &str) -> Result<String, DataError> {
        let bytes = raw(path)?;
        if bytes.starts_with(&GZIP) {
            return self.decode_with(unpacked(&bytes, path)?, path, advice);
        }
        if self == Self::Auto && has_extension(path, "gz") {
            return Err(ErrorKind::Format.error("not a whole gzip file, as its name says").within(path));
        }
        self.decode_with(bytes, path, advice)
    }

    /// The text of some bytes, without their byte-order mark. `path` is for errors.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encoding`] with the first line that is not in the encoding; for a binary file, with its format.
    pub fn decode(self, bytes: Vec<u8>, path: &Path) -> Result<String, DataError> {
        self.decode_with(bytes, path, "convert it to UTF-8")
    }

    /// The same, with `advice` for bytes that are not UTF-8.
    fn decode_with(self, mut bytes: Vec<u8>, path: &Path, advice: &str) -> Result<String, DataError> {
        let encoding = match (self, encoding_rs::Encoding::for_bom(&bytes)) {
            (_, Some((marked, mark))) => {
                bytes.drain(..mark);
                marked
            }
            (_, None) if signature(&bytes).is_some() && std::str::from_utf8(&bytes).is_err() => {
                return Err(invalid_utf8(path, &bytes, ""));
            }
            (Self::Named(encoding), None) => encoding,
            (Self::Auto, None) => match String::from_utf8(bytes) {
                Ok(text) => return Ok(text),
                Err(e) => return Ok(WINDOWS_1252.decode(e.as_bytes()).0.into_owned()),
            },
        };
        if encoding == UTF_8 {
            return String::from_utf8(bytes).map_err(|e| invalid_utf8(path, e.as_bytes(), advice));
        }
        match encoding.decode_without_bom_handling_and_without_replacement(&bytes) {
            Some(text) => Ok(text.into_owned()),
            None => {
                let message = format!("not {}; give another --encoding, or `auto`", encoding.name());
                let good = good_lines(encoding, &bytes);
                Err(ErrorKind::Encoding.error(message).within(path).line(line_of(&bytes, good)))
            }
        }
    }
}

/// Bytes without the byte-order mark of UTF-8.
pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// The error for bytes that are not UTF-8, with `advice` unless they have a known binary format.
pub(crate) fn invalid_utf8(path: &Path, bytes: &[u8], advice: &str) -> DataError {
    if let Some(name) = signature(bytes) {
        return ErrorKind::Encoding.error(format!("not a text but {name}")).within(path);
    }
    let offset = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let byte = bytes.get(offset).copied().unwrap_or_default();
    let message = format!("byte {offset} is 0x{byte:02x}, which is not valid UTF-8; {advice}");
    ErrorKind::Encoding.error(message).within(path).line(line_of(bytes, offset))
}

/// The line of a byte, from 1.
fn line_of(bytes: &[u8], offset: usize) -> u64 {
    1 + bytes[..offset].iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// The number of bytes of the complete lines at the beginning that can be decoded.
fn good_lines(encoding: &'static encoding_rs::Encoding, bytes: &[u8]) -> usize {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let good = lines.take_while(|line| encoding.decode_without_bom_handling_and_without_replacement(line).is_some());
    good.map(<[u8]>::len).sum()
}
