//! Where a setting stands in a file.

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table};

use crate::error::SettingError;
use crate::field::typed;

/// The line, from 1, of the TOML file `text` that `error` is about; none if no line of it is.
///
/// ```
/// use rekindle_settings::{SettingError, line_of};
///
/// let error = SettingError::invalid("hidden", 0, "at least 1");
/// assert_eq!(line_of("[model]\nlayers = 2\nhidden = 0\n", &error), Some(3));
/// // Another value than the file's was given as an option.
/// assert_eq!(line_of("[model]\nhidden = 8\n", &error), None);
/// ```
pub fn line_of(text: &str, error: &SettingError) -> Option<usize> {
    let (spans, values) = (DeTable::parse(text).ok()?, text.parse::<Table>().ok()?);
    let place = match error {
        SettingError::UnknownTable { name, .. } | SettingError::NoTable { name } => place(spans.get_ref(), name),
        SettingError::Unknown { key, .. } | SettingError::Twice { other: key, .. } => {
            tables(spans.get_ref()).find_map(|(_, table)| place(table, key))
        }
        SettingError::Invalid { option, value, .. } => {
            let key = option.replace('-', "_");
            let has_value = |table: &str| values[table].get(&key).is_some_and(|found| typed(found) == *value);
            let mut those = tables(spans.get_ref()).filter(|(name, _)| has_value(name));
            those.find_map(|(_, table)| place(table, &key))
        }
        SettingError::Unwritable { .. } => None,
    };
    place.map(|place| text[..place].lines().count().max(1))
}

/// The tables of a file, with their names.
fn tables<'t, 'i>(file: &'t DeTable<'i>) -> impl Iterator<Item = (&'t str, &'t DeTable<'i>)> {
    file.iter().filter_map(|(name, value)| match value.get_ref() {
        DeValue::Table(table) => Some((name.get_ref().as_ref(), table)),
        _ => None,
    })
}

/// The end of a key in the text.
fn place(table: &DeTable<'_>, key: &str) -> Option<usize> {
    let mut keys = table.keys();
    keys.find(|name| name.get_ref().as_ref() == key).map(|name: &Spanned<_>| name.span().end)
}
