//! All settings of a run: groups, each a table of a file.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::error::SettingError;
use crate::field::Field;
use crate::group::Settings;

/// All settings of a run. [`sections!`](crate::sections!) implements it.
pub trait Sections: Clone + Default + Serialize + DeserializeOwned {
    /// The declared groups, with their defaults.
    fn sections() -> Vec<Section>;

    /// The settings from the tables of a file, overridden by those given as options.
    ///
    /// # Errors
    ///
    /// For the first invalid table, key or value.
    fn from_tables(tables: Tables) -> Result<Self, SettingError>;

    /// Checks every setting, by itself and against the others.
    ///
    /// # Errors
    ///
    /// For the first invalid setting.
    fn validate(&self) -> Result<(), SettingError>;

    /// Checks groups against each other, after each was checked by itself.
    ///
    /// # Errors
    ///
    /// For the first setting that conflicts with another group's.
    fn check(&self) -> Result<(), SettingError> {
        Ok(())
    }
}

/// A group: a table of a file, and a heading in a help text.
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

/// Tables to be read into a struct: those of a file, and those given as options.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The tables of a file.
    pub file: Table,
    /// Those given as options, under the present keys. They take precedence.
    pub given: Table,
}

impl Tables {
    /// Removes the table `name` and reads the group from it, with `defaults` for missing settings.
    ///
    /// # Errors
    ///
    /// For the first invalid key or value.
    pub fn read<S: Settings>(&mut self, name: &str, defaults: S) -> Result<S, SettingError> {
        let table = |tables: &mut Table| match tables.remove(name) {
            Some(Value::Table(table)) => Ok(table),
            Some(_) => Err(SettingError::NoTable { name: name.to_owned() }),
            None => Ok(Table::new()),
        };
        let (file, given) = (table(&mut self.file)?, table(&mut self.given)?);
        let settings = defaults.merged(file)?.merged(given.clone())?;
        settings.check()?;
        settings.check_used(&given)?;
        Ok(settings)
    }

    /// Finishes reading.
    ///
    /// # Errors
    ///
    /// [`SettingError::UnknownTable`] when a table is left over.
    pub fn finish(self, known: &[&str]) -> Result<(), SettingError> {
        let Some((name, _)) = self.file.into_iter().chain(self.given).next() else { return Ok(()) };
        let known: Vec<_> = known.iter().map(|name| format!("[{name}]")).collect();
        Err(SettingError::UnknownTable { name, known: known.join(", ") })
    }
}
