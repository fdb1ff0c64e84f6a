//! All runs, kept up to date while the server runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use rekindle_train::registry::Registered;
use rekindle_train::run::Followed;
use serde_json::json;
use tokio::sync::broadcast;

use super::error::Failure;
use super::folders::{Folders, Found};
use super::run::{Facts, Run};

/// Time between two looks at the runs, and between two searches for new ones.
const LOOK: Duration = Duration::from_secs(1);
const SEARCH: Duration = Duration::from_secs(3);
/// Changes that a page may be behind.
const BEHIND: usize = 512;

/// The runs, and the changes of them.
pub(super) struct Index {
    pub folders: Folders,
    tasks: &'static [&'static dyn Registered],
    runs: RwLock<BTreeMap<String, Arc<Known>>>,
    changes: broadcast::Sender<Change>,
}

/// A run that was found.
pub(super) struct Known {
    pub found: Found,
    /// What is shown in lists: never locked for long.
    shown: Mutex<Run>,
    /// What it follows from: locked while the run's files are read.
    read: Mutex<(Facts, Followed)>,
}

/// Something that a page is told.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub event: &'static str,
    pub data: Arc<str>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done by a panic elsewhere.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    /// The run as it was at the last look.
    pub fn shown(&self) -> Run {
        locked(&self.shown).clone()
    }

    /// Its figures, which may be read at this moment.
    pub fn with_figures<R>(&self, work: impl FnOnce(&Followed) -> R) -> R {
        work(&locked(&self.read).1)
    }
}

impl Index {
    pub fn new(folders: Folders, tasks: &'static [&'static dyn Registered]) -> Self {
        Self { folders, tasks, runs: RwLock::default(), changes: broadcast::channel(BEHIND).0 }
    }

    /// The number of runs.
    pub fn len(&self) -> usize {
        self.runs.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All runs.
    pub fn all(&self) -> Vec<Arc<Known>> {
        self.runs.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The run with this id.
    pub fn run(&self, id: &str) -> Result<Arc<Known>, Failure> {
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        runs.get(id).cloned().ok_or_else(|| Failure::not_found("there is no such run any more"))
    }

    /// The changes from now on.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Searches the folders for runs. New ones have no figures until the next [`look`](Self::look).
    pub fn find(&self) {
        let found = self.folders.runs();
        let mut runs = self.runs.write().unwrap_or_else(PoisonError::into_inner);
        for found in found {
            let renamed = runs.get(&found.id).is_some_and(|known| known.found != found);
            if renamed {
                runs.remove(&found.id);
            }
            runs.entry(found.id.clone()).or_insert_with(|| {
                let path = found.path.display().to_string();
                let shown = Run { id: found.id.clone(), name: found.name.clone(), path, ..Run::default() };
                Arc::new(Known { found, shown: Mutex::new(shown), read: Mutex::default() })
            });
        }
    }

    /// Looks at all runs, and tells the pages what changed.
    pub fn look(&self) {
        for known in self.all() {
            let run = {
                let (facts, figures) = &mut *locked(&known.read);
                facts.update(&known.found, &self.folders, self.tasks, figures)
            };
            match run {
                Some(run) if *locked(&known.shown) == run => {}
                Some(run) => {
                    let data = serde_json::to_string(&run).unwrap_or_default();
                    *locked(&known.shown) = run;
                    self.tell("runs", &data);
                }
                None => {
                    self.runs.write().unwrap_or_else(PoisonError::into_inner).remove(&known.found.id);
                    self.tell("gone", &json!({"id": known.found.id}).to_string());
                }
            }
        }
    }

    fn tell(&self, event: &'static str, data: &str) {
        // Without a page that listens, nobody is told.
        let _ = self.changes.send(Change { event, data: data.into() });
    }

    /// Looks at the runs again and again, on a thread of its own.
    pub fn watch(self: Arc<Self>) {
        thread::spawn(move || {
            let mut searched = Instant::now();
            loop {
                self.look();
                thread::sleep(LOOK);
                if searched.elapsed() >= SEARCH {
                    self.find();
                    searched = Instant::now();
                }
            }
        });
    }
}
