//! Renaming tensors.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::error::WeightError;
use crate::tensor::WeightTensor;

/// A new name for a tensor, or for all tensors of a part of a model: `lstm=rnn` renames `lstm.weight_ih_l0` to
/// `rnn.weight_ih_l0`. An empty new name removes the part from the names: `module=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    old: String,
    new: String,
}

impl Rename {
    /// Renames `old`, and the names that start with `old` and a dot.
    pub fn new(old: impl Into<String>, new: impl Into<String>) -> Self {
        Self { old: old.into(), new: new.into() }
    }

    /// The new name of `name`; none if the rename does not apply.
    fn of(&self, name: &str) -> Option<String> {
        let rest = name.strip_prefix(&self.old)?;
        match rest.strip_prefix('.') {
            _ if rest.is_empty() => Some(self.new.clone()),
            Some(rest) if self.new.is_empty() => Some(rest.to_owned()),
            Some(rest) => Some(format!("{}.{rest}", self.new)),
            None => None,
        }
    }
}

impl FromStr for Rename {
    type Err = String;

    /// Reads `OLD=NEW`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((old, new)) if !old.is_empty() => Ok(Self::new(old, new)),
            _ => Err("give OLD=NEW, such as lstm=rnn".to_owned()),
        }
    }
}

/// The entries whose names start with `prefix` and a dot, without it: one state dict of several.
///
/// # Errors
///
/// [`WeightError::NoSuchName`] when there is none.
pub fn within<T>(entries: BTreeMap<String, T>, prefix: &str) -> Result<BTreeMap<String, T>, WeightError> {
    let prefix = prefix.trim_end_matches('.');
    let rest = |name: &str| Some(name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned());
    if !entries.keys().any(|name| rest(name).is_some()) {
        return Err(WeightError::NoSuchName { name: prefix.to_owned(), there: entries.into_keys().collect() });
    }
    Ok(entries.into_iter().filter_map(|(name, entry)| Some((rest(&name)?, entry))).collect())
}

/// `tensors` under new names. Every rename in turn applies to the result of those before it.
///
/// # Errors
///
/// [`WeightError::NoSuchName`] for a rename without a match, [`WeightError::NameTwice`] when two tensors get the same
/// name.
pub fn rename(
    mut tensors: BTreeMap<String, WeightTensor>,
    renames: &[Rename],
) -> Result<BTreeMap<String, WeightTensor>, WeightError> {
    for rename in renames {
        let mut renamed = BTreeMap::new();
        let mut found = false;
        for (name, tensor) in tensors {
            let name = match rename.of(&name) {
                Some(new) => {
                    found = true;
                    new
                }
                None => name,
            };
            if renamed.contains_key(&name) {
                return Err(WeightError::NameTwice { name });
            }
            renamed.insert(name, tensor);
        }
        if !found {
            return Err(WeightError::NoSuchName { name: rename.old.clone(), there: renamed.into_keys().collect() });
        }
        tensors = renamed;
    }
    Ok(tensors)
}
