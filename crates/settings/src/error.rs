//! What can be wrong with a setting.

use std::fmt::Display;

/// What is wrong with a setting, which is quoted as it is typed on a command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// A value out of range, of another type, or that does not go with other settings.
    #[error("{}: must be {wanted}", typed(option, value))]
    Invalid {
        /// The option, without its dashes.
        option: String,
        /// The value; `true` for a flag.
        value: String,
        /// Completes "must be".
        wanted: String,
    },
    /// A key that no setting has.
    #[error("there is no setting `{key}`; there are {known}")]
    Unknown {
        /// The key.
        key: String,
        /// The keys there are.
        known: String,
    },
    /// A setting under its name of today and under an older one, or under two older ones.
    #[error("`{key}` and `{other}` are the same setting: give one of them")]
    Twice {
        /// One name.
        key: String,
        /// The other name.
        other: String,
    },
    /// A table that no group has.
    #[error("there is no table [{name}]; there are {known}")]
    UnknownTable {
        /// Its name.
        name: String,
        /// The tables there are.
        known: String,
    },
    /// A single value where a table is wanted.
    #[error("`{name}` must be a table: [{name}]")]
    NoTable {
        /// Its name.
        name: String,
    },
    /// Settings that a TOML file cannot hold.
    #[error("the settings cannot be written as TOML: {reason}")]
    Unwritable {
        /// Why not.
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
