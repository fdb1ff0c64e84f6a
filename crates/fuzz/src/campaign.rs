//! Fuzzing a reader with damaged files, and the results.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use peak_alloc::PeakAlloc;
use proptest::collection::vec;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::damage::{Damage, damage};
use crate::readers::Reader;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Thousands of times the normal time for a file: beyond it, the reader repeats its work.
const SLOW: Duration = Duration::from_secs(20);

/// Time after which a hanging reader ends the program.
const HUNG: u64 = 120;

/// Files between two checks of the time.
const ROUND: u64 = 200;

/// The length of a campaign.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// Largest number of files.
    pub files: u64,
    /// Longest time.
    pub time: Duration,
}

/// The results of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Number of files read.
    pub files: u64,
    /// The longest CPU time for one, so that other load on the machine does not count.
    pub slowest: Duration,
    /// The most memory beyond [`Reader::times`] the size of a file, in bytes.
    pub memory: usize,
    /// The error, and the smallest file that causes it.
    pub fault: Option<(String, Vec<u8>)>,
}

/// The files of a reader's corpus.
///
/// # Panics
///
/// When there is none, or it cannot be read: a bug in this crate.
pub fn corpus(reader: &Reader) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(reader.corpus());
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{}: no file to begin with", folder.display());
    paths.iter().map(|path| fs::read(path).expect("the corpus can be read")).collect()
}

/// Reads the corpus of `reader`, then damaged files. The same `seed` gives the same files.
///
/// # Panics
///
/// When the scratch folder cannot be written.
pub fn run(reader: &Reader, length: Length, seed: u64) -> Found {
    // In memory if possible, to avoid waiting for a disk.
    let memory = Path::new("/dev/shm");
    let scratch = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let scratch = scratch.expect("a scratch folder can be made");
    let path = reader.prepare(scratch.path());
    let corpus = corpus(reader);
    let watch = Watch::new(&path);
    let found = RefCell::new(Found::default());
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("the scratch folder can be written");
        watch.begin();
        let (before, start) = (MEMORY.current_usage(), ProcessTime::now());
        MEMORY.reset_peak_usage();
        (reader.read)(&path);
        let (took, elapsed) = (MEMORY.peak_usage().saturating_sub(before), start.elapsed());
        watch.end();
        let beyond = took.saturating_sub(reader.times * bytes.len());
        let mut found = found.borrow_mut();
        found.files += 1;
        found.slowest = found.slowest.max(elapsed);
        found.memory = found.memory.max(beyond);
        let size = bytes.len();
        if elapsed > SLOW {
            Err(TestCaseError::fail(format!("a file of {size} bytes took {elapsed:?}")))
        } else if beyond > reader.allowance {
            Err(TestCaseError::fail(format!("a file of {size} bytes took {took} bytes of memory")))
        } else {
            Ok(())
        }
    };
    let damaged = (select(corpus.clone()), vec(damage(reader.words), 1..6));
    let end = Instant::now() + length.time;
    let mut fault = corpus.iter().find_map(|bytes| read(bytes).err().map(|fault| (fault.to_string(), bytes.clone())));
    let mut round = 0_u64;
    while fault.is_none() && found.borrow().files < length.files && Instant::now() < end {
        let cases = (length.files - found.borrow().files).min(ROUND) as u32;
        let config = Config { cases, failure_persistence: None, max_shrink_time: 60_000, ..Config::default() };
        let mut random = [0; 32];
        random[..8].copy_from_slice(&seed.to_le_bytes());
        random[8..16].copy_from_slice(&round.to_le_bytes());
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &random));
        let outcome = runner.run(&damaged, |(bytes, damages)| read(&after(bytes, &damages)));
        fault = outcome.err().map(|error| match error {
            TestError::Fail(reason, (bytes, damages)) => (reason.to_string(), after(bytes, &damages)),
            TestError::Abort(reason) => (reason.to_string(), Vec::new()),
        });
        round += 1;
    }
    Found { fault, ..found.into_inner() }
}

fn after(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    damages.iter().for_each(|damage| damage.befall(&mut bytes));
    bytes
}

/// Ends the program when a reader hangs, and leaves its file: a thread cannot be terminated.
struct Watch {
    /// When reading the current file started, in seconds of CPU time after `start`, from 1; 0 between files.
    begun: Arc<AtomicU64>,
    start: ProcessTime,
}

impl Watch {
    fn new(path: &Path) -> Self {
        let watch = Self { begun: Arc::default(), start: ProcessTime::now() };
        let (begun, start, path) = (Arc::downgrade(&watch.begun), watch.start, path.to_owned());
        thread::spawn(move || {
            while let Some(begun) = begun.upgrade().map(|begun| begun.load(Ordering::Relaxed)) {
                if begun > 0 && start.elapsed().as_secs() > begun + HUNG {
                    eprintln!("{}: its reader has not come back in {HUNG} seconds of computing", path.display());
                    std::process::exit(101);
                }
                thread::sleep(Duration::from_millis(200));
            }
        });
        watch
    }

    fn begin(&self) {
        self.begun.store(self.start.elapsed().as_secs() + 1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.begun.store(0, Ordering::Relaxed);
    }
}
