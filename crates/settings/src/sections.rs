//! All settings of a run: groups, each a table of a file.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::error::SettingError;
use crate::field::Field;
use crate::group::Settings;

/// All settings of a run. [`sections!`](crate::sections!) writes the implementation.
pub trait Sections: Clone + Default + Serialize + DeserializeOwned {
    /// The groups as they are declared, with their defaults.
    fn sections() -> Vec<Section>;

    /// The settings of the tables of a file, and of those given beside it, which win.
    ///
    /// # Errors
    ///
    /// For the first table, key or value that is wrong.
    fn from_tables(tables: Tables) -> Result<Self, SettingError>;

    /// Checks every setting: its range, and how it goes with the others.
    ///
    /// # Errors
    ///
    /// For the first that has no meaning.
    fn validate(&self) -> Result<(), SettingError>;

    /// Checks groups against each other; each by itself has been checked already.
    ///
    /// # Errors
    ///
    /// For the first setting that does not go with one of another group.
    fn check(&self) -> Result<(), SettingError> {
        Ok(())
    }
}

/// A group as a table of a file, and under a heading of a help text.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    /// The name of the table.
    pub table: &'static str,
    /// The heading.
    pub heading: &'static str,
    /// The settings, with their defaults.
    pub settings: Vec<Field>,
}

impl Section {
    /// A group with these defaults.
    pub fn of<S: Settings>(table: &'static str, heading: &'static str, defaults: &S) -> Self {
        Self { table, heading, settings: defaults.described() }
    }
}

/// Settings on their way into a struct: the tables of a file, and those given beside it.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The tables of a file.
    pub file: Table,
    /// Those given as options, under the keys of today. They win.
    pub given: Table,
}

impl Tables {
    /// Takes out the table `name` and reads the group from it, with `defaults` for what is not there.
    ///
    /// # Errors
    ///
    /// For the first key or value that is wrong.
    pub fn read<S: Settings>(&mut self, name: &str, defaults: S) -> Result<S, SettingError> {
        let mut settings = defaults;
        for tables in [&mut self.file, &mut self.given] {
            match tables.remove(name) {
                Some(Value::Table(table)) => settings = settings.merged(table)?,
                Some(_) => return Err(SettingError::NoTable { name: name.to_owned() }),
                None => {}
            }
        }
        settings.check()?;
        Ok(settings)
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// [`SettingError::UnknownTable`] when a table is left.
    pub fn finish(self, known: &[&str]) -> Result<(), SettingError> {
        let Some((name, _)) = self.file.into_iter().chain(self.given).next() else { return Ok(()) };
        let known: Vec<_> = known.iter().map(|name| format!("[{name}]")).collect();
        Err(SettingError::UnknownTable { name, known: known.join(", ") })
    }
}
