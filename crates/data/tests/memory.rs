//! A text is read from its mapping: its tokens are never all in memory.
//!
//! Alone in its program, so that no other test's memory is counted.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;

use rekindle_data::{Corpus, Streams, TextSource, Unit, Vocabulary, VocabularyConfig};

const MEGABYTE: usize = 1 << 20;

/// The memory of this process that no file backs, in bytes.
fn own_memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    let kilobytes: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}

#[test]
fn a_long_text_takes_little_memory_beyond_its_mapping() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let paragraph = "Wer reitet so spät durch Nacht und Wind? ".repeat(1000);
    while file.as_file().metadata().unwrap().len() < 32 * MEGABYTE as u64 {
        file.write_all(paragraph.as_bytes()).unwrap();
    }
    let source = TextSource::File(file.path().into());

    for unit in Unit::ALL {
        let before = own_memory();
        let corpus = Corpus::open(&source, unit).unwrap();
        let vocabulary = Vocabulary::from_corpus(&corpus, &VocabularyConfig::default()).unwrap();
        let mut streams = Streams::new(&corpus, &vocabulary, 0..corpus.tokens(), 32, 64).unwrap();
        for step in 0..streams.steps() {
            streams.batch(step);
        }
        // Tables, index and one batch take some hundred kilobytes. Four megabytes leave room for the
        // allocator's habits, and are far from the 32 of the text and the 128 of its tokens.
        let grown = own_memory().saturating_sub(before);
        assert!(grown < 4 * MEGABYTE, "{unit}: {grown} bytes");
    }
}
