//! Settings from a TOML file, under those given on the command line.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::ArgMatches;
use clap::parser::ValueSource;
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// What stands at the head of a run's `config.toml` beside the settings.
const HEAD: [&str; 3] = ["format", "task", "rekindle"];

/// The settings of `file` laid over `defaults`, but for those that `matches` says were given as options.
///
/// The file has the tables of a run's `config.toml`; any table and any setting may be missing.
pub fn overlay<S: Serialize + DeserializeOwned>(given: &S, matches: &ArgMatches, task: &str, file: &Path) -> Result<S> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let tables: Table = text.parse().with_context(|| format!("{shown} is not TOML"))?;
    if let Some(other) = tables.get("task").and_then(Value::as_str).filter(|&other| other != task) {
        bail!("{shown} holds settings of `{other}`, not of `{task}`");
    }
    let mut merged = Table::try_from(given).context("settings can be written as TOML")?;
    for (name, table) in tables {
        if HEAD.contains(&name.as_str()) {
            continue;
        }
        let Some(Value::Table(known)) = merged.get_mut(&name) else {
            let names: Vec<_> = merged.keys().map(|name| format!("[{name}]")).collect();
            bail!("{shown}: there is no table [{name}]; there are {}", names.join(", "));
        };
        let Value::Table(table) = table else { bail!("{shown}: {name} is not a table [{name}]") };
        for (setting, value) in table {
            if !given_as_option(matches, &setting) {
                known.insert(setting, value);
            }
        }
    }
    merged.try_into().with_context(|| format!("in {shown}"))
}

fn given_as_option(matches: &ArgMatches, id: &str) -> bool {
    // An id that no option has is a mistake in the file; reading the merged table will say so.
    matches.try_contains_id(id).is_ok() && matches.value_source(id) == Some(ValueSource::CommandLine)
}
