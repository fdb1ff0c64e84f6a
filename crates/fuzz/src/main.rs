//! Runs the fuzzing of `rekindle_fuzz` for a given time.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use clap::Parser;
use rekindle_fuzz::campaign::{Length, run};
use rekindle_fuzz::readers;

/// Read damaged files with every reader of outside bytes
#[derive(Debug, Parser)]
struct Options {
    /// Files in all, divided among the readers
    #[arg(long, value_name = "COUNT", default_value_t = u64::MAX)]
    files: u64,
    /// Seconds in all
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u64,
    /// Seed [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// Only these readers [default: all]
    readers: Vec<String>,
}

fn main() -> ExitCode {
    let Options { files, seconds, seed, readers: names } = Options::parse();
    let asked = |name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
    let chosen: Vec<_> = readers::ALL.iter().filter(|reader| asked(reader.name)).collect();
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos() as u64);
    let seed = seed.unwrap_or(now);
    // The report has the message of a failed assertion, once.
    std::panic::set_hook(Box::new(|_| {}));
    println!("seed {seed}\n{:20} {:>12} {:>14} {:>16}", "reader", "files", "slowest (ms)", "memory (bytes)");
    let (mut all, mut failed) = (0, false);
    let end = Instant::now() + Duration::from_secs(seconds);
    for (index, reader) in chosen.iter().enumerate() {
        let left = (chosen.len() - index) as u64;
        let time = end.saturating_duration_since(Instant::now()) / left as u32;
        let found = run(reader, Length { files: (files - all) / left, time }, seed);
        all += found.files;
        let milliseconds = found.slowest.as_secs_f64() * 1000.0;
        println!("{:20} {:>12} {milliseconds:>14.1} {:>16}", reader.name, found.files, found.memory);
        if let Some((fault, bytes)) = found.fault {
            failed = true;
            let file = std::env::temp_dir().join(format!("{}-{seed}", reader.name));
            let written = std::fs::write(&file, bytes).map_or_else(|e| e.to_string(), |()| file.display().to_string());
            println!("  FAULT {fault}\n  {written}");
        }
    }
    println!("{all} files");
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
