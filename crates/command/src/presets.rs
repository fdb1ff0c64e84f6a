//! Presets: the settings and the initialisation of other programs.

use rekindle_settings::{Table, Value};
use rekindle_train::run;

/// A preset: its name, and a file of settings.
struct Preset {
    name: &'static str,
    text: &'static str,
}

const PRESETS: &[Preset] = &[
    Preset { name: "char-rnn", text: include_str!("presets/char-rnn.toml") },
    Preset { name: "torch-rnn", text: include_str!("presets/torch-rnn.toml") },
    Preset { name: "min-char-rnn", text: include_str!("presets/min-char-rnn.toml") },
];

impl Preset {
    /// Its task and its tables.
    fn parsed(&self) -> (String, Table) {
        let mut tables = run::tables(self.text).expect("presets are TOML");
        match tables.remove("task") {
            Some(Value::String(task)) => (task, tables),
            _ => panic!("a preset has a task"),
        }
    }
}

/// The names of the presets of a task.
pub fn names(task: &str) -> Vec<&'static str> {
    PRESETS.iter().filter(|preset| preset.parsed().0 == task).map(|preset| preset.name).collect()
}

/// The settings of the preset `name`, overridden by those of a file.
pub fn under(name: &str, file: &Table) -> Table {
    let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) else { return file.clone() };
    let (_, mut settings) = preset.parsed();
    for (key, value) in file {
        match (settings.get_mut(key), value) {
            (Some(Value::Table(table)), Value::Table(more)) => {
                table.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            _ => drop(settings.insert(key.clone(), value.clone())),
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_wins_over_a_preset_setting_by_setting() {
        let file: Table = "[model]\nhidden = 7\n[sample]\nsample_length = 3".parse().unwrap();
        let settings = under("char-rnn", &file);
        assert_eq!(settings["model"]["hidden"].as_integer(), Some(7));
        assert_eq!(settings["model"]["init"].as_str(), Some("char-rnn"));
        assert_eq!(settings["sample"]["sample_length"].as_integer(), Some(3));
        assert_eq!(names("chars"), ["char-rnn", "torch-rnn", "min-char-rnn"]);
        assert!(names("draw").is_empty());
    }
}
