//! `rekindle settings`: the declared settings of a task.

use std::fmt::Write;

use anyhow::{Context, Result};
use rekindle_train::registry::{self, Registered};
use rekindle_train::tasks;

use crate::console;
use crate::options::Settings;

pub fn run(options: &Settings) -> Result<()> {
    let task = registry::find(tasks::ALL, &options.task).context("the names are those of the registry")?;
    if options.output.json {
        return console::json(&task.sections());
    }
    Ok(console::write_line(file(task)?)?)
}

/// A file of all settings of a task, for `train --config`.
fn file(task: &dyn Registered) -> Result<String> {
    let mut text = format!("task = \"{}\"\n", task.name());
    for section in task.sections() {
        writeln!(text, "\n# {}\n[{}]", section.heading, section.table)?;
        for field in section.settings {
            let range = if field.range.is_open() { String::new() } else { format!(" ({})", field.range) };
            writeln!(text, "# {}{range}", field.help)?;
            match (field.default, field.unset) {
                (Some(default), _) => writeln!(text, "{} = {default}", field.key)?,
                (None, unset) => writeln!(text, "# {} = ...  [default: {}]", field.key, unset.unwrap_or("none"))?,
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::config_file::{ConfigFile, with_task};

    #[test]
    fn the_settings_of_every_task_are_a_file_to_train_with() {
        let place = tempfile::tempdir().unwrap();
        for task in tasks::ALL {
            let path = place.path().join("settings.toml");
            std::fs::write(&path, file(*task).unwrap()).unwrap();
            let arguments = ["rekindle".into(), "train".into(), "--config".into(), path.clone().into_os_string()];
            assert_eq!(with_task(arguments.into()).unwrap()[2], OsString::from(task.name()));
            let tables = ConfigFile::read(&path).unwrap().settings(*task).unwrap();
            let sections = task.sections();
            assert_eq!(tables.len(), sections.len(), "{}", task.name());
            assert!(sections.iter().all(|section| tables.contains_key(section.table)), "{}", task.name());
        }
    }
}
