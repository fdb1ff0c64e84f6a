//! What the page asks for, each setting declared once: the form, its help, its limits and its messages follow.

use std::collections::BTreeMap;

use rekindle_rnn::Cell;
use rekindle_settings::{Field, SettingError, Settings, Table, settings};
use serde::Serialize;

use crate::error::PageError;

settings! {
    /// Settings of training. The defaults are those of the lecture's program.
    pub struct TrainingSettings {
        /// The recurrence of a layer
        cell: Cell = Cell::Rnn => choices(Cell::ALL.map(Cell::name));
        /// Width of the hidden state
        hidden: usize = 100 => at_least(1).at_most(1024);
        /// Stacked layers
        layers: usize = 1 => at_least(1).at_most(8);
        /// Learning rate of Adagrad
        learning_rate: f64 = 0.1 => above(0).at_most(10);
        /// Characters of a step: how far back-propagation through time goes
        sequence_length: usize = 25 => at_least(1).at_most(500);
        /// Places of the text that are read side by side
        batch_size: usize = 1 => at_least(1).at_most(128);
        /// Pause after this step; 0 for none
        pause_after: usize = 0 => at_least(0);
        /// The same seed gives the same training
        seed: usize = 0 => at_least(0);
    }
}

settings! {
    /// Settings of writing.
    pub struct WritingSettings {
        /// Below 1 the text is safer, above 1 more varied; 0 takes the likeliest character
        temperature: f64 = 0.8 => at_least(0).at_most(10);
        /// Characters to write
        length: usize = 300 => at_least(1).at_most(20_000);
        /// The same seed gives the same text
        seed: usize = 0 => at_least(0);
    }
}

/// The form of the page.
#[derive(Debug, Serialize)]
pub struct Form {
    training: Vec<Field>,
    writing: Vec<Field>,
    /// A line about each choice.
    about: BTreeMap<&'static str, &'static str>,
}

impl Form {
    /// The form, with the defaults.
    pub fn new() -> Self {
        Self {
            training: TrainingSettings::default().described(),
            writing: WritingSettings::default().described(),
            about: Cell::ALL.map(|cell| (cell.name(), cell.summary())).into(),
        }
    }
}

impl Default for Form {
    fn default() -> Self {
        Self::new()
    }
}

/// The settings of a form's texts, by key.
///
/// # Errors
///
/// For the first text that is no valid value.
pub fn filled<S: Settings>(texts: &BTreeMap<String, String>) -> Result<S, PageError> {
    let fields = S::fields();
    let mut table = Table::new();
    for (key, text) in texts {
        let Some(field) = fields.iter().find(|field| field.key == key) else { continue };
        let value = field.parse(text.trim());
        let value = value.map_err(|wanted| SettingError::invalid(&field.option, text, wanted))?;
        table.insert(key.clone(), value);
    }
    Ok(S::from_table(table)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(key: &str, text: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(key.to_owned(), text.to_owned())])
    }

    #[test]
    fn a_form_is_read_and_its_errors_quote_what_was_typed() {
        let settings: TrainingSettings = filled(&texts("cell", "min-gru")).unwrap();
        assert_eq!(settings, TrainingSettings { cell: Cell::MinGru, ..TrainingSettings::default() });
        for (key, text, message) in [
            ("hidden", "", "hidden (empty): must be a whole number"),
            ("hidden", "0", "hidden 0: must be at least 1 and at most 1024"),
            ("learning_rate", "fast", "learning rate fast: must be a number"),
            ("learning_rate", "-1", "learning rate -1: must be greater than 0 and at most 10"),
        ] {
            let error = filled::<TrainingSettings>(&texts(key, text)).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn the_form_offers_every_cell() {
        let form = serde_json::to_value(Form::new()).unwrap();
        let field = form["training"].as_array().unwrap().iter().find(|field| field["key"] == "cell").unwrap();
        assert_eq!(field["choices"].as_array().unwrap().len(), Cell::ALL.len());
        assert_eq!(form["about"]["gru"], Cell::Gru.summary());
    }
}
