//! Evaluation reports: figures, tables and pictures. Text, JSON, the lines of `metrics.jsonl` and the learning curve
//! are all generated from a report, here and in the run folder.

use std::fmt::Write;

use rekindle_metrics::classification::ConfusionMatrix;
use rekindle_pictures::{Picture, confusion};
use serde_json::{Map, Value, json};

/// Whether lower or higher figures are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Lower is better.
    Lower,
    /// Higher is better.
    Higher,
}

/// A figure of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Its name in files, with `_` between words.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Its unit; empty for a share or a score.
    pub unit: &'static str,
    /// Whether lower or higher is better.
    pub better: Better,
}

/// The report of an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Names and counts of the evaluated data.
    pub facts: Vec<(&'static str, Value)>,
    /// Mean loss, the first figure.
    pub loss: Figure,
    /// Other figures, most important first.
    pub figures: Vec<Figure>,
    /// Tables and lists.
    pub details: Vec<Detail>,
    /// Pictures, kept in the run folder for the best evaluation.
    pub pictures: Vec<Picture>,
    /// The objective that ranks checkpoints: lower is better.
    pub objective: f64,
}

/// A table or list in a report.
#[derive(Clone, Debug, PartialEq)]
pub enum Detail {
    /// Rows of values under columns, the first of which names the row.
    Table {
        /// Its name.
        name: &'static str,
        /// The names of the columns.
        columns: Vec<&'static str>,
        /// The rows, as long as `columns`.
        rows: Vec<Vec<Value>>,
    },
    /// Confusion matrix: how often a row's class was predicted as a column's.
    Confusion {
        /// The labels.
        labels: Vec<String>,
        /// A row for each true label.
        rows: Vec<Vec<u64>>,
    },
    /// A list of numbers.
    Series {
        /// Its name, as that of a [`Figure`].
        name: &'static str,
        /// Its unit.
        unit: &'static str,
        /// The numbers.
        values: Vec<f64>,
    },
}

impl Report {
    /// A report with the mean loss `loss` in nats, which ranks checkpoints.
    pub fn new(loss: f64) -> Self {
        Self::named("loss", loss, "nats")
    }

    /// The same with another name and unit of the loss, in text and JSON.
    pub fn named(name: &'static str, loss: f64, unit: &'static str) -> Self {
        Self {
            facts: Vec::new(),
            loss: Figure { name, value: loss, unit, better: Better::Lower },
            figures: Vec::new(),
            details: Vec::new(),
            pictures: Vec::new(),
            objective: loss,
        }
    }

    /// Adds a figure for which higher is better: a share or a score.
    pub fn higher(self, name: &'static str, value: f64) -> Self {
        self.higher_of(name, value, "")
    }

    /// The same with a short explanation after the value.
    pub fn higher_of(mut self, name: &'static str, value: f64, of: &'static str) -> Self {
        self.figures.push(Figure { name, value, unit: of, better: Better::Higher });
        self
    }

    /// Adds a figure for which lower is better.
    pub fn lower(mut self, name: &'static str, value: f64, unit: &'static str) -> Self {
        self.figures.push(Figure { name, value, unit, better: Better::Lower });
        self
    }

    /// Adds a fact about the evaluated data.
    pub fn fact(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// Adds a table, a confusion matrix or a series.
    pub fn detail(mut self, detail: Detail) -> Self {
        self.details.push(detail);
        self
    }

    /// Ranks checkpoints by how far a figure falls `shortfall` short of its best value. Of two evaluations with the
    /// same figure, the one with the lower loss is better.
    pub fn ranked_by(mut self, shortfall: f64) -> Self {
        self.objective = objective(shortfall, self.loss.value);
        self
    }

    /// Adds the figures of each class and the confusion matrix. `items` names the classified items, in the plural.
    ///
    /// # Panics
    ///
    /// When the numbers of labels and classes differ, or there are none.
    pub fn classes(mut self, matrix: &ConfusionMatrix, labels: &[String]) -> Self {
        let row = |(class, label): (usize, &String)| {
            let figures = matrix.class(class);
            let shares = [figures.precision, figures.recall, figures.f1].map(Value::from);
            [&[Value::from(label.as_str())], &shares[..], &[figures.support.into()]].concat()
        };
        let columns = vec!["class", "precision", "recall", "f1", "support"];
        let table = Detail::Table { name: "classes", columns, rows: labels.iter().enumerate().map(row).collect() };
        let rows = (0..matrix.classes()).map(|class| matrix.row(class).to_vec()).collect();
        self.pictures.push(confusion(matrix, &labels.iter().map(String::as_str).collect::<Vec<_>>()));
        self.detail(table).detail(Detail::Confusion { labels: labels.to_vec(), rows })
    }

    /// All figures, the loss first.
    pub fn all_figures(&self) -> impl Iterator<Item = &Figure> {
        std::iter::once(&self.loss).chain(&self.figures)
    }

    /// The report as JSON: a key for each fact, figure and detail. Keys of figures in nats include the unit.
    pub fn to_json(&self) -> Value {
        let key = |name: &str, unit: &str| if unit == "nats" { format!("{name}_nats") } else { name.to_owned() };
        let mut object: Map<String, Value> =
            self.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        object.extend(self.all_figures().map(|figure| (key(figure.name, figure.unit), figure.value.into())));
        for detail in &self.details {
            match detail {
                Detail::Table { name, columns, rows } => {
                    let row = |row: &Vec<Value>| -> Map<String, Value> {
                        columns.iter().map(|&column| column.to_owned()).zip(row.iter().cloned()).collect()
                    };
                    object.insert((*name).to_owned(), rows.iter().map(row).collect());
                }
                Detail::Confusion { rows, .. } => {
                    object.insert("confusion".to_owned(), json!(rows));
                }
                Detail::Series { name, unit, values } => {
                    object.insert(key(name, unit), json!(values));
                }
            }
        }
        Value::Object(object)
    }

    /// The report as text, a line for each fact and figure.
    pub fn to_text(&self) -> String {
        let facts = self.facts.iter().filter(|(_, value)| !value.is_null());
        let mut lines: Vec<(&str, String)> = facts.map(|(name, value)| (*name, in_words(value))).collect();
        let figure = |figure: &Figure| (figure.name, format!("{:.4} {}", figure.value, figure.unit));
        lines.extend(self.all_figures().map(figure));
        for detail in &self.details {
            if let Detail::Series { name, unit, values } = detail {
                let values: Vec<_> = values.iter().map(|value| format!("{value:.2}")).collect();
                // Eight numbers to a line, so that a line fits a terminal.
                let name_of = |index: usize| if index == 0 { *name } else { "" };
                let rows = values.chunks(8).enumerate();
                lines.extend(rows.map(|(index, row)| (name_of(index), format!("{} {unit}", row.join(" ")))));
            }
        }
        let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
        let mut text = String::new();
        for (name, value) in lines {
            append(&mut text, format_args!("{:width$}{}\n", name.replace('_', " "), value.trim_end()));
        }
        self.details.iter().for_each(|detail| detail.append_to(&mut text));
        text
    }
}

impl Detail {
    fn append_to(&self, text: &mut String) {
        match self {
            Self::Table { columns, rows, .. } => {
                let first = rows.iter().map(|row| in_words(&row[0]).chars().count()).max().unwrap_or(0).max(9);
                append(text, format_args!("\n{:first$}", columns[0].replace('_', " ")));
                columns[1..].iter().for_each(|column| append(text, format_args!("  {column:>9}")));
                text.push('\n');
                for row in rows {
                    append(text, format_args!("{:first$}", in_words(&row[0])));
                    row[1..].iter().for_each(|value| append(text, format_args!("  {:>9}", in_words(value))));
                    text.push('\n');
                }
            }
            Self::Confusion { labels, rows } => {
                let first = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(9);
                append(text, format_args!("\n{:first$}  predicted\n", "true"));
                for (label, row) in labels.iter().zip(rows) {
                    let row: Vec<_> = row.iter().zip(labels).map(|(count, other)| format!("{other} {count}")).collect();
                    append(text, format_args!("{label:first$}  {}\n", row.join(", ")));
                }
            }
            Self::Series { .. } => {}
        }
    }
}

fn append(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a text can always grow");
}

/// A readable value; for a list, its length.
fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.len().to_string(),
        Value::Number(number) if number.is_f64() => format!("{:.4}", number.as_f64().unwrap_or(f64::NAN)),
        other => other.to_string(),
    }
}

/// See [`Report::ranked_by`].
fn objective(shortfall: f64, loss: f64) -> f64 {
    shortfall + TIES * loss
}

/// The share of the loss in the objective of a report that is ranked by another figure.
const TIES: f64 = 1e-6;

/// The shortfall that an [`objective`] was computed from.
pub(crate) fn shortfall(objective: f64, loss: f64) -> f64 {
    objective - TIES * loss
}

#[cfg(test)]
mod tests;
