//! Creating a run from another program's model: `rekindle import`.
//!
//! All tasks share one mechanism: opening the file, choosing and renaming tensors, loading them into a model, the
//! report, and a run with a checkpoint of step 0. A task implements [`Importable`]: it finds its model's settings in
//! the shapes of the tensors, and what the model needs in addition in options and in files beside the weights.
//!
//! The export of a run needs none of that: its `config.json` has the settings of the model and those of its [`data`],
//! and its assets are beside it.

pub(crate) mod attention;
pub mod data;
mod error;
pub mod exported;
mod lists;
mod opened;
mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rekindle_rnn::{Cell, blank};
use rekindle_settings::{Sections, Settings, Table};
use rekindle_weights::{FoundParts, LoadReport, StateDict, Strictness, WeightTensor};

pub use error::ImportError;
pub(crate) use lists::sized;
pub use lists::{labels, rows_of, tokens};
pub use opened::Opened;
pub use source::{Beside, Source};

use crate::optimizer;
use crate::prelude::*;
use crate::run::RunFolder;
use crate::run::checkpoint::{self, Progress};
use crate::settings::RunSettings;
use exported::{Exported, OfRun, Origin};

/// The bias of a token that another program does not have, and that is never generated.
pub(crate) const IMPOSSIBLE: f32 = -1e4;

settings! {
    /// Options of `import` that all tasks have: which tensors of the file, and their names.
    pub struct WeightOptions {
        /// Only tensors whose names begin with PREFIX and a dot, named without it: one state dict of several
        key: Option<String> => value("PREFIX").unset("all");
        /// Another name for a tensor, or for all that begin with OLD and a dot; several are applied in turn
        key_map: Vec<String> => value("OLD=NEW");
        /// Leave out tensors that do not fit, and initialise those that are missing
        allow_partial: bool;
    }
}

settings! {
    /// The data of an imported run.
    pub struct DataOptions {
        /// Data that the model was trained on, for `eval`
        data: Option<String> => value("PATH").unset("none");
    }
}

settings! {
    /// The cell of an imported network.
    pub struct CellOptions {
        /// Recurrent cell, where the number of gates does not decide it: rnn-relu, say
        cell: Option<Cell> => value("NAME").choices(Cell::ALL.map(Cell::name)).unset("the plain one of those that fit");
    }
}

settings! {
    /// The names of classes.
    pub struct LabelOptions {
        /// Labels in the order of the classes, with commas between, or a file: a JSON list, or lines (.txt)
        labels: Vec<String> =>
            value("LABELS").separated_by(',').unset("those of the file or of config.json, else 0, 1, ...");
    }
}

settings! {
    /// The vocabulary of an imported model.
    pub struct VocabularyOptions {
        /// Vocabulary: a run's vocab.json, a JSON list or object of tokens, a file of lines (.txt), or tokenizer.json
        vocab: Option<PathBuf> => value("FILE").unset("the one in the file, or beside it");
    }
}

settings! {
    /// The images of an imported model.
    pub struct PictureOptions {
        /// Side of the images in pixels, where the shapes do not decide it
        image_size: Option<usize> => value("PIXELS").at_least(1).at_most(4096).unset("as the shapes have it");
    }
}

/// A task whose models can be imported from files of weights.
pub trait Importable: Task {
    /// Options of `import`.
    type ImportOptions: Settings;

    /// Those that all tasks have.
    fn weight_options(options: &Self::ImportOptions) -> &WeightOptions;

    /// The options that say nothing about the model's shape: they may be given for the export of a run, too.
    fn data_options() -> Vec<&'static str> {
        vec!["data"]
    }

    /// Finds the model in the tensors of a file: its settings by their shapes, its assets in options and in files
    /// beside the weights. Sizes must be backed by tensors, so that a small file cannot request a large model.
    ///
    /// # Errors
    ///
    /// When the tensors are not those of such a model, or something is missing.
    fn find(file: Opened, options: &Self::ImportOptions, device: &Device) -> Result<Found<Self>, TaskError>;

    /// Makes the settings of the data those of a model that was trained elsewhere: of the data in `options`, or of
    /// none, so that an evaluation asks for some. Settings that neither `options` nor `assets` decide stay: those of an
    /// export are the run's.
    ///
    /// # Errors
    ///
    /// When the data does not fit.
    fn set_data(
        settings: &mut Self::Settings,
        assets: &Self::Assets,
        options: &Self::ImportOptions,
    ) -> Result<(), TaskError>;

    /// Lines of the report, the model's first.
    fn facts(settings: &Self::Settings, assets: &Self::Assets) -> Vec<Fact>;
}

/// A model that was found in a file.
#[derive(Debug)]
pub struct Found<T: Task> {
    /// Its settings; those of the data are set later.
    pub settings: T::Settings,
    /// What it needs in addition.
    pub assets: T::Assets,
    /// Its tensors.
    pub parts: FoundParts,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// A line of the report of an import.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Its name.
    pub name: &'static str,
    /// As text.
    pub text: String,
    /// As JSON; of the model's line, its settings are in place of it.
    pub value: Value,
}

impl Fact {
    /// A line of the report.
    pub fn new(name: &'static str, text: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { name, text: text.into(), value: value.into() }
    }
}

/// An imported model.
#[derive(Debug)]
pub struct Imported<T: Task> {
    /// Its weights.
    pub model: T::Model,
    /// What it needs in addition, such as its vocabulary.
    pub assets: T::Assets,
    /// Its settings, default but for its shape; of an export, those of the data are the run's too.
    pub settings: T::Settings,
    /// How each tensor of the model was loaded, by its Rekindle name.
    pub report: LoadReport,
    /// Tensors that the file lacks, such as biases, set to zeros.
    pub zeros: Vec<String>,
    /// Tensors of the file with an unsupported type, with the reason.
    pub unread: BTreeMap<String, String>,
    /// Number of tensors in the file that do not belong to the model, for instance an optimizer's.
    pub outside: usize,
    /// Notes for the user.
    pub notes: Vec<String>,
    source: PathBuf,
}

impl<T: Importable> Imported<T> {
    /// Reads a model from a file of weights.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or its tensors do not fit, and [`ImportError`] when they do not determine the
    /// model.
    pub fn open(source: &Source, options: &T::ImportOptions, device: &Device) -> Result<Self, TaskError> {
        let shared = T::weight_options(options);
        let exported = Exported::of(source)?;
        let file = Opened::read(source, shared)?;
        let (path, unread) = (file.path.clone(), file.unread.clone());
        let failed = |error: TaskError| match error.downcast() {
            Ok(error) => ImportError::In { path: path.clone(), source: error }.into(),
            Err(other) => other,
        };
        let (found, has_data) = match exported {
            Some(exported) if !asks_for_a_shape::<T>(options) => {
                let (found, origin) = exported.found::<T>(file)?;
                (found, matches!(origin, Origin::Run(_)))
            }
            exported => {
                let mut found: Found<T> = T::find(file, options, device).map_err(failed)?;
                // Options say what the model is, and the export how its data is read.
                if let Some(exported) = exported.filter(|exported| exported.task() == T::NAME) {
                    let OfRun { settings, origin } = exported.of_run::<T>(source)?;
                    found.settings = data::with_data_of(&found.settings, &settings)?;
                    found.notes.extend(origin.note(false));
                }
                (found, false)
            }
        };
        let Found { mut settings, assets, parts, notes } = found;
        let other_data = Table::try_from(options).is_ok_and(|options| options.contains_key("data"));
        if !has_data || other_data {
            settings = data::without_places(&settings)?;
            T::set_data(&mut settings, &assets, options)?;
        }
        settings.validate()?;
        T::check(&settings, &assets)?;
        let FoundParts { tensors, zeros, outside } = parts;
        // Tensors that the file lacks are drawn as in a new run.
        let seed = settings.training().seed;
        let draw = || T::model(&settings, &assets, seed, device);
        let (start, strictness) = match shared.allow_partial {
            true => (draw(), Strictness::AllowPartial),
            false => (blank(draw), Strictness::Strict),
        };
        let (model, report) = start.load_state_dict(&tensors, strictness)?;
        Ok(Self { model, assets, settings, report, zeros, unread, outside, notes, source: path })
    }

    /// Creates a run with a checkpoint of step 0.
    ///
    /// # Errors
    ///
    /// When the folder is not free, or a file cannot be written.
    pub fn save(&self, out: &Path, replace: bool) -> Result<RunFolder, TaskError> {
        // No data has this description: the run cannot be resumed on data that its weights were not trained on.
        let progress = Progress { data: format!("weights from {}", self.source.display()), ..Progress::default() };
        let optimizer = optimizer::build(self.settings.training());
        let fill = |run: &RunFolder| checkpoint::save(run, &progress, &self.model, &optimizer, None).map(drop);
        Ok(RunFolder::create(out, T::NAME, &self.settings, &self.assets, replace, fill)?)
    }

    /// Writes the report of the run `run`.
    fn print(&self, run: &Path, output: &mut Output<'_>) -> Result<(), TaskError> {
        let (report, facts) = (&self.report, T::facts(&self.settings, &self.assets));
        let settings = serde_json::to_value(&self.settings)?;
        let mut answer = json!({
            "run": run,
            "task": T::NAME,
            "applied": report.applied,
            "missing": report.missing,
            "unused": report.unused,
            "wrong_shape": report.wrong_shape.iter().map(|wrong| &wrong.name).collect::<Vec<_>>(),
            "outside": self.outside,
            "zeros": self.zeros,
            "unread": self.unread,
            "notes": self.notes,
        });
        facts.iter().for_each(|fact| answer[fact.name] = fact.value.clone());
        answer["model"] = settings["model"].clone();
        output.json(&answer)?;
        for Fact { name, text, .. } in &facts {
            output.line(format_args!("{name:<13}{text}"))?;
        }
        output.line(format_args!("tensors      {report}"))?;
        if self.outside > 0 {
            output.line(format_args!("ignored      {}, outside of the model", counted(self.outside, "tensors")))?;
        }
        if !self.zeros.is_empty() {
            output.line(format_args!("zeros        not in the file: {}", self.zeros.join(", ")))?;
        }
        for (name, reason) in &self.unread {
            output.line(format_args!("not read     {name}: {reason}"))?;
        }
        for note in &self.notes {
            output.line(format_args!("note         {note}"))?;
        }
        Ok(output.line(format_args!("run          {}", run.display()))?)
    }
}

/// `rekindle import`, for the [`Operations`] of a task.
///
/// # Errors
///
/// As [`Imported::open`] and [`Imported::save`].
pub fn import<T: Importable>(
    device: Device,
    request: Import,
    options: T::ImportOptions,
    output: &mut Output<'_>,
) -> Result<(), TaskError> {
    let imported = Imported::<T>::open(&request.source, &options, &device)?;
    imported.save(&request.out, request.replace)?;
    imported.print(&request.out, output)
}

/// Whether an option was given that says something about the model, and so asks to find it in the tensors.
fn asks_for_a_shape<T: Importable>(options: &T::ImportOptions) -> bool {
    let table = |options: &T::ImportOptions| Table::try_from(options).unwrap_or_default();
    let (given, mut usual) = (table(options), table(&T::ImportOptions::default()));
    let shared = WeightOptions::fields();
    let others: Vec<_> = shared.iter().map(|field| field.key).chain(T::data_options()).collect();
    given.into_iter().any(|(key, value)| !others.contains(&&key[..]) && usual.remove(&key) != Some(value))
}

/// The line of a report for a recurrent stack.
pub(crate) fn stack(cell: impl std::fmt::Display, layers: usize, hidden: usize) -> String {
    format!("{cell}, {layers} x {hidden}")
}

/// Tensors under the names that the model has for parameters without a layer: `output.weight` and `output.bias` as
/// `output` and `output_bias`.
pub(crate) fn as_parameters(tensors: &mut BTreeMap<String, WeightTensor>, names: &[(&str, &str)]) {
    for (old, new) in names {
        if let Some(tensor) = tensors.remove(*old) {
            tensors.insert((*new).to_owned(), tensor);
        }
    }
}
