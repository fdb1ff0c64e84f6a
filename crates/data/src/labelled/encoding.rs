//! From the bytes of a file to text.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use encoding_rs::{UTF_8, WINDOWS_1252};
use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use super::LabelledError;
use crate::Error;

/// How the bytes of a file are read as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// By a byte-order mark; else UTF-8 where the file is valid UTF-8, and else Windows-1252, which most older English
    /// sets are in and which gives every byte a meaning.
    #[default]
    Auto,
    /// This one of the encodings of the web.
    Named(&'static encoding_rs::Encoding),
}

impl FromStr for Encoding {
    type Err = LabelledError;

    /// Reads `auto` or a label of the [Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels).
    fn from_str(name: &str) -> Result<Self, LabelledError> {
        if name == "auto" {
            return Ok(Self::Auto);
        }
        let known = encoding_rs::Encoding::for_label(name.as_bytes());
        known.map(Self::Named).ok_or_else(|| LabelledError::NoSuchEncoding { name: name.to_owned() })
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
    /// The text of a file, unpacked where it is gzip.
    pub(super) fn read(self, path: &Path) -> Result<String, Error> {
        let bytes = fs::read(path).map_err(|e| Error::read(path.to_owned(), e))?;
        let named_gzip = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        if !named_gzip && !bytes.starts_with(&[0x1F, 0x8B]) {
            return Ok(self.decode(bytes, path)?);
        }
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(&bytes[..])
            .read_to_end(&mut unpacked)
            .map_err(|source| LabelledError::Gzip { path: path.to_owned(), source })?;
        Ok(self.decode(unpacked, path)?)
    }

    fn decode(self, bytes: Vec<u8>, path: &Path) -> Result<String, LabelledError> {
        let encoding = match (self, encoding_rs::Encoding::for_bom(&bytes)) {
            (_, Some((marked, _))) => marked,
            (Self::Named(encoding), None) => encoding,
            (Self::Auto, None) => match String::from_utf8(bytes) {
                Ok(text) => return Ok(text),
                Err(e) => return Ok(WINDOWS_1252.decode(e.as_bytes()).0.into_owned()),
            },
        };
        let bytes = match encoding_rs::Encoding::for_bom(&bytes) {
            Some((_, mark)) => &bytes[mark..],
            None => &bytes[..],
        };
        match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
            Some(text) => Ok(text.into_owned()),
            None => {
                let good = if encoding == UTF_8 {
                    std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len)
                } else {
                    good_lines(encoding, bytes)
                };
                let line = 1 + bytes[..good].iter().filter(|&&byte| byte == b'\n').count();
                Err(LabelledError::Encoding { path: path.to_owned(), line, encoding: encoding.name() })
            }
        }
    }
}

/// The bytes of the whole lines at the beginning that can be decoded.
fn good_lines(encoding: &'static encoding_rs::Encoding, bytes: &[u8]) -> usize {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let good = lines.take_while(|line| encoding.decode_without_bom_handling_and_without_replacement(line).is_some());
    good.map(<[u8]>::len).sum()
}
