//! The description of one setting.

use std::any::TypeId;
use std::fmt;
use std::num::{IntErrorKind, ParseIntError};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::error::SettingError;

/// Upper limit of all sizes: the product of two is a number of bytes that can be represented, and rejected.
const LARGEST_SIZE: f64 = (1 << 28) as f64;

/// The declaration of a setting, for a command line, a file and a schema.
#[derive(Clone, Debug, Serialize)]
pub struct Field {
    /// The key in a file.
    pub key: &'static str,
    /// The name of the option, without its dashes.
    pub option: String,
    /// The help text.
    pub help: String,
    /// The kind of its value.
    pub kind: Kind,
    /// The placeholder of the value in help texts.
    pub value_name: Option<&'static str>,
    /// The default value.
    pub default: Option<Value>,
    /// What happens without a value or a default, for help texts.
    pub unset: Option<&'static str>,
    /// The allowed numbers.
    #[serde(skip_serializing_if = "Range::is_open")]
    pub range: Range,
    /// The allowed names; none if any text is allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<&'static str>,
    /// Other names of the option, shown in help texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<&'static str>,
    /// Older keys, which still work and are not shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<&'static str>,
    /// The endings that the name of a file may have; none if any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endings: Vec<&'static str>,
    /// The settings beside which it is used; none if always.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub used_with: Vec<UsedWith>,
    /// The separator of a list's texts in one option; none if each text takes an option.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// Whether it is a size of something in memory, which limits its value.
    #[serde(skip)]
    size: bool,
    #[serde(skip)]
    read: fn(Value) -> Result<(), String>,
}

/// The kind of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// True or false; the option takes no value.
    Flag,
    /// An integer.
    Integer,
    /// A floating-point number.
    Number,
    /// A text or a name.
    Text,
    /// Several texts; the option may be given several times.
    List,
}

/// A setting of the same group beside which another is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsedWith {
    /// Its key.
    pub key: &'static str,
    /// The names that it may have; none if any value does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<&'static str>,
}

impl UsedWith {
    /// Whether the setting has such a value in the table of its group.
    pub fn holds(&self, group: &Table) -> bool {
        match group.get(self.key) {
            Some(Value::String(name)) if !self.values.is_empty() => self.values.contains(&name.as_str()),
            Some(Value::Boolean(on)) => *on,
            value => value.is_some(),
        }
    }
}

/// A bound of a range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bound {
    /// The number.
    pub at: f64,
    /// Whether the bound itself is allowed.
    pub included: bool,
}

/// The allowed numbers; without bounds, all finite ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Range {
    /// The lower bound.
    pub from: Option<Bound>,
    /// The upper bound.
    pub to: Option<Bound>,
}

impl Field {
    /// The setting `key` with values of type `T`. The kind follows from the values that `T` deserializes from.
    pub fn of<T: DeserializeOwned + 'static>(key: &'static str, help: &str) -> Self {
        let reads = |value| T::deserialize(value).is_ok();
        let kind = if reads(Value::Boolean(true)) {
            Kind::Flag
        } else if reads(Value::Array(Vec::new())) {
            Kind::List
        } else if reads(Value::Float(0.5)) {
            Kind::Number
        } else if reads(Value::Integer(1)) {
            Kind::Integer
        } else {
            Kind::Text
        };
        Self {
            key,
            option: key.replace('_', "-"),
            // Each line of a doc comment starts with a space.
            help: help.trim().to_owned(),
            kind,
            value_name: None,
            default: None,
            unset: None,
            range: Range::default(),
            choices: Vec::new(),
            aliases: Vec::new(),
            former: Vec::new(),
            endings: Vec::new(),
            used_with: Vec::new(),
            separator: None,
            size: [TypeId::of::<usize>(), TypeId::of::<Option<usize>>()].contains(&TypeId::of::<T>()),
            read: |value| T::deserialize(value).map(drop).map_err(|e| e.to_string()),
        }
    }

    /// Sets the placeholder of the value in help texts: `COUNT`.
    pub fn value(mut self, name: &'static str) -> Self {
        self.value_name = Some(name);
        self
    }

    /// Sets an option name that differs from the key.
    pub fn option(mut self, option: &str) -> Self {
        self.option = option.to_owned();
        self
    }

    /// Describes what happens without a value, for help texts.
    pub fn unset(mut self, words: &'static str) -> Self {
        self.unset = Some(words);
        self
    }

    /// Sets the allowed names.
    pub fn choices(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.choices = names.into_iter().collect();
        self
    }

    /// Adds another name of the option, shown in help texts.
    pub fn alias(mut self, option: &'static str) -> Self {
        self.aliases.push(option);
        self
    }

    /// Adds an older key, which still works in files and as an option.
    pub fn formerly(mut self, key: &'static str) -> Self {
        self.former.push(key);
        self
    }

    /// Sets the endings of a file that is written: `svg`. One without an ending, such as a device, may be written too.
    pub fn endings(mut self, endings: impl IntoIterator<Item = &'static str>) -> Self {
        self.endings = endings.into_iter().collect();
        self
    }

    /// Says that it is used where the setting `key` of the same group has one of the names `values`, or without names
    /// any value; where it is said again, either will do. As an option elsewhere it is refused; in a file, which holds
    /// all settings, it may stand.
    pub fn used_with(mut self, key: &'static str, values: impl IntoIterator<Item = &'static str>) -> Self {
        self.used_with.push(UsedWith { key, values: values.into_iter().collect() });
        self
    }

    /// Lets one option take several texts, separated by `separator`.
    pub fn separated_by(mut self, separator: char) -> Self {
        self.separator = Some(separator);
        self
    }

    /// Sets an inclusive lower bound.
    pub fn at_least(mut self, bound: impl Into<f64>) -> Self {
        self.range.from = Some(Bound { at: bound.into(), included: true });
        self
    }

    /// Sets an exclusive lower bound.
    pub fn above(mut self, bound: impl Into<f64>) -> Self {
        self.range.from = Some(Bound { at: bound.into(), included: false });
        self
    }

    /// Sets an exclusive upper bound.
    pub fn below(mut self, bound: impl Into<f64>) -> Self {
        self.range.to = Some(Bound { at: bound.into(), included: false });
        self
    }

    /// Sets an inclusive upper bound.
    pub fn at_most(mut self, bound: impl Into<f64>) -> Self {
        self.range.to = Some(Bound { at: bound.into(), included: true });
        self
    }

    /// Parses a value from the command line, without checking its range.
    ///
    /// # Errors
    ///
    /// A message, when the text is not such a value.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        let value = match self.kind {
            Kind::Flag => Value::Boolean(text.parse().map_err(|_| "true or false")?),
            Kind::Integer => Value::Integer(text.parse().map_err(|e: ParseIntError| match e.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "a whole number of at most 18 digits",
                _ => self.kind_in_words(),
            })?),
            Kind::Number => Value::Float(text.parse().map_err(|_| self.kind_in_words())?),
            Kind::Text => Value::String(text.to_owned()),
            Kind::List => match self.separator {
                Some(separator) => Value::Array(text.split(separator).map(Value::from).collect()),
                None => Value::Array(vec![Value::from(text)]),
            },
        };
        // If there is a range, it reports numbers that the type cannot hold, such as -1.
        if !(matches!(self.kind, Kind::Integer | Kind::Number) && self.range != Range::default()) {
            (self.read)(value.clone()).map_err(|reason| match value {
                Value::Integer(number) if number < 0 => "a whole number of at least 0".to_owned(),
                _ => self.reason(reason),
            })?;
        }
        self.check_ending(&value)?;
        Ok(value)
    }

    /// Checks the type and the range of `value`.
    ///
    /// # Errors
    ///
    /// [`SettingError::Invalid`].
    pub fn check(&self, value: &Value) -> Result<(), SettingError> {
        let invalid = |wanted| Err(SettingError::invalid(&self.option, typed(value), wanted));
        let number = match *value {
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            _ => None,
        };
        if let Some(number) = number.filter(|_| matches!(self.kind, Kind::Integer | Kind::Number)) {
            if !number.is_finite() && self.range == Range::default() {
                return invalid("a finite number".to_owned());
            }
            if !self.range.contains(number) {
                return invalid(self.range.to_string());
            }
            if self.size && number > LARGEST_SIZE {
                return invalid(format!("at most {LARGEST_SIZE}"));
            }
        }
        (self.read)(value.clone()).or_else(|reason| invalid(self.reason(reason)))?;
        self.check_ending(value).or_else(invalid)
    }

    /// Whether a file to be written has one of the endings, in words if not.
    fn check_ending(&self, value: &Value) -> Result<(), String> {
        let ending = value.as_str().and_then(|name| Path::new(name).extension()).filter(|_| !self.endings.is_empty());
        match ending {
            Some(other) if !self.endings.iter().any(|ending| other.eq_ignore_ascii_case(ending)) => {
                let endings: Vec<_> = self.endings.iter().map(|ending| format!(".{ending}")).collect();
                Err(format!("a name that ends in {}", endings.join(" or ")))
            }
            _ => Ok(()),
        }
    }

    fn reason(&self, reason: String) -> String {
        match self.kind {
            Kind::Text | Kind::List if self.choices.is_empty() => format!("valid: {}", reason.trim_end()),
            Kind::Text | Kind::List => format!("one of {}", self.choices.join(", ")),
            _ => self.kind_in_words().to_owned(),
        }
    }

    fn kind_in_words(&self) -> &'static str {
        match self.kind {
            Kind::Flag => "true or false",
            Kind::Integer => "a whole number",
            Kind::Number => "a number",
            Kind::Text => "a text",
            Kind::List => "a list",
        }
    }
}

/// A value as typed on the command line: texts without quotation marks, integers without a decimal point.
pub fn typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

impl Range {
    /// Whether the number is allowed.
    pub fn contains(&self, number: f64) -> bool {
        let above = self.from.is_none_or(|bound| number > bound.at || bound.included && number == bound.at);
        let below = self.to.is_none_or(|bound| number < bound.at || bound.included && number == bound.at);
        number.is_finite() && above && below
    }

    /// Whether there are no bounds.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = |bound: &Bound| format!("{} {}", if bound.included { "at least" } else { "greater than" }, bound.at);
        let to = |bound: &Bound| format!("{} {}", if bound.included { "at most" } else { "less than" }, bound.at);
        let ends: Vec<String> = self.from.iter().map(from).chain(self.to.iter().map(to)).collect();
        f.write_str(&ends.join(" and "))
    }
}
