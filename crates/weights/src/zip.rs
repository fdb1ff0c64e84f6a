//! The zip container of `torch.save`: uncompressed records.

use std::collections::BTreeMap;
use std::ops::Range;

/// The range of each record of a zip file; an error describes the problem.
///
/// Compressed records are rejected, so that no file unpacks to more than its size.
pub(crate) fn records(bytes: &[u8]) -> Result<BTreeMap<String, Range<usize>>, String> {
    // The end record has 22 bytes and a comment of at most 65,535.
    let from = bytes.len().saturating_sub(22 + 0xffff);
    let end = (from..bytes.len().saturating_sub(21)).rev().find(|&at| bytes[at..].starts_with(b"PK\x05\x06"));
    let end = end.ok_or("the zip has no end: the file is cut short")?;
    let mut at = number(bytes, end + 16, 4)?;
    let mut records = BTreeMap::new();
    while bytes.get(at..).is_some_and(|rest| rest.starts_with(b"PK\x01\x02")) {
        let (name_length, extra, comment) =
            (number(bytes, at + 28, 2)?, number(bytes, at + 30, 2)?, number(bytes, at + 32, 2)?);
        let name = bytes.get(at + 46..at + 46 + name_length).ok_or("a name in the zip is cut short")?;
        let name = String::from_utf8_lossy(name).into_owned();
        let (packed, size) = (number(bytes, at + 20, 4)?, number(bytes, at + 24, 4)?);
        if number(bytes, at + 10, 2)? != 0 || packed != size {
            return Err(format!("the record {name} is compressed, which torch.save never does"));
        }
        let header = number(bytes, at + 42, 4)?;
        if !bytes.get(header..).is_some_and(|rest| rest.starts_with(b"PK\x03\x04")) {
            return Err(format!("the record {name} is not where the zip says"));
        }
        let start = header + 30 + number(bytes, header + 26, 2)? + number(bytes, header + 28, 2)?;
        if start.checked_add(size).is_none_or(|end| end > bytes.len()) {
            return Err(format!("the record {name} of {size} bytes goes beyond the end of the file"));
        }
        if records.insert(name.clone(), start..start + size).is_some() {
            return Err(format!("the record {name} is there twice"));
        }
        at += 46 + name_length + extra + comment;
    }
    if records.len() == number(bytes, end + 10, 2)? { Ok(records) } else { Err("the zip's list is damaged".into()) }
}

fn number(bytes: &[u8], at: usize, width: usize) -> Result<usize, String> {
    let bytes = at.checked_add(width).and_then(|end| bytes.get(at..end)).ok_or("the zip is cut short")?;
    Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte)))
}
