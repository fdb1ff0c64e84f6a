//! Type-erased tasks, for the command line.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use rekindle_data::{DataError, ErrorKind};
use rekindle_onnx::{NamedModel, OnnxModel, Opset};
use rekindle_settings::{Field, Section, Sections, Table, Tables};
use rekindle_weights::{StateDict, WeightTensor};
use serde::Serialize;
use serde_json::Value;

use crate::error::{OtherThanTrained, TaskError, TrainError};
use crate::event::Observer;
use crate::files;
use crate::inside::{Activations, GradientFlow};
use crate::mean::mean_run;
use crate::memory::Estimate;
use crate::operation::{Command, Evaluate, Import, Observe, On, Operate, Output, Predict, Sample};
use crate::playground::{Playable, Playground};
use crate::report::Report;
use crate::run::RunFolder;
use crate::run::checkpoint::{self, Which};
use crate::settings::RunSettings;
use crate::task::Trained;
use crate::trained::assets;
use crate::trainer::{NewRun, Outcome, Stepper, Steps, StopSignal, Trainer, step_counts};

/// Steps that [`Registered::pace`] times, after a first one.
const TIMED_STEPS: u32 = 5;
/// Seconds after which it times no more.
const LONGEST_TIMING: f64 = 10.0;

/// A task in the registry.
pub trait Registered: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// A one-line description.
    fn about(&self) -> &'static str;

    /// The settings of a run.
    fn sections(&self) -> Vec<Section>;

    /// The options of `command`; none if the task does not support it.
    fn options(&self, command: Command) -> Option<Vec<Field>>;

    /// Creates a new run.
    ///
    /// # Errors
    ///
    /// When a setting is invalid, the data cannot be read, or the run cannot be written.
    fn start(&self, settings: Tables, new: &NewRun, device: &Device) -> Result<Box<dyn Session>, TrainError>;

    /// Plans a new run without creating it.
    ///
    /// # Errors
    ///
    /// When a setting is invalid or the data cannot be read.
    fn plan(&self, settings: Tables, device: &Device) -> Result<Plan, TrainError>;

    /// Times a few steps of a new run without creating it; none if it needs more memory than is free. `observer` is
    /// shown how its data is prepared.
    ///
    /// # Errors
    ///
    /// As [`plan`](Self::plan), and when the device fails.
    fn pace(&self, settings: Tables, device: &Device, observer: &mut dyn Observer) -> Result<Option<Pace>, TrainError>;

    /// Resumes a run.
    ///
    /// # Errors
    ///
    /// As [`Trainer::resume`].
    fn resume(&self, run: RunFolder, change: Resume, device: &Device) -> Result<Box<dyn Session>, TrainError>;

    /// Evaluates the model of a run.
    ///
    /// # Errors
    ///
    /// When the run or the data cannot be read, or the device fails.
    fn evaluate(
        &self,
        open: &Open<'_>,
        request: Evaluate,
        options: Table,
        output: &mut Output<'_>,
    ) -> Result<Report, TrainError>;

    /// Samples from the model of a run.
    ///
    /// # Errors
    ///
    /// When the run cannot be read, or the device fails.
    fn sample(
        &self,
        open: &Open<'_>,
        request: Sample,
        options: Table,
        output: &mut Output<'_>,
    ) -> Result<(), TrainError>;

    /// Predicts with the model of a run.
    ///
    /// # Errors
    ///
    /// When the run or an input cannot be read, or the device fails.
    fn predict(
        &self,
        open: &Open<'_>,
        request: Predict,
        options: Table,
        output: &mut Output<'_>,
    ) -> Result<(), TrainError>;

    /// Creates a run from the weights of another program.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or does not fit.
    fn import(
        &self,
        device: &Device,
        request: Import,
        options: Table,
        output: &mut Output<'_>,
    ) -> Result<(), TrainError>;

    /// What the units of a run's model do while it reads.
    ///
    /// # Errors
    ///
    /// When the task does not support it, the run or the data cannot be read, or the device fails.
    fn neurons(&self, open: &Open<'_>, request: &Observe, output: &mut Output<'_>) -> Result<Activations, TrainError>;

    /// How far the gradients of a run's model reach, as it starts and as it is.
    ///
    /// # Errors
    ///
    /// When the task does not support it, the run or the data cannot be read, or the device fails.
    fn gradients(
        &self,
        open: &Open<'_>,
        request: &Observe,
        output: &mut Output<'_>,
    ) -> Result<GradientFlow, TrainError>;

    /// What its playground takes; none without one.
    fn playground(&self) -> Option<Playground>;

    /// Opens the model of a run for its playground.
    ///
    /// # Errors
    ///
    /// When the task has none, or the run cannot be read.
    fn open_playground(&self, open: &Open<'_>) -> Result<Box<dyn Playable>, TrainError>;

    /// The weights of a run, by their PyTorch names.
    ///
    /// # Errors
    ///
    /// When the run cannot be read.
    fn weights(&self, open: &Open<'_>) -> Result<RunWeights, TrainError>;

    /// The model of a run as graphs of ONNX, with its settings and its assets that are text as metadata.
    ///
    /// # Errors
    ///
    /// When the task does not support it, the run cannot be read, or its weights are not finite.
    fn onnx(&self, open: &Open<'_>, opset: Opset, output: &mut Output<'_>) -> Result<OnnxExport, TrainError>;

    /// Creates the run `out` with the mean of the weights of `checkpoints`; with `replace` in place of one that is
    /// there.
    ///
    /// # Errors
    ///
    /// When a run cannot be read, their models differ in shape or vocabulary, or the new run cannot be written.
    ///
    /// # Panics
    ///
    /// When there is no checkpoint.
    fn average(
        &self,
        checkpoints: &[Open<'_>],
        out: &Path,
        replace: bool,
        output: &mut Output<'_>,
    ) -> Result<Averaged, TrainError>;

    /// Training steps with built-in data and default settings, for a benchmark.
    ///
    /// # Errors
    ///
    /// When the data cannot be read.
    fn steps(&self, device: &Device) -> Result<Box<dyn Steps>, TaskError>;
}

/// A run to open.
#[derive(Clone, Copy, Debug)]
pub struct Open<'a> {
    /// Its folder.
    pub run: &'a RunFolder,
    /// The checkpoint.
    pub which: Which,
    /// The device of the model.
    pub device: &'a Device,
    /// Runs that answer together with it.
    pub with: &'a [RunFolder],
}

/// The plan of a new run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// A description of the data.
    pub summary: String,
    /// Steps per epoch.
    pub steps_per_epoch: u64,
    /// Steps of the whole run.
    pub steps: u64,
    /// The memory that it needs.
    pub memory: Estimate,
}

/// The time of a new run's steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pace {
    /// Steps that were timed.
    pub timed_steps: u32,
    /// Seconds of each, on average.
    pub seconds_per_step: f64,
}

/// How a run is resumed.
#[derive(Clone, Debug, Default)]
pub struct Resume {
    /// Changed settings, by table: see [`resumable`](crate::settings::resumable).
    pub given: Table,
    /// Resume even if the data is not the data that the run started with.
    pub other_data: bool,
}

/// The weights of a run and the settings of its model.
#[derive(Debug)]
pub struct RunWeights {
    /// Step of the checkpoint.
    pub step: u64,
    /// The model's settings, as in `config.toml`.
    pub model: Value,
    /// The weights by name.
    pub tensors: BTreeMap<String, WeightTensor>,
    /// Checkpoints that were skipped, each with its error.
    pub rejected: Vec<String>,
}

/// A run with the mean of the weights of checkpoints.
#[derive(Debug)]
pub struct Averaged {
    /// The run.
    pub run: RunFolder,
    /// The steps of the checkpoints, in their order: of a damaged one, that of the one in its place.
    pub steps: Vec<u64>,
}

/// A run's model as graphs of ONNX.
#[derive(Debug)]
pub struct OnnxExport {
    /// Step of the checkpoint.
    pub step: u64,
    /// The model's settings, as in `config.toml`.
    pub model: Value,
    /// The graphs, each for a file of its own.
    pub graphs: Vec<NamedModel>,
}

/// A run that is ready for training.
pub trait Session {
    /// A description of the run, shown before training.
    fn summary(&self) -> String;

    /// The folder of the run.
    fn folder(&self) -> &Path;

    /// Trains: see [`Trainer::train`].
    ///
    /// # Errors
    ///
    /// As [`Trainer::train`].
    fn train(self: Box<Self>, observer: &mut dyn Observer, stop: &StopSignal) -> Result<Outcome, TrainError>;
}

impl<T: Operate> Session for Trainer<T> {
    fn summary(&self) -> String {
        self.summary()
    }

    fn folder(&self) -> &Path {
        self.run().path()
    }

    fn train(self: Box<Self>, observer: &mut dyn Observer, stop: &StopSignal) -> Result<Outcome, TrainError> {
        Self::train(*self, observer, stop)
    }
}

/// The entry of the task `T`.
pub struct Entry<T>(PhantomData<fn() -> T>);

impl<T: Operate> Entry<T> {
    /// The entry.
    pub const NEW: Self = Self(PhantomData);

    fn open(&self, open: &Open<'_>, output: &mut Output<'_>) -> Result<Trained<T>, TrainError> {
        let trained = Trained::open(open.run, open.which, open.device)?;
        output.skipped(&trained.rejected);
        Ok(trained)
    }

    /// The same with the runs that answer together with it.
    fn open_all(&self, open: &Open<'_>, output: &mut Output<'_>) -> Result<Trained<T>, TrainError> {
        let mut trained = self.open(open, output)?;
        if open.with.is_empty() {
            return Ok(trained);
        }
        let alike = T::operations().together.ok_or(TrainError::Alone { task: T::NAME })?;
        for run in open.with {
            let other = self.open(&Open { run, ..*open }, output)?;
            if !alike(&trained, &other) {
                let [run, with] = [open.run, run].map(|run| run.path().to_owned());
                return Err(TrainError::NotAlike { run, with });
            }
            trained.others.push(other);
        }
        Ok(trained)
    }

    /// Checks that a run with these settings has data of its own: an imported one may have none.
    fn has_data(&self, settings: &T::Settings) -> Result<(), TrainError> {
        let settings = serde_json::to_value(settings).unwrap_or_default();
        if settings["data"]["data"] == "" { Err(TrainError::NoData { task: T::NAME }) } else { Ok(()) }
    }

    /// Checks that there is data to read `on`. Of a run's own, warns if it is not what the run was trained on.
    fn check_data(
        &self,
        run: &RunFolder,
        trained: &Trained<T>,
        on: &On,
        output: &mut Output<'_>,
    ) -> Result<(), TrainError> {
        if matches!(on, On::Data(_)) {
            return Ok(());
        }
        self.has_data(&trained.settings)?;
        let Trained { settings, device, progress: was, .. } = trained;
        let Some(sha256) = &was.data_sha256 else { return Ok(()) };
        // Data that cannot be opened is the command's own error, a better one.
        if let Ok(task) = T::open(settings, Some(assets::<T>(run)?), device) {
            let is = task.data();
            if is.sha256 != *sha256 {
                output.warn(OtherThanTrained { was: &was.data, is: &is.identity });
            }
        }
        Ok(())
    }

    /// The error for a command that the task does not support.
    fn unsupported(&self, command: Command) -> TrainError {
        let has = |other: &&Command| **other != Command::Import && self.options(**other).is_some();
        let others = Command::ALL.iter().filter(has).map(|other| format!("rekindle {other}"));
        let others = others.chain(["rekindle inspect".to_owned(), "rekindle export".to_owned()]).collect::<Vec<_>>();
        TrainError::Unsupported { task: T::NAME, command: command.name(), others: others.join(", ") }
    }
}

impl<T: Operate> Registered for Entry<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn about(&self) -> &'static str {
        T::ABOUT
    }

    fn sections(&self) -> Vec<Section> {
        T::Settings::sections()
    }

    fn options(&self, command: Command) -> Option<Vec<Field>> {
        T::operations().options(command)
    }

    fn start(&self, settings: Tables, new: &NewRun, device: &Device) -> Result<Box<dyn Session>, TrainError> {
        let settings = T::Settings::from_tables(settings)?;
        let task = T::open(&settings, None, device)?;
        Ok(Box::new(Trainer::create(task, &settings, new, device)?))
    }

    fn plan(&self, settings: Tables, device: &Device) -> Result<Plan, TrainError> {
        let settings = T::Settings::from_tables(settings)?;
        let task = T::open(&settings, None, device)?;
        let (steps_per_epoch, steps) = step_counts(settings.training(), task.batches());
        let memory = Estimate::of(&task, &settings, device);
        Ok(Plan { summary: task.data().summary, steps_per_epoch, steps, memory })
    }

    fn pace(&self, settings: Tables, device: &Device, observer: &mut dyn Observer) -> Result<Option<Pace>, TrainError> {
        let settings = T::Settings::from_tables(settings)?;
        settings.validate()?;
        settings.training().precision.check(device)?;
        let task = T::open(&settings, None, device)?;
        if Estimate::of(&task, &settings, device).check(device).is_err() {
            return Ok(None);
        }
        let batches = settings.training().accumulate.min(task.batches()).max(1) as usize;
        let mut steps = Stepper::with(task, &settings, device, observer)?;
        let mut seconds = || -> Result<f64, TrainError> {
            let start = Instant::now();
            steps.steps(batches)?;
            Ok(start.elapsed().as_secs_f64())
        };
        // The first step allocates, and on a GPU compiles. It counts only where more would take too long.
        let first = seconds()?;
        let (mut timed, mut total) = (0, 0.0);
        while timed < TIMED_STEPS && first + total < LONGEST_TIMING {
            total += seconds()?;
            timed += 1;
        }
        Ok(Some(match timed {
            0 => Pace { timed_steps: 1, seconds_per_step: first },
            timed => Pace { timed_steps: timed, seconds_per_step: total / f64::from(timed) },
        }))
    }

    fn resume(&self, run: RunFolder, change: Resume, device: &Device) -> Result<Box<dyn Session>, TrainError> {
        let is_own = !change.given.contains_key("data");
        let settings = run.settings_with(T::NAME, change.given)?;
        self.has_data(&settings)?;
        let own = if is_own { OwnData::of(&run, &settings) } else { OwnData::none(&run) };
        let trainer = Trainer::<T>::resume_with(run, settings, change.other_data, device);
        Ok(Box::new(trainer.map_err(|error| own.explain(error))?))
    }

    fn evaluate(
        &self,
        open: &Open<'_>,
        request: Evaluate,
        options: Table,
        output: &mut Output<'_>,
    ) -> Result<Report, TrainError> {
        let evaluate = T::operations().evaluate.ok_or_else(|| self.unsupported(Command::Eval))?;
        let trained = self.open_all(open, output)?;
        self.check_data(open.run, &trained, &request.on, output)?;
        let (step, averaged) = (trained.progress.step, trained.progress.averaged);
        let own = OwnData::read(open.run, &trained.settings, &request.on);
        let report = (evaluate.run)(trained, request, options, output).map_err(|error| own.explain(error.into()))?;
        let mut report = report.fact("checkpoint_step", step);
        if averaged > 0 {
            report = report.fact("averaged_weights", averaged);
        }
        Ok(if open.with.is_empty() { report } else { report.fact("models", open.with.len() + 1) })
    }

    fn sample(
        &self,
        open: &Open<'_>,
        request: Sample,
        options: Table,
        output: &mut Output<'_>,
    ) -> Result<(), TrainError> {
        let sample = T::operations().sample.ok_or_else(|| self.unsupported(Command::Sample))?;
        Ok((sample.run)(self.open_all(open, output)?, request, options, output)?)
    }

    fn predict(
        &self,
        open: &Open<'_>,
        request: Predict,
        options: Table,
        output: &mut Output<'_>,
    ) -> Result<(), TrainError> {
        let predict = T::operations().predict.ok_or_else(|| self.unsupported(Command::Predict))?;
        Ok((predict.run)(self.open_all(open, output)?, request, options, output)?)
    }

    fn import(
        &self,
        device: &Device,
        request: Import,
        options: Table,
        output: &mut Output<'_>,
    ) -> Result<(), TrainError> {
        let import = T::operations().import.ok_or_else(|| self.unsupported(Command::Import))?;
        Ok((import.run)(device.clone(), request, options, output)?)
    }

    fn neurons(&self, open: &Open<'_>, request: &Observe, output: &mut Output<'_>) -> Result<Activations, TrainError> {
        let operations = T::operations();
        let instead = operations.instead_of_neurons;
        let neurons = operations.neurons.ok_or(TrainError::NoNeurons { task: T::NAME, instead })?;
        let trained = self.open(open, output)?;
        self.check_data(open.run, &trained, &request.on(), output)?;
        let own = OwnData::read(open.run, &trained.settings, &request.on());
        neurons(&trained, request).map_err(|error| own.explain(error.into()))
    }

    fn gradients(
        &self,
        open: &Open<'_>,
        request: &Observe,
        output: &mut Output<'_>,
    ) -> Result<GradientFlow, TrainError> {
        let gradients = T::operations().gradients.ok_or(TrainError::NoGradients { task: T::NAME })?;
        let device = open.device.clone().autodiff();
        let trained = self.open(&Open { device: &device, ..*open }, output)?;
        self.check_data(open.run, &trained, &request.on(), output)?;
        let seed = trained.settings.training().seed;
        // Only the gradients of states are wanted, so that no weight keeps one.
        let start = T::model(&trained.settings, &trained.assets, seed, &device).freeze();
        let model = trained.model.clone().freeze();
        let own = OwnData::read(open.run, &trained.settings, &request.on());
        let gradients = |model| gradients(model, &trained, request).map_err(|error| own.explain(error.into()));
        Ok(GradientFlow {
            task: T::NAME,
            model: recurrence(&open.run.config()?),
            step: trained.progress.step,
            start: gradients(&start)?,
            trained: gradients(&model)?,
        })
    }

    fn playground(&self) -> Option<Playground> {
        T::operations().playground.map(|declared| declared.playground)
    }

    fn open_playground(&self, open: &Open<'_>) -> Result<Box<dyn Playable>, TrainError> {
        let declared = T::operations().playground.ok_or(TrainError::NoPlayground { task: T::NAME })?;
        Ok((declared.open)(Trained::open(open.run, open.which, open.device)?, declared.series))
    }

    fn weights(&self, open: &Open<'_>) -> Result<RunWeights, TrainError> {
        let trained = Trained::<T>::open(open.run, open.which, open.device)?;
        let settings = serde_json::to_value(&trained.settings).unwrap_or_default();
        Ok(RunWeights {
            step: trained.progress.step,
            model: settings["model"].clone(),
            tensors: trained.model.state_dict(),
            rejected: trained.rejected,
        })
    }

    fn onnx(&self, open: &Open<'_>, opset: Opset, output: &mut Output<'_>) -> Result<OnnxExport, TrainError> {
        let onnx = T::operations().onnx.ok_or(TrainError::NoOnnx { task: T::NAME })?;
        let trained = self.open(open, output)?;
        let step = trained.progress.step;
        let settings = serde_json::to_value(&trained.settings).unwrap_or_default();
        let model = settings["model"].clone();
        let mut metadata = vec![
            ("task".to_owned(), T::NAME.to_owned()),
            ("checkpoint_step".to_owned(), step.to_string()),
            ("model".to_owned(), model.to_string()),
        ];
        for name in open.run.assets()?.into_iter().filter(|name| name.ends_with(".json")) {
            let text = files::read(&open.run.path().join(&name))?;
            metadata.push((name, String::from_utf8_lossy(&text).into_owned()));
        }
        let described = |NamedModel { name, model }| {
            let model = metadata.iter().fold(model, |model: OnnxModel, (key, value)| model.with_metadata(key, value));
            NamedModel { name, model }
        };
        let graphs = onnx(&trained, opset)?.into_iter().map(described).collect();
        Ok(OnnxExport { step, model, graphs })
    }

    fn average(
        &self,
        checkpoints: &[Open<'_>],
        out: &Path,
        replace: bool,
        output: &mut Output<'_>,
    ) -> Result<Averaged, TrainError> {
        mean_run::<T>(checkpoints, out, replace, output)
    }

    fn steps(&self, device: &Device) -> Result<Box<dyn Steps>, TaskError> {
        Ok(Box::new(Stepper::<T>::new(device)?))
    }
}

/// The files and folders that the settings of a run name as its data.
struct OwnData {
    run: PathBuf,
    names: Vec<String>,
}

impl OwnData {
    fn none(run: &RunFolder) -> Self {
        Self { run: run.path().to_owned(), names: Vec::new() }
    }

    fn of<S: Serialize>(run: &RunFolder, settings: &S) -> Self {
        let settings = serde_json::to_value(settings).unwrap_or_default();
        let texts = settings["data"].as_object().into_iter().flat_map(|data| data.values()).filter_map(Value::as_str);
        let names = texts.flat_map(|text| text.split(',')).filter(|name| !name.is_empty()).map(str::to_owned);
        Self { names: names.collect(), ..Self::none(run) }
    }

    /// Those that a command on this data reads.
    fn read<S: Serialize>(run: &RunFolder, settings: &S, on: &On) -> Self {
        if matches!(on, On::Data(_)) { Self::none(run) } else { Self::of(run, settings) }
    }

    /// Adds to the error of a missing one where it is named, and what to do.
    fn explain(&self, error: TrainError) -> TrainError {
        let TrainError::Task(source) = &error else { return error };
        let Some(source) = source.downcast_ref::<DataError>() else { return error };
        let missing = source.path().filter(|_| source.kind() == ErrorKind::NotFound);
        let missing = missing.map(|path| path.display().to_string());
        match missing.is_some_and(|missing| self.names.iter().any(|name| missing.starts_with(name))) {
            true => TrainError::OwnData { run: self.run.clone(), reason: source.to_string() },
            false => error,
        }
    }
}

/// The recurrence of a model in words, from its settings: `lstm, 2 x 128, forget bias 1`.
pub fn recurrence(config: &Table) -> String {
    let model = config.get("model").and_then(rekindle_settings::Value::as_table);
    let of = |key: &str| model.and_then(|model| model.get(key)).map(rekindle_settings::typed);
    let cell = of("cell").unwrap_or_default();
    let size = of("layers").zip(of("hidden")).map(|(layers, hidden)| format!("{layers} x {hidden}"));
    let bias = of("forget_bias").filter(|_| cell.parse().is_ok_and(|cell: rekindle_rnn::Cell| cell.has_forget_gate()));
    let init = of("init").filter(|init| init != "pytorch");
    [Some(cell), size, bias.map(|bias| format!("forget bias {bias}")), init]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

/// Finds the task `name` among `tasks`.
pub fn find<'t>(tasks: &'t [&'t dyn Registered], name: &str) -> Option<&'t dyn Registered> {
    tasks.iter().copied().find(|task| task.name() == name)
}

/// Finds the task of a run among `tasks`.
///
/// # Errors
///
/// [`TrainError::UnknownTask`] when it is not among them.
pub fn of_run<'t>(tasks: &'t [&'t dyn Registered], run: &RunFolder) -> Result<&'t dyn Registered, TrainError> {
    let head = run.head()?;
    find(tasks, &head.task).ok_or_else(|| TrainError::UnknownTask {
        path: run.path().to_owned(),
        task: head.task,
        version: head.rekindle,
    })
}

/// The weights of a run of an unknown task, by the field names of its model.
///
/// # Errors
///
/// When the run cannot be read.
pub fn weights_of_unknown(run: &RunFolder, which: Which) -> Result<RunWeights, TrainError> {
    let checkpoint = checkpoint::load(run, which)?;
    let model = run.config()?.get("model").and_then(|model| serde_json::to_value(model).ok()).unwrap_or_default();
    let tensors = checkpoint.tensors()?;
    Ok(RunWeights { step: checkpoint.progress.step, model, tensors, rejected: checkpoint.rejected })
}
