//! `rekindle settings`: the declared settings of a task.

use std::io::{Write, stdout};

use anyhow::{Context, Result};
use rekindle_train::registry;
use rekindle_train::tasks;

use crate::console;
use crate::options::Settings;

pub fn run(options: &Settings) -> Result<()> {
    let task = registry::find(tasks::ALL, &options.task).context("the names are those of the registry")?;
    let sections = task.sections();
    if options.output.json {
        return console::json(&sections);
    }
    let mut out = stdout().lock();
    for section in sections {
        writeln!(out, "# {}\n[{}]", section.heading, section.table)?;
        for field in section.settings {
            let range = if field.range.is_open() { String::new() } else { format!(" ({})", field.range) };
            writeln!(out, "# {}{range}", field.help)?;
            match (field.default, field.unset) {
                (Some(default), _) => writeln!(out, "{} = {default}", field.key)?,
                (None, unset) => writeln!(out, "# {} = ...  [default: {}]", field.key, unset.unwrap_or("none"))?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}
