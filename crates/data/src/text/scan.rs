//! The pass over a text that counts its distinct tokens and indexes token positions.

use std::collections::hash_map::Entry;
use std::ops::Range;

use ahash::AHashMap;

use super::Unit;
use super::char_table::CharTable;
use super::file::TextFile;
use super::tokenizer::{ID, boundary, tokens};
use crate::DataError;
use crate::threads::in_order;

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

impl SymbolCount {
    /// The file of its first occurrence, and its bytes.
    pub(crate) fn token<'f>(&self, files: &'f [TextFile]) -> (&'f TextFile, &'f [u8]) {
        let after = files.partition_point(|file| file.start <= self.offset);
        let file = &files[after - 1];
        let start = self.offset - file.start;
        (file, &file.bytes()[start..start + self.length])
    }
}

/// Bytes of a block, which one thread scans: small, because the distinct tokens of a few blocks are in memory besides
/// those of the corpus.
const BLOCK: usize = 1 << 20;

/// The result of the scan.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The number of tokens.
    pub(crate) tokens: usize,
    /// The blocks in order; none for bytes and pieces, which need no index.
    blocks: Vec<Block>,
    /// The byte offset in the corpus of every `STRIDE`-th token of each block.
    index: Vec<usize>,
    /// The distinct tokens in the order of their first occurrence; none for pieces.
    pub(crate) symbols: Vec<SymbolCount>,
}

/// A block of the corpus that one thread scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    /// Its first token.
    token: usize,
    /// Its first entry in the index.
    entry: usize,
}

/// Consecutive tokens between two entries of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    /// The tokens.
    pub(crate) tokens: Range<usize>,
    /// Where they start and end, in bytes from the start of the corpus.
    pub(crate) bytes: Range<usize>,
}

/// Scans all files once, on all threads.
///
/// # Errors
/// `ErrorKind::Encoding` for characters and words.
pub(crate) fn scan(unit: Unit, files: &[TextFile]) -> Result<Scan, DataError> {
    scan_in_blocks(unit, files, BLOCK)
}

/// Scans blocks of `size` bytes or a little more, each up to a token boundary. The result does not depend on the number
/// of threads, and only the index depends on `size`.
fn scan_in_blocks(unit: Unit, files: &[TextFile], size: usize) -> Result<Scan, DataError> {
    if unit == Unit::Bpe {
        let tokens = files.iter().map(|file| file.bytes().len() / ID).sum();
        return Ok(Scan { tokens, ..Scan::default() });
    }
    if unit != Unit::Byte {
        files.iter().try_for_each(|file| file.utf8().map(drop))?;
    }
    let mut scan = Scan::default();
    // The index in `scan.symbols` of each token; the tokens themselves stay in the mapping.
    let mut places: AHashMap<&[u8], usize> = AHashMap::new();
    let blocks = blocks(unit, files, size);
    in_order(&blocks, |block| scan_block(unit, files, block), |block| scan.append(block, files, &mut places));
    scan.symbols.sort_unstable_by_key(|symbol| symbol.offset);
    Ok(scan)
}

/// Cuts the corpus into blocks of at least `size` bytes; only the last may be smaller.
fn blocks(unit: Unit, files: &[TextFile], size: usize) -> Vec<Range<usize>> {
    let bytes = files.last().map_or(0, |file| file.start + file.bytes().len());
    let mut blocks = Vec::new();
    let mut start = 0;
    while start < bytes {
        let least = start + size;
        let end = if least < bytes {
            let file = &files[files.partition_point(|file| file.start <= least) - 1];
            file.start + boundary(unit, file.bytes(), least - file.start)
        } else {
            bytes
        };
        blocks.push(start..end);
        start = end;
    }
    blocks
}

/// The texts of the files in a block, with their offsets in the corpus.
fn texts<'f>(files: &'f [TextFile], block: &Range<usize>) -> impl Iterator<Item = (usize, &'f [u8])> {
    let (start, end) = (block.start, block.end);
    let first = files.partition_point(|file| file.start + file.bytes().len() <= start);
    files[first..].iter().take_while(move |file| file.start < end).map(move |file| {
        let (from, bytes) = (start.max(file.start), file.bytes());
        (from, &bytes[from - file.start..bytes.len().min(end - file.start)])
    })
}

/// The tokens of a block. Offsets are those in the corpus.
fn scan_block(unit: Unit, files: &[TextFile], block: &Range<usize>) -> Scan {
    let texts = texts(files, block);
    match unit {
        Unit::Byte => scan_bytes(texts),
        Unit::Char => scan_chars(texts),
        Unit::Word | Unit::Term | Unit::Bpe => scan_words(unit, texts, block.len()),
    }
}

fn scan_bytes<'f>(texts: impl Iterator<Item = (usize, &'f [u8])>) -> Scan {
    let mut counts = ByteCounts::new();
    let mut tokens = 0;
    for (start, text) in texts {
        for (number, block) in text.chunks(STRIDE).enumerate() {
            counts.add(block, start + number * STRIDE);
        }
        tokens += text.len();
    }
    Scan { tokens, symbols: counts.symbols().collect(), ..Scan::default() }
}

fn scan_chars<'f>(texts: impl Iterator<Item = (usize, &'f [u8])>) -> Scan {
    let mut scan = Scan::default();
    let mut ascii = ByteCounts::new();
    // The index in `scan.symbols` of each character beyond ASCII, or `ABSENT`.
    const ABSENT: u32 = u32::MAX;
    let mut places = CharTable::new(ABSENT);

    for (start, text) in texts {
        // The file was checked, but another program may have changed it since.
        let text = std::str::from_utf8(text).unwrap_or_default();
        let mut position = 0;
        while position < text.len() {
            let until_mark = scan.mark(start + position);
            let block = &text.as_bytes()[position..text.len().min(position + until_mark)];
            if block.is_ascii() {
                ascii.add(block, start + position);
                scan.tokens += block.len();
                position += block.len();
                continue;
            }
            for c in text[position..].chars().take(until_mark) {
                let (offset, length) = (start + position, c.len_utf8());
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
    scan
}

fn scan_words<'f>(unit: Unit, texts: impl Iterator<Item = (usize, &'f [u8])>, bytes: usize) -> Scan {
    // Enough for prose, where a block has a new word in 64 bytes.
    let room = bytes / 64;
    let mut scan = Scan { symbols: Vec::with_capacity(room), ..Scan::default() };
    // The index in `scan.symbols` of each word.
    let mut places: AHashMap<&[u8], usize> = AHashMap::with_capacity(room);
    for (start, text) in texts {
        let mut offset = start;
        for word in tokens(unit, text) {
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
    scan
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

    /// Appends the scan of the next block of `files`. `places` has the index of each token in `symbols`.
    fn append<'f>(&mut self, block: Scan, files: &'f [TextFile], places: &mut AHashMap<&'f [u8], usize>) {
        if !block.index.is_empty() {
            self.blocks.push(Block { token: self.tokens, entry: self.index.len() });
        }
        self.index.extend(block.index);
        self.tokens += block.tokens;
        for symbol in block.symbols {
            match places.entry(symbol.token(files).1) {
                Entry::Occupied(place) => self.symbols[*place.get()].count += symbol.count,
                Entry::Vacant(place) => {
                    place.insert(self.symbols.len());
                    self.symbols.push(symbol);
                }
            }
        }
    }

    /// The tokens around `token` between two entries of the index; none past the end. The corpus has `bytes` bytes.
    pub(crate) fn passage(&self, token: usize, bytes: usize) -> Option<Passage> {
        if token >= self.tokens {
            return None;
        }
        let after = self.blocks.partition_point(|block| block.token <= token);
        let block = self.blocks.get(after.checked_sub(1)?)?;
        let number = (token - block.token) / STRIDE;
        let (first, entry) = (block.token + number * STRIDE, block.entry + number);
        let next = self.blocks.get(after).map_or(self.tokens, |next| next.token).min(first + STRIDE);
        let end = self.index.get(entry + 1).copied().unwrap_or(bytes);
        Some(Passage { tokens: first..next, bytes: self.index[entry]..end })
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

#[cfg(test)]
mod tests;
