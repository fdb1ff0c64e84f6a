//! Reading `metrics.jsonl`: the whole file, or what was added to it while its run is in training.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::RunFolder;
use super::curve::{Curve, Point};
use crate::error::TrainError;

/// Keys of an evaluation's line that are no figures.
const NO_FIGURES: [&str; 6] = ["kind", "step", "epoch", "best", "seconds", HIGHER];
/// The key of the names of the figures for which higher is better.
pub(super) const HIGHER: &str = "higher";
/// The longest line that is read.
const LONGEST: u64 = 1 << 20;

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Steps done.
    pub step: u64,
    /// Epochs done, with their fraction.
    pub epoch: f64,
    /// Seconds of training, over all resumptions; none in runs of version 0.1.
    pub seconds: Option<f64>,
    /// Its figures.
    pub kind: EntryKind,
}

/// The figures of a line.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryKind {
    /// Those of training steps: the mean loss, if it is a number.
    Step(Option<f64>),
    /// Those of an evaluation.
    Evaluation {
        /// The figures by name, the loss among them.
        figures: BTreeMap<String, f64>,
        /// The names of those for which higher is better; none in runs of version 0.1.
        higher: Vec<String>,
        /// Whether it was the best so far.
        best: bool,
    },
    /// Others, such as the norms of layers.
    Other,
}

/// The keys that every line has, and the loss of a step.
#[derive(Deserialize)]
struct Head<'a> {
    kind: &'a str,
    step: u64,
    epoch: f64,
    seconds: Option<f64>,
    loss: Option<f64>,
}

impl Entry {
    /// Reads a line; none if it is no JSON of this kind: the last line of a run in training may be half written.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let Head { kind, step, epoch, seconds, loss } = serde_json::from_slice(line).ok()?;
        let kind = match kind {
            "step" => EntryKind::Step(loss),
            "evaluation" => {
                let line: Map<String, Value> = serde_json::from_slice(line).ok()?;
                let best = line.get("best") == Some(&Value::Bool(true));
                let higher = line.get(HIGHER).and_then(|names| Vec::deserialize(names).ok()).unwrap_or_default();
                let figures = line.into_iter().filter(|(name, _)| !NO_FIGURES.contains(&name.as_str()));
                let figures = figures.filter_map(|(name, value)| Some((name, value.as_f64()?))).collect();
                EntryKind::Evaluation { figures, higher, best }
            }
            _ => EntryKind::Other,
        };
        Some(Self { step, epoch, seconds, kind })
    }
}

/// The figures of a run's best evaluation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BestFigures {
    /// Steps done at that time.
    pub step: u64,
    /// The figures by name, the loss among them.
    pub figures: BTreeMap<String, f64>,
}

/// The figures of a run that may be in training: [`update`](Self::update) reads what was added. Its memory does not
/// grow with the length of the run.
#[derive(Debug, Default)]
pub struct Followed {
    /// Bytes read so far, and the file that they were read from.
    read: u64,
    file: Option<FileId>,
    /// Steps of the last line.
    pub steps: u64,
    /// Epochs of the last line.
    pub epoch: f64,
    /// Seconds of training.
    pub seconds: Option<f64>,
    /// The best evaluation.
    pub best: Option<BestFigures>,
    /// Evaluations since the best one.
    pub fruitless: u64,
    /// The names of the figures for which higher is better.
    pub higher: Vec<String>,
    /// The mean loss of training steps.
    pub training: Curve,
    /// The figures of all evaluations, by name, the loss among them.
    pub evaluations: BTreeMap<String, Curve>,
    /// The last evaluations, the newest last.
    pub recent: Vec<Evaluated>,
}

/// An evaluation of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluated {
    /// Steps done.
    pub step: u64,
    /// Epochs done.
    pub epoch: f64,
    /// The figures by name.
    pub figures: BTreeMap<String, f64>,
    /// Whether it was the best so far.
    pub best: bool,
}

/// The most evaluations that are listed one by one.
const RECENT: usize = 200;
/// The most figures of an evaluation that have a curve.
const FIGURES: usize = 32;

/// Identifies a file: a resumed run may have replaced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId([u64; 2]);

impl FileId {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self([metadata.dev(), metadata.ino()])
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        let made = metadata.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        Self([0, made.map_or(0, |time| time.as_nanos() as u64)])
    }
}

impl Followed {
    /// Reads the lines that were added since the last call; all lines anew if the file was replaced or is shorter.
    /// Says whether there was anything new.
    ///
    /// # Errors
    ///
    /// When the file cannot be read. A run that has just begun has none, which is no error.
    pub fn update(&mut self, run: &RunFolder) -> Result<bool, TrainError> {
        let path = run.metrics_path();
        let failed = |source| TrainError::io("read", &path)(source);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let had = self.read > 0;
                *self = Self::default();
                return Ok(had);
            }
            Err(e) => return Err(failed(e)),
        };
        let metadata = file.metadata().map_err(failed)?;
        let id = FileId::of(&metadata);
        let replaced = self.file.is_some_and(|known| known != id) || metadata.len() < self.read;
        if replaced {
            *self = Self::default();
        }
        self.file = Some(id);
        if metadata.len() == self.read {
            return Ok(replaced);
        }
        file.seek(SeekFrom::Start(self.read)).map_err(failed)?;
        self.read_lines(BufReader::with_capacity(1 << 16, file)).map_err(failed).map(|changed| changed || replaced)
    }

    fn read_lines(&mut self, mut lines: impl BufRead) -> io::Result<bool> {
        let (mut line, mut changed) = (Vec::new(), false);
        loop {
            line.clear();
            let count = lines.by_ref().take(LONGEST).read_until(b'\n', &mut line)? as u64;
            // A line without its end is half written, unless it is longer than any that a run writes.
            if !line.ends_with(b"\n") && count < LONGEST {
                return Ok(changed);
            }
            self.read += count;
            changed = true;
            if let Some(entry) = Entry::parse(&line) {
                self.add(entry);
            }
        }
    }

    fn add(&mut self, entry: Entry) {
        let Entry { step, epoch, seconds, kind } = entry;
        self.steps = self.steps.max(step);
        self.epoch = self.epoch.max(epoch);
        self.seconds = seconds.or(self.seconds);
        let point = |value| Point { step, epoch, seconds: seconds.unwrap_or(f64::NAN), value };
        match kind {
            EntryKind::Step(loss) => loss.into_iter().for_each(|loss| self.training.push(point(loss))),
            EntryKind::Evaluation { figures, higher, best } => {
                for (name, &value) in &figures {
                    if self.evaluations.len() < FIGURES || self.evaluations.contains_key(name) {
                        self.evaluations.entry(name.clone()).or_default().push(point(value));
                    }
                }
                self.fruitless = if best { 0 } else { self.fruitless + 1 };
                if best {
                    self.best = Some(BestFigures { step, figures: figures.clone() });
                }
                if self.recent.len() == RECENT {
                    self.recent.remove(0);
                }
                self.recent.push(Evaluated { step, epoch, figures, best });
                self.higher = higher;
            }
            EntryKind::Other => {}
        }
    }
}

#[cfg(test)]
mod tests;
