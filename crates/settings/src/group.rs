//! Groups of settings: parsing, checking and describing.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

use crate::error::SettingError;
use crate::field::{Field, UsedWith, typed};

/// A group of settings. [`settings!`](crate::settings!) implements it.
pub trait Settings: Clone + Default + Serialize + DeserializeOwned {
    /// The declared settings, without their defaults: see [`Section::of`](crate::Section::of).
    fn fields() -> Vec<Field>;

    /// Checks settings against each other, after each was checked by itself.
    ///
    /// # Errors
    ///
    /// For the first setting that conflicts with another.
    fn check(&self) -> Result<(), SettingError> {
        Ok(())
    }

    /// Checks every setting, by itself and against the others.
    ///
    /// # Errors
    ///
    /// For the first invalid setting.
    fn validate(&self) -> Result<(), SettingError> {
        let table = Table::try_from(self).map_err(|e| SettingError::Unwritable { reason: e.to_string() })?;
        check_all(&Self::fields(), &table)?;
        self.check()
    }

    /// The declared settings, with the values of these as their defaults.
    fn described(&self) -> Vec<Field> {
        let defaults = Table::try_from(self).unwrap_or_default();
        let mut fields = Self::fields();
        for field in &mut fields {
            field.default = defaults.get(field.key).cloned();
        }
        fields
    }

    /// Checks that each of the settings `given` as options is used beside the others: see [`Field::used_with`].
    ///
    /// # Errors
    ///
    /// For the first that is not.
    fn check_used(&self, given: &Table) -> Result<(), SettingError> {
        let fields = Self::fields();
        let group = Table::try_from(self).map_err(|e| SettingError::Unwritable { reason: e.to_string() })?;
        let unused = fields.iter().find(|field| {
            let (conditions, is_given) = (&field.used_with, given.contains_key(field.key));
            is_given && !conditions.is_empty() && !conditions.iter().any(|condition| condition.holds(&group))
        });
        let Some(field) = unused else { return Ok(()) };
        let option = |key| fields.iter().find(|other| other.key == key).map_or(key, |other| other.option.as_str());
        let words = |with: &UsedWith| format!("--{} {}", option(with.key), listed(&with.values)).trim_end().to_owned();
        let conditions: Vec<_> = field.used_with.iter().map(words).collect();
        let wanted = format!("given with {}, or left out", conditions.join(" or "));
        Err(SettingError::invalid(&field.option, typed(&given[field.key]), wanted))
    }

    /// The settings of a table of options, with defaults for missing ones. Older keys are supported.
    ///
    /// # Errors
    ///
    /// For the first invalid key or value, and the first that is not used beside the others.
    fn from_table(table: Table) -> Result<Self, SettingError> {
        let settings = Self::default().overlaid(table.clone())?;
        settings.check_used(&table)?;
        Ok(settings)
    }

    /// These settings, overridden by those of a table. Older keys are supported.
    ///
    /// # Errors
    ///
    /// For the first invalid key or value.
    fn overlaid(&self, table: Table) -> Result<Self, SettingError> {
        let settings = self.merged(table)?;
        settings.check()?;
        Ok(settings)
    }

    /// As [`overlaid`](Self::overlaid), but without checking settings against each other: more tables may follow.
    ///
    /// # Errors
    ///
    /// For the first invalid key or value.
    fn merged(&self, mut table: Table) -> Result<Self, SettingError> {
        let fields = Self::fields();
        rename_former(&fields, &mut table)?;
        if let Some(key) = table.keys().find(|key| !fields.iter().any(|field| field.key == *key)) {
            let known: Vec<_> = fields.iter().map(|field| field.key).collect();
            return Err(SettingError::Unknown { key: key.clone(), known: known.join(", ") });
        }
        check_all(&fields, &table)?;
        let unwritable = |reason: String| SettingError::Unwritable { reason };
        let mut merged = Table::try_from(self).map_err(|e| unwritable(e.to_string()))?;
        merged.extend(table);
        merged.try_into().map_err(|e: toml::de::Error| unwritable(e.message().to_owned()))
    }
}

/// The empty group.
impl Settings for () {
    fn fields() -> Vec<Field> {
        Vec::new()
    }

    fn validate(&self) -> Result<(), SettingError> {
        Ok(())
    }

    fn merged(&self, table: Table) -> Result<Self, SettingError> {
        match table.into_iter().next() {
            Some((key, _)) => Err(SettingError::Unknown { key, known: "none".to_owned() }),
            None => Ok(()),
        }
    }
}

/// Renames older keys to the present ones.
///
/// # Errors
///
/// [`SettingError::Twice`] when a setting is present under two names.
fn rename_former(fields: &[Field], table: &mut Table) -> Result<(), SettingError> {
    for field in fields {
        for former in &field.former {
            let Some(value) = table.remove(*former) else { continue };
            if table.insert(field.key.to_owned(), value).is_some() {
                return Err(SettingError::Twice { key: field.key.to_owned(), other: (*former).to_owned() });
            }
        }
    }
    Ok(())
}

/// `a`, `a or b`, `a, b or c`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn check_all(fields: &[Field], table: &Table) -> Result<(), SettingError> {
    let given = fields.iter().filter_map(|field| Some((field, table.get(field.key)?)));
    given.into_iter().try_for_each(|(field, value)| field.check(value))
}

/// The fields of a group that is included in another, whose help texts can be replaced.
#[derive(Clone, Debug)]
pub struct Fields(pub Vec<Field>);

impl Fields {
    /// Replaces the help text of the setting `key`.
    pub fn help(mut self, key: &str, words: &str) -> Self {
        self.0.iter_mut().filter(|field| field.key == key).for_each(|field| words.clone_into(&mut field.help));
        self
    }
}
