//! How long a text takes to open and to read in batches, and the memory beyond its mapping:
//! `cargo run --release -p rekindle-data --example read_speed -- PATH char|byte|word`.

use std::time::Instant;

use rekindle_data::{Corpus, Streams, TextSource, Unit, Vocabulary, VocabularyConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let source = TextSource::parse(&arguments.next().unwrap_or("builtin:source".into()))?;
    let unit: Unit = arguments.next().unwrap_or("char".into()).parse()?;

    let start = Instant::now();
    let corpus = Corpus::open(&source, unit)?;
    let opened = start.elapsed();
    let vocabulary = Vocabulary::from_corpus(&corpus, &VocabularyConfig::default())?;
    println!(
        "{}: {} bytes, {} {}, {} symbols, opened in {:.2} s",
        corpus.name(),
        corpus.bytes(),
        corpus.tokens(),
        unit.plural(),
        vocabulary.len(),
        opened.as_secs_f64(),
    );

    let mut streams = Streams::new(&corpus, &vocabulary, 0..corpus.tokens(), 64, 64)?;
    let steps = streams.steps();
    let mut checksum = 0u64;
    let mut report = |name: &str, order: &mut dyn Iterator<Item = usize>| {
        let (start, mut batches) = (Instant::now(), 0u32);
        for step in order {
            checksum += u64::from(streams.batch(step).targets[0]);
            batches += 1;
        }
        let time = start.elapsed().as_secs_f64() * 1e3 / f64::from(batches.max(1));
        println!("{batches} batches of 64 x 64, {name}: {time:.4} ms each");
    };
    report("in order", &mut (0..steps));
    report("in no order", &mut (0..200).map(|step: usize| step.wrapping_mul(7919) % steps));
    println!("sum of some targets: {checksum}");

    // Linux tells the memory of a process apart: `RssAnon` is its own, `RssFile` that of mapped files.
    for line in std::fs::read_to_string("/proc/self/status").unwrap_or_default().lines() {
        if line.starts_with("Rss") {
            println!("{line}");
        }
    }
    Ok(())
}
