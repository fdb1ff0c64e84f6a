//! Errors of settings.

use std::fmt::Display;

/// An error of a setting, which is quoted as typed on the command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// A value that is out of range, has another type, or conflicts with other settings.
    #[error("{}: must be {wanted}", typed(option, value))]
    Invalid {
        /// The option, without its dashes.
        option: String,
        /// The value; `true` for a flag.
        value: String,
        /// Completes "must be".
        wanted: String,
    },
    /// An unknown key.
    #[error("there is no setting `{key}`; there are {known}")]
    Unknown {
        /// The key.
        key: String,
        /// The existing keys.
        known: String,
    },
    /// A setting under its present and an older name, or under two older ones.
    #[error("`{key}` and `{other}` are the same setting: give one of them")]
    Twice {
        /// One name.
        key: String,
        /// The other name.
        other: String,
    },
    /// An unknown table.
    #[error("there is no table [{name}]; there are {known}")]
    UnknownTable {
        /// Its name.
        name: String,
        /// The existing tables.
        known: String,
    },
    /// A single value in place of a table.
    #[error("`{name}` must be a table: [{name}]")]
    NoTable {
        /// Its name.
        name: String,
    },
    /// Settings that a TOML file cannot hold.
    #[error("the settings cannot be written as TOML: {reason}")]
    Unwritable {
        /// The reason.
        reason: String,
    },
}

impl SettingError {
    /// The error for `--option value`, which must be `wanted`.
    pub fn invalid(option: impl Into<String>, value: impl Display, wanted: impl Into<String>) -> Self {
        Self::Invalid { option: option.into(), value: value.to_string(), wanted: wanted.into() }
    }
}

fn typed(option: &str, value: &str) -> String {
    if value == "true" { format!("--{option}") } else { format!("--{option} {value}") }
}
