//! The pass over a text that counts its distinct tokens and indexes token positions.

use std::collections::HashMap;

use super::Unit;
use super::char_table::CharTable;
use super::file::TextFile;
use super::tokenizer::tokens;
use crate::DataError;

/// Tokens per entry of the sparse index: half a megabyte of index for a gigabyte of text, and finding a token reads a
/// few tens of kilobytes at most.
pub(crate) const STRIDE: usize = 1 << 14;

/// A distinct token of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SymbolCount {
    /// Its first occurrence, in bytes from the start of the corpus.
    pub(crate) offset: usize,
    /// Its length in bytes.
    pub(crate) length: usize,
    /// Number of occurrences.
    pub(crate) count: u64,
}

/// The result of the scan.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// The number of tokens.
    pub(crate) tokens: usize,
    /// The byte offset in the corpus of every `STRIDE`-th token; empty for bytes, which need no index.
    pub(crate) index: Vec<usize>,
    /// The distinct tokens in the order of their first occurrence.
    pub(crate) symbols: Vec<SymbolCount>,
}

/// Scans all files once.
///
/// # Errors
/// `ErrorKind::Encoding` for characters and words.
pub(crate) fn scan(unit: Unit, files: &[TextFile]) -> Result<Scan, DataError> {
    let mut scan = match unit {
        Unit::Byte => scan_bytes(files),
        Unit::Char => scan_chars(files)?,
        Unit::Word => scan_words(files)?,
    };
    scan.symbols.sort_unstable_by_key(|symbol| symbol.offset);
    Ok(scan)
}

fn scan_bytes(files: &[TextFile]) -> Scan {
    let mut counts = ByteCounts::new();
    let mut tokens = 0;
    for file in files {
        for block in file.bytes().chunks(STRIDE) {
            counts.add(block, tokens);
            tokens += block.len();
        }
    }
    Scan { tokens, index: Vec::new(), symbols: counts.symbols().collect() }
}

fn scan_chars(files: &[TextFile]) -> Result<Scan, DataError> {
    let mut scan = Scan::default();
    let mut ascii = ByteCounts::new();
    // The index in `scan.symbols` of each character beyond ASCII, or `ABSENT`.
    const ABSENT: u32 = u32::MAX;
    let mut places = CharTable::new(ABSENT);

    for file in files {
        let text = file.utf8()?;
        let mut position = 0;
        while position < text.len() {
            let until_mark = scan.mark(file.start + position);
            let block = &text.as_bytes()[position..text.len().min(position + until_mark)];
            if block.is_ascii() {
                ascii.add(block, file.start + position);
                scan.tokens += block.len();
                position += block.len();
                continue;
            }
            for c in text[position..].chars().take(until_mark) {
                let (offset, length) = (file.start + position, c.len_utf8());
                if c.is_ascii() {
                    ascii.add(&[c as u8], offset);
                } else if places.get(c) == ABSENT {
                    places.set(c, scan.symbols.len() as u32);
                    scan.symbols.push(SymbolCount { offset, length, count: 1 });
                } else {
                    scan.symbols[places.get(c) as usize].count += 1;
                }
                scan.tokens += 1;
                position += length;
            }
        }
    }
    scan.symbols.extend(ascii.symbols());
    Ok(scan)
}

fn scan_words(files: &[TextFile]) -> Result<Scan, DataError> {
    let mut scan = Scan::default();
    // The index in `scan.symbols` of each word; the words themselves stay in the mapping.
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    for file in files {
        let mut offset = file.start;
        for word in tokens(Unit::Word, file.utf8()?.as_bytes()) {
            scan.mark(offset);
            let place = *places.entry(word).or_insert_with(|| {
                scan.symbols.push(SymbolCount { offset, length: word.len(), count: 0 });
                scan.symbols.len() - 1
            });
            scan.symbols[place].count += 1;
            scan.tokens += 1;
            offset += word.len();
        }
    }
    Ok(scan)
}

impl Scan {
    /// Adds the offset of the next token to the index if it is due; returns the number of tokens until the next entry.
    fn mark(&mut self, offset: usize) -> usize {
        let past_mark = self.tokens % STRIDE;
        if past_mark == 0 {
            self.index.push(offset);
        }
        STRIDE - past_mark
    }
}

/// Occurrences of each byte, and the first of each.
struct ByteCounts {
    counts: [u64; 256],
    offsets: [usize; 256],
}

impl ByteCounts {
    fn new() -> Self {
        Self { counts: [0; 256], offsets: [0; 256] }
    }

    /// Counts the bytes of a block that starts at byte `start` of the corpus.
    fn add(&mut self, block: &[u8], start: usize) {
        if let [byte] = block {
            return self.add_run(*byte, 1, start);
        }
        // Four tables, so that a run of one byte does not wait for its counter each time.
        let mut tables = [[0u32; 256]; 4];
        let quads = block.chunks_exact(4);
        for byte in quads.remainder() {
            tables[0][*byte as usize] += 1;
        }
        for quad in quads {
            for (table, byte) in tables.iter_mut().zip(quad) {
                table[*byte as usize] += 1;
            }
        }
        for byte in 0..=u8::MAX {
            let count: u32 = tables.iter().map(|table| table[byte as usize]).sum();
            if count == 0 {
                continue;
            }
            let known = self.counts[byte as usize] > 0;
            let first = if known { 0 } else { block.iter().position(|b| *b == byte).unwrap_or(0) };
            self.add_run(byte, u64::from(count), start + first);
        }
    }

    fn add_run(&mut self, byte: u8, count: u64, offset: usize) {
        let byte = byte as usize;
        if self.counts[byte] == 0 {
            self.offsets[byte] = offset;
        }
        self.counts[byte] += count;
    }

    fn symbols(&self) -> impl Iterator<Item = SymbolCount> {
        let pairs = self.counts.iter().zip(&self.offsets);
        pairs.filter(|(count, _)| **count > 0).map(|(count, offset)| SymbolCount {
            offset: *offset,
            length: 1,
            count: *count,
        })
    }
}
