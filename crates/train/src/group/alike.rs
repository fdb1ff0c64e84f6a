//! Whether the processes of a group do the same run.

use std::time::{Duration, SystemTime};

use burn::module::Module;
use rekindle_settings::{Sections, Table, Value};
use serde::{Deserialize, Serialize};

use super::{Group, exchange};
use crate::error::TrainError;
use crate::group::flat::digest;
use crate::run::checkpoint::Progress;

/// Clocks that differ by more are reported.
const CLOCKS: Duration = Duration::from_secs(10);

/// What a process says of itself before the first step.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Greeting {
    host: String,
    /// Its clock, in time since 1970.
    clock: Duration,
    /// What must be the same on all: names and values.
    facts: Vec<(String, String)>,
}

impl Greeting {
    /// That of a process with this model, after `progress`.
    pub fn of<S: Sections, M: Module>(
        group: &dyn Group,
        settings: &S,
        progress: &Progress,
        model: &M,
    ) -> Result<Self, TrainError> {
        let mut facts = vec![("the version of Rekindle".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
        add(&mut facts, "", &Table::try_from(settings).unwrap_or_default());
        facts.push(("the data".to_owned(), progress.data.clone()));
        facts.push(("the content of the data (SHA-256)".to_owned(), progress.data_sha256.clone().unwrap_or_default()));
        facts.push(("the step".to_owned(), progress.step.to_string()));
        facts.push(("the weights (SHA-256)".to_owned(), digest(model)?));
        let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Self { host: group.host(), clock, facts })
    }
}

/// Adds settings under their names: `training.learning_rate`.
fn add(facts: &mut Vec<(String, String)>, before: &str, table: &Table) {
    for (key, value) in table {
        match value {
            Value::Table(table) => add(facts, &format!("{before}{key}."), table),
            value => facts.push((format!("the setting {before}{key}"), value.to_string())),
        }
    }
}

/// Compares the greetings of all processes. Returns warnings.
///
/// # Errors
///
/// [`TrainError::RanksDiffer`] with the first difference.
pub(crate) fn check_alike(group: &dyn Group, ours: &Greeting) -> Result<Vec<String>, TrainError> {
    let all = exchange(group, ours)?;
    let Some((first, others)) = all.split_first() else { return Ok(Vec::new()) };
    let mut warnings = Vec::new();
    for (rank, other) in (1..).zip(others) {
        let host = &other.host;
        let value = |facts: &[(String, String)], name: &String| {
            facts.iter().find(|fact| fact.0 == *name).map_or("missing".to_owned(), |fact| fact.1.clone())
        };
        let names = first.facts.iter().chain(&other.facts).map(|fact| &fact.0);
        for name in names {
            let [was, is] = [value(&first.facts, name), value(&other.facts, name)];
            if was != is {
                return Err(TrainError::RanksDiffer { rank, host: host.clone(), what: name.clone(), is, was });
            }
        }
        let apart = other.clock.abs_diff(first.clock);
        if apart > CLOCKS {
            let seconds = apart.as_secs();
            warnings.push(format!("the clock of rank {rank} ({host}) is {seconds} s from that of rank 0"));
        }
    }
    Ok(warnings)
}
