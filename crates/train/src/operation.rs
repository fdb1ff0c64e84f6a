//! The operations of a trained model: evaluation, sampling and prediction. A task lists the operations that it
//! supports, with their options; the command line is generated from the list.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use burn::tensor::Device;
use rekindle_data::DataError;
use rekindle_data::files::Encoding;
use rekindle_onnx::{NamedModel, Opset};
use rekindle_pictures::visible;
use rekindle_settings::{Field, Settings, Table, names};
use serde_json::Value;

use crate::error::TaskError;
use crate::import::Source;
use crate::inside::{Activations, Flow};
use crate::playground::{Declared, Input, Player, UnitSeries};
use crate::report::Report;
use crate::task::{Task, Trained};

/// A task whose trained models support operations.
pub trait Operate: Task {
    /// The supported operations; none by default.
    fn operations() -> Operations<Self> {
        Operations::default()
    }
}

names! {
    /// A command on a run or, for `import`, on a file of weights.
    pub enum Command {
        /// Evaluate a trained model.
        Eval = "eval",
        /// Generate samples from a trained model.
        Sample = "sample",
        /// Predict from your own inputs.
        Predict = "predict",
        /// Create a run from another program's weights.
        Import = "import",
    }
}

names! {
    /// A split of the data.
    pub enum Split {
        /// The training split.
        Train = "train",
        /// The validation split.
        Validation = "validation",
        /// The test split.
        Test = "test",
    }
}

impl Split {
    /// The part of the data for this split.
    pub fn of<P>(self, [train, validation, test]: [P; 3]) -> P {
        match self {
            Self::Train => train,
            Self::Validation => validation,
            Self::Test => test,
        }
    }
}

/// A split that is missing from the data of a run, or empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--split {0}: the run's data has no {0} split; evaluate on other data with --data")]
pub struct NoSplit(pub Split);

/// The data to evaluate a model on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum On {
    /// A split of the run's own data.
    Split(Split),
    /// Other data, all of it.
    Data(String),
}

/// A request to evaluate a model.
#[derive(Clone, Debug)]
pub struct Evaluate {
    /// The data.
    pub on: On,
    /// Items per batch; as in training if none.
    pub batch_size: Option<usize>,
}

/// A request to sample from the model of a run.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The folder of the run.
    pub run: PathBuf,
    /// Seed of the samples; the same seed gives the same ones.
    pub seed: u64,
}

/// A request to predict from inputs with the model of a run.
pub struct Predict {
    /// The folder of the run.
    pub run: PathBuf,
    /// The inputs.
    pub inputs: Inputs,
}

/// A request to create a run from a file of weights.
#[derive(Clone, Debug)]
pub struct Import {
    /// The file.
    pub source: Source,
    /// The folder of the run.
    pub out: PathBuf,
    /// Whether an existing run is replaced.
    pub replace: bool,
}

/// A request to observe a model while it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observe {
    /// What it reads; the run's validation split if none.
    pub data: Option<String>,
    /// Time steps at most.
    pub length: usize,
}

impl Observe {
    /// The data, as for an evaluation.
    pub fn on(&self) -> On {
        self.data.clone().map_or(On::Split(Split::Validation), On::Data)
    }
}

/// Observes a model: an `A` of what it does while it reads.
pub type Observer<T, A> = fn(&Trained<T>, &Observe) -> Result<A, TaskError>;

/// Observes the gradients of a model of a run: the trained one, or one with the weights that it started with. The model
/// is on a device with autodiff and is not to be trained.
pub type GradientObserver<T> = fn(&<T as Task>::Model, &Trained<T>, &Observe) -> Result<Flow, TaskError>;

/// Whether two runs have the same inputs and outputs, so that their models can answer together.
pub type Alike<T> = fn(&Trained<T>, &Trained<T>) -> bool;

/// Exports a model as graphs of ONNX, each in a file of its own.
pub type OnnxExporter<T> = fn(&Trained<T>, Opset) -> Result<Vec<NamedModel>, TaskError>;

/// Handles a request `R` on `S` with the options `O`; returns an `A`.
pub type Handler<S, R, O, A> = fn(S, R, O, &mut Output<'_>) -> Result<A, TaskError>;

type Run<S, R, A> = Box<dyn Fn(S, R, Table, &mut Output<'_>) -> Result<A, TaskError>>;

/// An operation: its options and its handler.
pub(crate) struct Operation<S, R, A> {
    pub options: Vec<Field>,
    pub run: Run<S, R, A>,
}

impl<S: 'static, R: 'static, A: 'static> Operation<S, R, A> {
    fn new<O: Settings + 'static>(handler: Handler<S, R, O, A>) -> Option<Self> {
        let run: Run<S, R, A> = Box::new(move |subject, request, options, output| {
            handler(subject, request, O::from_table(options)?, output)
        });
        Some(Self { options: O::default().described(), run })
    }
}

/// The operations that a task supports.
pub struct Operations<T: Task> {
    pub(crate) evaluate: Option<Operation<Trained<T>, Evaluate, Report>>,
    pub(crate) sample: Option<Operation<Trained<T>, Sample, ()>>,
    pub(crate) predict: Option<Operation<Trained<T>, Predict, ()>>,
    pub(crate) import: Option<Operation<Device, Import, ()>>,
    pub(crate) neurons: Option<Observer<T, Activations>>,
    pub(crate) instead_of_neurons: Option<&'static str>,
    pub(crate) gradients: Option<GradientObserver<T>>,
    pub(crate) playground: Option<Declared<T>>,
    pub(crate) together: Option<Alike<T>>,
    pub(crate) onnx: Option<OnnxExporter<T>>,
}

impl<T: Task> Default for Operations<T> {
    fn default() -> Self {
        Self {
            evaluate: None,
            sample: None,
            predict: None,
            import: None,
            neurons: None,
            instead_of_neurons: None,
            gradients: None,
            playground: None,
            together: None,
            onnx: None,
        }
    }
}

impl<T: Task> Operations<T> {
    /// Adds evaluation of a model, with the options `O`.
    pub fn evaluate<O: Settings + 'static>(self, evaluate: Handler<Trained<T>, Evaluate, O, Report>) -> Self {
        Self { evaluate: Operation::new(evaluate), ..self }
    }

    /// Adds sampling from a model, with the options `O`.
    pub fn sample<O: Settings + 'static>(self, sample: Handler<Trained<T>, Sample, O, ()>) -> Self {
        Self { sample: Operation::new(sample), ..self }
    }

    /// Adds prediction with a model, with the options `O`.
    pub fn predict<O: Settings + 'static>(self, predict: Handler<Trained<T>, Predict, O, ()>) -> Self {
        Self { predict: Operation::new(predict), ..self }
    }

    /// Adds import of other programs' weights to a device, with the options `O`.
    pub fn import<O: Settings + 'static>(self, import: Handler<Device, Import, O, ()>) -> Self {
        Self { import: Operation::new(import), ..self }
    }

    /// Adds the activations of a model's units.
    pub fn neurons(self, neurons: Observer<T, Activations>) -> Self {
        Self { neurons: Some(neurons), ..self }
    }

    /// States what shows the inside of a model in place of its units, and with which command.
    pub fn instead_of_neurons(self, instead: &'static str) -> Self {
        Self { instead_of_neurons: Some(instead), ..self }
    }

    /// Adds the gradients of a model's states.
    pub fn gradients(self, gradients: GradientObserver<T>) -> Self {
        Self { gradients: Some(gradients), ..self }
    }

    /// Adds a playground, with the options `O`. `note` is a sentence for its user.
    pub fn playground<O: Settings + 'static>(self, input: Input, note: &'static str, player: Player<T, O>) -> Self
    where
        Trained<T>: Send + Sync,
    {
        Self { playground: Some(Declared::new(input, false, note, player)), ..self }
    }

    /// The same, where the input may be left out.
    pub fn playground_without<O: Settings + 'static>(
        self,
        input: Input,
        note: &'static str,
        player: Player<T, O>,
    ) -> Self
    where
        Trained<T>: Send + Sync,
    {
        Self { playground: Some(Declared::new(input, true, note, player)), ..self }
    }

    /// Lets the playground observe units of the model.
    pub fn playground_units(mut self, series: UnitSeries<T>) -> Self {
        if let Some(declared) = &mut self.playground {
            declared.series = series;
        }
        self
    }

    /// Lets several runs answer together: a handler uses all [`models`](Trained::models), and averages their
    /// probabilities. `alike` says which runs can.
    pub fn together(self, alike: Alike<T>) -> Self {
        Self { together: Some(alike), ..self }
    }

    /// Adds the export as ONNX.
    pub fn onnx(self, onnx: OnnxExporter<T>) -> Self {
        Self { onnx: Some(onnx), ..self }
    }

    /// The options of `command`; none if the task does not support it.
    pub fn options(self, command: Command) -> Option<Vec<Field>> {
        match command {
            Command::Eval => self.evaluate.map(|operation| operation.options),
            Command::Sample => self.sample.map(|operation| operation.options),
            Command::Predict => self.predict.map(|operation| operation.options),
            Command::Import => self.import.map(|operation| operation.options),
        }
    }
}

/// The inputs of a prediction.
pub enum Inputs {
    /// Inputs that are given one by one.
    Given(Vec<String>),
    /// Lines of a file or of standard input, read as they arrive.
    Lines {
        /// The lines.
        lines: Box<dyn Iterator<Item = io::Result<String>>>,
        /// The name of their source.
        name: String,
        /// Whether they arrive while they are answered, as from standard input.
        live: bool,
        /// Whether a person types them, with a prompt before each.
        asked: bool,
    },
}

impl Inputs {
    /// The inputs, if they were given one by one.
    ///
    /// # Errors
    ///
    /// When they are lines, or there are none, or one is empty: `what` names the expected inputs.
    pub fn given(self, what: &str) -> Result<Vec<String>, TaskError> {
        match self {
            Self::Given(inputs) if inputs.iter().any(String::is_empty) => {
                Err(format!("an input is empty: give {what} after the run: rekindle predict RUN INPUT...").into())
            }
            Self::Given(inputs) if !inputs.is_empty() => Ok(inputs),
            _ => Err(format!("give {what} after the run: rekindle predict RUN INPUT...").into()),
        }
    }

    /// Passes the texts of all inputs to `answer`; an input that names a file, or is `-`, stands for its lines. A call
    /// gets at most `given` texts, or `at_once` lines of those that arrive one by one. `prompt` precedes typed lines.
    ///
    /// # Errors
    ///
    /// When a line cannot be read, an input seems to name a file that is not there, or `answer` fails.
    pub fn for_each(
        self,
        [given, at_once]: [usize; 2],
        prompt: &str,
        output: &mut Output<'_>,
        mut answer: impl FnMut(&[String], &mut Output<'_>) -> Result<(), TaskError>,
    ) -> Result<(), TaskError> {
        let (lines, name, live, asked) = match self {
            Self::Given(inputs) => {
                let mut texts = Vec::new();
                for input in inputs {
                    let path = Path::new(&input);
                    if input == "-" || path.is_file() {
                        texts.extend(texts_of(path)?);
                    } else if let Some(reason) = misnamed(&input) {
                        return Err(format!("{input}: {reason}; if it is a text, give it with --text").into());
                    } else {
                        texts.push(input);
                    }
                }
                return texts.chunks(given).try_for_each(|texts| answer(texts, output));
            }
            Self::Lines { lines, name, live, asked } => (lines, name, live, asked),
        };
        let size = if asked { 1 } else { [given, at_once][usize::from(live)] };
        let prompt = if asked { prompt } else { "" };
        output.prompt(prompt);
        let mut waiting = Vec::new();
        for (number, line) in (1..).zip(lines) {
            waiting.push(line.map_err(|e| format!("{name}, line {number}: {e}"))?);
            if waiting.len() == size {
                answer(&std::mem::take(&mut waiting), output)?;
                output.prompt(prompt);
            }
        }
        if waiting.is_empty() { Ok(()) } else { answer(&waiting, output) }
    }
}

/// The endings of files of texts.
const ENDINGS: [&str; 5] = ["txt", "tsv", "csv", "jsonl", "gz"];

/// Why an input, which is not a file, cannot be one that is meant; none for a text.
fn misnamed(input: &str) -> Option<&'static str> {
    let path = Path::new(input);
    if input.contains(char::is_whitespace) {
        return None;
    }
    if path.is_dir() {
        return Some("this is a folder; give the files in it");
    }
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let mut parts = path.components();
    // Words may have a slash too, as in `and/or`.
    let in_folder = match parts.next() {
        Some(Component::Normal(folder)) => parts.next().is_some() && Path::new(folder).is_dir(),
        first => first.is_some(),
    };
    let is_file = in_folder || ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known));
    is_file.then_some("there is no such file")
}

/// The lines of a file, or of standard input for `-`, in the encoding that training would detect.
///
/// # Errors
///
/// When it cannot be read, or is not text.
pub fn texts_of(path: &Path) -> Result<Vec<String>, DataError> {
    Ok(Encoding::Auto.read(path)?.lines().map(str::to_owned).collect())
}

/// Writes answers, as text or as JSON, and notes beside them.
pub struct Output<'a> {
    answers: &'a mut dyn Write,
    notes: &'a mut dyn Write,
    json: bool,
    /// Whether the answers go to a terminal.
    terminal: bool,
    /// Whether notes are dropped.
    quiet: bool,
    list: Option<Vec<Value>>,
}

impl<'a> Output<'a> {
    /// Answers to `answers`, as JSON or as text, and notes to `notes`.
    pub fn new(answers: &'a mut dyn Write, notes: &'a mut dyn Write, json: bool) -> Self {
        Self { answers, notes, json, terminal: false, quiet: false, list: None }
    }

    /// Says whether the answers go to a terminal: if so, control characters in them are escaped.
    pub fn on_terminal(self, terminal: bool) -> Self {
        Self { terminal, ..self }
    }

    /// Says whether notes are dropped. Warnings never are.
    pub fn quietly(self, quiet: bool) -> Self {
        Self { quiet, ..self }
    }

    /// Whether answers are JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Writes text at once; nothing if answers are JSON.
    ///
    /// # Errors
    ///
    /// When the reader has closed the output.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        if self.terminal { self.styled(&visible(text)) } else { self.styled(text) }
    }

    /// Writes text with terminal escapes for colours: text from data must be made [`visible`] first. Nothing if
    /// answers are JSON.
    ///
    /// # Errors
    ///
    /// When the reader has closed the output.
    pub fn styled(&mut self, text: &str) -> io::Result<()> {
        if self.json || text.is_empty() {
            return Ok(());
        }
        self.answers.write_all(text.as_bytes())?;
        self.answers.flush()
    }

    /// Writes a line of text; nothing if answers are JSON.
    ///
    /// # Errors
    ///
    /// When the reader has closed the output.
    pub fn line(&mut self, line: impl Display) -> io::Result<()> {
        self.text(&format!("{line}\n"))
    }

    /// Writes a JSON value; nothing if answers are text.
    ///
    /// # Errors
    ///
    /// When the reader has closed the output.
    pub fn json(&mut self, value: &Value) -> io::Result<()> {
        if self.json { self.write_json(&format!("{value:#}\n")) } else { Ok(()) }
    }

    /// Writes a JSON value on its own line, at once; nothing if answers are text.
    ///
    /// # Errors
    ///
    /// When the reader has closed the output.
    pub fn json_line(&mut self, value: &Value) -> io::Result<()> {
        if self.json { self.write_json(&format!("{value}\n")) } else { Ok(()) }
    }

    fn write_json(&mut self, text: &str) -> io::Result<()> {
        self.answers.write_all(text.as_bytes())?;
        self.answers.flush()
    }

    /// Starts a list: all [`items`](Self::item) become one JSON array.
    pub fn list(&mut self) {
        self.list = Some(Vec::new());
    }

    /// Adds a JSON value to the list; nothing if answers are text.
    pub fn item(&mut self, value: Value) {
        if self.json {
            self.list.get_or_insert_default().push(value);
        }
    }

    /// Finishes the answers: writes the list, if any.
    ///
    /// # Errors
    ///
    /// When the reader has closed the output.
    pub fn finish(mut self) -> io::Result<()> {
        match self.list.take() {
            Some(items) => self.json(&Value::Array(items)),
            None => Ok(()),
        }
    }

    /// Writes a note for the user beside the answers.
    pub fn note(&mut self, note: impl Display) {
        if !self.quiet {
            self.write_note(note);
        }
    }

    /// Warns the user.
    pub fn warn(&mut self, warning: impl Display) {
        self.write_note(format_args!("warning: {warning}"));
    }

    /// Warns of checkpoints that could not be used, each with its error.
    pub(crate) fn skipped(&mut self, rejected: &[String]) {
        for rejected in rejected {
            self.warn(format_args!("skipped an unusable checkpoint: {rejected}"));
        }
    }

    fn write_note(&mut self, note: impl Display) {
        // If the reader has closed the notes, they are dropped.
        let _ = writeln!(self.notes, "{}", visible(&note.to_string()));
    }

    fn prompt(&mut self, prompt: &str) {
        let _ = self.notes.write_all(visible(prompt).as_bytes()).and_then(|()| self.notes.flush());
    }

    /// Writes a file and reports it.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn file(&mut self, path: &Path, text: &str) -> Result<(), TaskError> {
        std::fs::write(path, text).map_err(crate::TrainError::io("write", path))?;
        self.note(format_args!("written: {}", path.display()));
        Ok(())
    }
}
