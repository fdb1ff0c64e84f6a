//! The training loop.
//!
//! ```text
//! for every step:
//!   for every batch of the step:                     one, unless gradients are accumulated
//!     loss, carry = task.loss(model, batch, carry)   forward through T time steps from the carried state; of several
//!                                                    processes each has a part of the rows: see `group`
//!     gradients  += ∂loss/∂parameters                back-propagation through these T steps
//!     carry       = detach(carry)                    and no further: it is truncated here
//!   gradients  = clip(gradients)
//!   parameters = optimizer(parameters, gradients, learning rate)
//!   average    = the mean of the parameters over steps, if one is wanted
//!   evaluate, sample, write a checkpoint when it is time
//! ```
//!
//! A run is a function of its settings: the random numbers of a step depend on the seed and the step's number only, so
//! that a resumed run needs no random state and has the losses of an unbroken one.

mod learner;
mod report;
mod stepper;
mod together;

use std::path::PathBuf;
use std::time::Instant;

use burn::module::Module;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};
use rekindle_kernels::precision::within;
use rekindle_models::host::DeviceError;
use rekindle_pictures::learning_curve;
use rekindle_rnn::blank;
use rekindle_settings::{Sections, SettingError, Table, Value};

use crate::average::Average;
use crate::carry::Carry;
use crate::clipping::{Clip, gradient_norms};
use crate::depth::Depths;
use crate::error::TrainError;
use crate::event::{Event, Observer, StepFigure};
use crate::group::alone;
use crate::memory::Estimate;
use crate::optimizer::{self, Optimizer};
use crate::origin::started;
use crate::precision::{multiplied, scaled};
use crate::report::Report;
use crate::run::checkpoint::{self, Best, Progress, Weights, Which};
use crate::run::{MetricsLog, RunFolder, RunLock};
use crate::schedule::Schedule;
use crate::seeds::mix;
use crate::settings::{RunSettings, ScheduleKind, TrainingSettings};
use crate::task::{BatchLoss, Preparation, Task};
use crate::tensorboard::{Both, TensorBoard};
use crate::trained;
use crate::updates::Watched;
pub use learner::Learner;
pub use rekindle_models::stop::{StopSignal, Stopped, check_stop};
use report::{Failure, Pending, Reports};
pub use stepper::{Stepper, Steps};
use together::{Together, data_of_rows};

/// A run to create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRun {
    /// Its folder.
    pub out: PathBuf,
    /// Whether an existing run is replaced.
    pub replace: bool,
    /// A run whose weights initialise the model.
    pub init_from: Option<PathBuf>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Steps done.
    pub steps: u64,
    /// The best evaluation.
    pub best: Option<Best>,
    /// The last evaluation.
    pub evaluation: Option<Report>,
    /// Why it ended.
    pub reason: EndReason,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// All its steps are done.
    Finished,
    /// The evaluations stopped improving.
    OutOfPatience,
    /// The run was asked to stop.
    Stopped,
}

/// Actions due after a step.
#[derive(Clone, Copy, Default, PartialEq)]
struct Due {
    evaluate: bool,
    sample: bool,
    checkpoint: bool,
}

/// The files of a run in training.
struct Files {
    /// Held while the run is trained.
    _lock: RunLock,
    metrics: MetricsLog,
}

/// Trains the model of a task into a run folder.
pub struct Trainer<T: Task> {
    task: T,
    settings: TrainingSettings,
    run: RunFolder,
    /// What only the first process of a group has.
    files: Option<Files>,
    together: Together,
    device: Device,
    model: T::Model,
    average: Average,
    depths: Depths,
    optimizer: Optimizer,
    schedule: Schedule,
    carry: Option<T::Carry>,
    progress: Progress,
    last_checkpoint: Option<u64>,
    last_evaluation: Option<Report>,
    warnings: Vec<String>,
    notes: Option<String>,
    /// The unit of a batch's items.
    unit: &'static str,
}

impl<T: Task> Trainer<T> {
    /// Creates the folder of a new run and a trainer for it. The model has fresh weights, or those of the run
    /// `init_from`.
    ///
    /// # Errors
    ///
    /// When a setting is invalid, the folder is not free, or the run cannot be written.
    pub fn create(task: T, settings: &T::Settings, new: &NewRun, device: &Device) -> Result<Self, TrainError> {
        settings.validate()?;
        let training = settings.training().clone();
        training.precision.check(device)?;
        Estimate::of(&task, settings, device).check(device)?;
        task.check_start(new.init_from.is_some())?;
        let together = Together::new(settings)?;
        let device = device.clone().autodiff();
        let fresh = task.begin(T::model(settings, task.assets(), training.seed, &device))?;
        let (model, words) = match &new.init_from {
            Some(source) => {
                let (model, words) = started(&task, fresh, source, &device)?;
                (model, Some(words))
            }
            None => (fresh, None),
        };
        let model = together.with_first_weights(model)?;
        let progress = progress_of(&task, settings);
        let warnings = together.check_alike(settings, &progress, &model)?;
        let fill = |run: &RunFolder| match words {
            // The initial weights cannot be computed again after an interruption, so they are saved.
            Some(_) => checkpoint::save(run, &progress, &model, &optimizer::build(&training), None).map(drop),
            None => Ok(()),
        };
        let run = match together.is_first() {
            true => RunFolder::create(&new.out, T::NAME, settings, task.assets(), new.replace, fill)?,
            false => RunFolder::at(&new.out),
        };
        let lock = together.is_first().then(|| run.lock()).transpose()?;
        let mut trainer = Self::from_progress(task, training, run, lock, together, device, model, progress)?;
        (trainer.notes, trainer.warnings) = (words, warnings);
        Ok(trainer)
    }

    /// Resumes a run from its last good checkpoint, or from the start if it has none yet. `change` may change settings
    /// of the loop.
    ///
    /// # Errors
    ///
    /// When the run is of another task or damaged, none of its checkpoints can be read, or the data has changed since
    /// the run started and `other_data` is not set.
    pub fn resume(
        run: RunFolder,
        change: impl FnOnce(&mut TrainingSettings),
        other_data: bool,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let mut settings: T::Settings = run.settings(T::NAME)?;
        change(settings.training_mut());
        Self::resume_with(run, settings, other_data, device)
    }

    /// The same with these settings, which may change the data or the batches too.
    pub(crate) fn resume_with(
        run: RunFolder,
        settings: T::Settings,
        other_data: bool,
        device: &Device,
    ) -> Result<Self, TrainError> {
        settings.validate()?;
        let together = Together::new(&settings)?;
        let lock = together.is_first().then(|| run.lock()).transpose()?;
        let task = T::open(&settings, Some(trained::assets::<T>(&run)?), device)?;
        let training = settings.training().clone();
        training.precision.check(device)?;
        let check_room = |task: &T| Estimate::of(task, &settings, device).check(device);
        let device = device.clone().autodiff();
        let mut progress = progress_of(&task, &settings);
        let fresh = || T::model(&settings, task.assets(), training.seed, &device);
        if checkpoint::steps(&run)?.is_empty() {
            check_room(&task)?;
            task.check_start(false)?;
            let model = together.with_first_weights(task.begin(fresh())?)?;
            let warnings = together.check_alike(&settings, &progress, &model)?;
            if together.is_first() {
                run.write_settings(T::NAME, &settings)?;
            }
            let mut trainer = Self::from_progress(task, training, run, lock, together, device, model, progress)?;
            trainer.warnings = warnings;
            return Ok(trainer);
        }
        let checkpoint = checkpoint::load(&run, Which::Last)?;
        let was = checkpoint.progress.clone();
        let same = match &was.data_sha256 {
            Some(sha256) => progress.data_sha256.as_ref() == Some(sha256),
            None => was.data == progress.data,
        };
        if !same && !other_data {
            return Err(TrainError::OtherData { was: was.data, is: progress.data });
        }
        run.check_model(&settings, was.settings.as_ref())?;
        check_room(&task)?;
        let (_, total_steps) = step_counts(&training, task.batches());
        if total_steps < was.step {
            let wanted = format!("at least {}, the steps that the run has done", was.step);
            let (option, given) = match training.steps {
                Some(steps) => ("steps", steps),
                None => ("epochs", training.epochs),
            };
            return Err(SettingError::invalid(option, given, wanted).into());
        }
        let fresh = blank(fresh);
        // A hidden state is only valid for the sequences that it comes from.
        let same_batches = same && (was.settings.is_none() || batches(&was) == batches(&progress));
        let was_averaged = was.averaged;
        progress =
            Progress { data: progress.data, data_sha256: progress.data_sha256, settings: progress.settings, ..was };
        let model = checkpoint.in_training(fresh.clone())?;
        let average = match was_averaged {
            0 => None,
            count => Some(Average::restored(training.average.clone(), &checkpoint.model(fresh)?.valid(), count)),
        };
        // All have read the run before the first one changes it.
        let warnings = together.check_alike(&settings, &progress, &model)?;
        if together.is_first() {
            run.write_settings(T::NAME, &settings)?;
        }
        let mut trainer = Self::from_progress(task, training, run, lock, together, device, model, progress)?;
        trainer.optimizer = checkpoint.optimizer(trainer.optimizer)?;
        trainer.average = average.unwrap_or(trainer.average);
        if same_batches {
            let ours = |data| data_of_rows(data, trainer.together.share());
            trainer.carry = checkpoint.carry(|data| trainer.task.restore_carry(ours(data), &trainer.device))?;
        }
        trainer.last_checkpoint = Some(trainer.progress.step);
        let has_carry = checkpoint.has_carry();
        trainer.warnings = checkpoint.rejected;
        trainer.warnings.extend(warnings);
        if !same_batches && has_carry {
            trainer.warnings.push("the data or its batches have changed: hidden states start from zero".to_owned());
        }
        Ok(trainer)
    }

    /// The task.
    pub fn task(&self) -> &T {
        &self.task
    }

    /// The folder of the run.
    pub fn run(&self) -> &RunFolder {
        &self.run
    }

    /// A description of the run, shown before training: the data, and the weights that were copied from another run.
    pub fn summary(&self) -> String {
        self.notes.iter().cloned().chain([self.task.data().summary]).collect::<Vec<_>>().join("\n")
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of a trainer, each of them once")]
    fn from_progress(
        task: T,
        settings: TrainingSettings,
        run: RunFolder,
        lock: Option<RunLock>,
        together: Together,
        device: Device,
        model: T::Model,
        mut progress: Progress,
    ) -> Result<Self, TrainError> {
        let first_scale = settings.precision.first_scale();
        progress.loss_scale = first_scale.map(|first| progress.loss_scale.unwrap_or(first));
        let open = |lock| Ok::<_, TrainError>(Files { _lock: lock, metrics: run.metrics(progress.step)? });
        let files = lock.map(open).transpose()?;
        let (steps_per_epoch, total_steps) = step_counts(&settings, task.batches());
        let mut schedule = Schedule::new(&settings, steps_per_epoch, total_steps);
        schedule.restore(progress.plateau);
        Ok(Self {
            average: Average::new(settings.average.clone()),
            depths: Depths::of(settings.depth.clone(), &model),
            optimizer: optimizer::build(&settings),
            device,
            carry: None,
            last_checkpoint: None,
            last_evaluation: None,
            warnings: Vec::new(),
            notes: None,
            unit: task.data().unit,
            task,
            settings,
            run,
            files,
            together,
            model,
            schedule,
            progress,
        })
    }

    /// Trains until the steps are done, patience runs out or `stop` is set, and sends events to `observer`. A
    /// checkpoint is written in each case.
    ///
    /// # Errors
    ///
    /// When the loss diverges, the data cannot be read or a file cannot be written. The last good checkpoint stays.
    pub fn train(self, observer: &mut dyn Observer, stop: &StopSignal) -> Result<Outcome, TrainError> {
        if !self.settings.tensorboard || !self.together.is_first() {
            return self.train_observed(observer, stop);
        }
        if cfg!(not(feature = "png")) {
            let message = "TensorBoard gets figures and samples, but no pictures of evaluations: for these, build with \
                           `--features png`";
            observer.observe(&Event::Warning { message });
        }
        let mut board = TensorBoard::create(self.run.path(), self.progress.step)?;
        let outcome = self.train_observed(&mut Both(observer, &mut board), stop)?;
        board.finish()?;
        Ok(outcome)
    }

    fn train_observed(mut self, observer: &mut dyn Observer, stop: &StopSignal) -> Result<Outcome, TrainError> {
        let task = &mut self.task;
        self.together.first_then_others(|| {
            task.prepare(&mut |news| match news {
                Preparation::Message(message) => observer.observe(&Event::Warning { message }),
                Preparation::Progress { what, done, total } => {
                    observer.observe(&Event::Preparing { what, done, total });
                }
            })
        })?;
        let (steps_per_epoch, total_steps) = step_counts(&self.settings, self.task.batches());
        observer.observe(&Event::Started {
            step: self.progress.step,
            total_steps,
            steps_per_epoch,
            parameters: self.model.num_params(),
            unit: self.unit,
            loss_unit: T::LOSS_UNIT,
        });
        for warning in self.warnings.drain(..) {
            observer.observe(&Event::Warning { message: &warning });
        }
        // Of the groups that a parameter is in, the last one counts.
        let mut other_rates = self.depths.rates(&self.device);
        let of_task = self.task.other_rate(&self.model);
        // A task's own group is part of the lowest layer: an image encoder.
        other_rates.extend(of_task.map(|(group, factor)| (group, factor * self.depths.lowest_rate())));
        let mut reports = Reports::new(&self.settings, &self.device, steps_per_epoch);
        if std::mem::take(&mut self.progress.interrupted) {
            let due = self.due_after(self.progress.step, steps_per_epoch, total_steps);
            self.follow_up(due, observer, steps_per_epoch, stop)?;
        }
        let reason = loop {
            if self.progress.interrupted {
                break Ok(EndReason::Stopped);
            }
            if self.progress.step >= total_steps {
                break Ok(EndReason::Finished);
            }
            if self.out_of_patience() {
                break Ok(EndReason::OutOfPatience);
            }
            if self.together.stopped(stop) {
                break Ok(EndReason::Stopped);
            }
            let started = Instant::now();
            let (pending, gradients) = match self.gradients(steps_per_epoch, stop) {
                Ok(gradients) => gradients,
                // The steps done so far are valid, even if the data fails now.
                Err(error) => break Err(error),
            };
            let due = self.due_after(pending.step, steps_per_epoch, total_steps);
            let printed = pending.step.is_multiple_of(self.settings.print_every);
            if reports.push(pending) || due != Due::default() {
                self.read(&mut reports, observer, Some(&gradients))?;
            }
            let learning_rate = self.schedule.learning_rate(self.progress.step);
            let rates = match &other_rates[..] {
                [] => learning_rate.into(),
                others => {
                    let scheduler = ModuleLrScheduler::new(learning_rate);
                    let others = others.iter();
                    others
                        .fold(scheduler, |all, (group, factor)| all.with_group(group.clone(), learning_rate * factor))
                        .step()
                }
            };
            let watched = (self.settings.watch_gradients && printed).then(|| Watched::before(&self.model, &gradients));
            self.model = self.optimizer.step(rates, self.model, gradients);
            self.progress.step += 1;
            if self.together.is_due(self.progress.step, due != Due::default()) {
                (self.model, self.optimizer) = self.together.mean(self.model, self.optimizer)?;
            }
            self.average.observe(self.progress.step, &self.model);
            if let Some(watched) = watched {
                let (step, layers) = (self.progress.step, watched.after(&self.model)?);
                if let Some(files) = &mut self.files {
                    files.metrics.updates(step, step as f64 / steps_per_epoch as f64, &layers)?;
                }
                observer.observe(&Event::Updated { step, layers: &layers });
            }
            let time = started.elapsed();
            reports.worked(time);
            if let Some(ranks) = self.together.worked(time, printed && self.settings.report_ranks)? {
                observer.observe(&Event::Ranks { step: self.progress.step, ranks: &ranks });
            }
            self.follow_up(due, observer, steps_per_epoch, stop)?;
        };
        self.read(&mut reports, observer, None)?;
        if self.last_checkpoint != Some(self.progress.step) || self.progress.interrupted {
            self.save_checkpoint(observer)?;
        }
        // The others would end while the first one writes.
        self.together.wait();
        let (steps, best) = (self.progress.step, self.progress.best);
        reason.map(|reason| Outcome { steps, best, evaluation: self.last_evaluation, reason })
    }

    /// The clipped gradients of the next step, and its figures, still on the device. An error leaves the trainer
    /// unchanged.
    fn gradients(&mut self, steps_per_epoch: u64, stop: &StopSignal) -> Result<(Pending, GradientsParams), TrainError> {
        loop {
            let factor = self.progress.loss_scale.map_or(1.0, |scale| scale.factor);
            let (pending, gradients, carry) = self.scaled_gradients(steps_per_epoch, factor, stop)?;
            if self.progress.loss_scale.as_mut().is_some_and(|scale| scale.overflows(&pending.norm)) {
                continue;
            }
            self.carry = carry;
            return Ok((pending, gradients));
        }
    }

    /// The same of a loss multiplied by `factor` during the backward pass, and the state to carry.
    fn scaled_gradients(
        &mut self,
        steps_per_epoch: u64,
        factor: f64,
        stop: &StopSignal,
    ) -> Result<(Pending, GradientsParams, Option<T::Carry>), TrainError> {
        let step = self.progress.step;
        let (epoch, step_in_epoch) = (step / steps_per_epoch, step % steps_per_epoch);
        let mut carry = self.carry.clone().filter(|_| step_in_epoch > 0);
        self.device.seed(mix(self.settings.seed, step));
        let first = step_in_epoch * self.settings.accumulate;
        let last = (first + self.settings.accumulate).min(self.task.batches());
        let share = 1.0 / (last - first) as f64;
        let precision = self.settings.precision.of_products();
        let mut accumulator = GradientsAccumulator::new();
        let (mut losses, mut items) = (Vec::new(), 0);
        let mut figure: Option<StepFigure> = None;
        for batch in first..last {
            let outcome = within(precision, || self.task.loss(&self.model, epoch, batch, carry.take()))?;
            let whole = self.together.whole(&outcome, self.progress.step, stop);
            let BatchLoss { loss, carry: after, .. } = outcome;
            carry = Some(after.detach());
            items += whole.items;
            if let Some(StepFigure { name, value }) = whole.figure {
                let before = figure.map_or(0.0, |figure| figure.value);
                figure = Some(StepFigure { name, value: before + value * share });
            }
            let Some(loss) = whole.loss(loss) else { continue };
            let loss = loss.mul_scalar(share);
            losses.push(loss.clone().inner());
            let gradients = scaled(loss, factor).backward();
            accumulator.accumulate(&self.model, GradientsParams::from_grads(gradients, &self.model));
        }
        let clip = Clip { kind: self.settings.clip, at: self.settings.clip_at };
        let gradients = multiplied(&self.model, accumulator.grads(), 1.0 / factor);
        let loss = match losses.is_empty() {
            true => Tensor::zeros([1], &self.device.clone().inner()),
            false => Tensor::cat(losses, 0).sum(),
        };
        let (gradients, loss) = self.together.sum(&self.model, gradients, loss)?;
        let gradients = self.depths.unfrozen(step, &self.model, gradients);
        let (gradients, norm) = clip.apply(&self.model, gradients);
        let learning_rate = self.schedule.learning_rate(step);
        Ok((Pending { step: step + 1, loss, norm, items, learning_rate, figure }, gradients, carry))
    }

    /// Reads back the pending steps' figures; an error if the loss has diverged or the device has failed.
    fn read(
        &mut self,
        reports: &mut Reports,
        observer: &mut dyn Observer,
        gradients: Option<&GradientsParams>,
    ) -> Result<(), TrainError> {
        let read = reports.read().map_err(|Failure { step, items, source }| {
            let (unit, last_checkpoint) = (self.unit, self.last_checkpoint);
            match DeviceError::from(source) {
                DeviceError::OutOfMemory(source) => {
                    TrainError::OutOfMemory { step, items, unit, last_checkpoint, source }
                }
                DeviceError::Failed(source) => TrainError::Device { step, last_checkpoint, source },
            }
        })?;
        for report in read {
            let first = *self.progress.first_loss.get_or_insert(report.loss);
            // A multiple of a negative loss is below it.
            let bounded = self.settings.explode_at > 0.0 && self.task.loss_has_bound() && first > 0.0;
            let bound = if bounded { first * self.settings.explode_at } else { f64::INFINITY };
            if !report.loss.is_finite() || !report.gradient_norm.is_finite() || report.loss > bound {
                return Err(TrainError::Diverged {
                    step: report.step,
                    loss: report.loss,
                    first: (report.loss > bound).then_some(first),
                    last_checkpoint: self.last_checkpoint,
                    gradient_norms: gradients.map(|g| gradient_norms(&self.model, g)).unwrap_or_default(),
                });
            }
            if let Some(files) = self.files.as_mut().filter(|_| report.printed) {
                files.metrics.step(&report)?;
            }
            observer.observe(&Event::Step(report));
        }
        Ok(())
    }

    /// The actions due after `step`.
    fn due_after(&self, step: u64, steps_per_epoch: u64, total_steps: u64) -> Due {
        let last = step == total_steps;
        let now = |every: Option<u64>| last || step.is_multiple_of(every.unwrap_or(steps_per_epoch));
        Due {
            evaluate: now(self.settings.eval_every),
            sample: now(self.settings.sample_every),
            checkpoint: now(Some(self.settings.checkpoint_every)),
        }
    }

    /// Performs the actions that are due. A stop during an evaluation postpones it until the run is resumed.
    fn follow_up(
        &mut self,
        due: Due,
        observer: &mut dyn Observer,
        steps_per_epoch: u64,
        stop: &StopSignal,
    ) -> Result<(), TrainError> {
        let (step, last_checkpoint) = (self.progress.step, self.last_checkpoint);
        // Processes that share an evaluation go through it together.
        let shown = match self.together.is_alone() {
            true => stop.during(|| self.show(due, observer, steps_per_epoch)),
            false => self.show(due, observer, steps_per_epoch),
        };
        match shown {
            Err(TrainError::Reading(source)) => Err(TrainError::Evaluating { step, last_checkpoint, source }),
            Err(TrainError::Task(error)) if error.is::<Stopped>() => {
                self.progress.interrupted = true;
                Ok(())
            }
            done => done,
        }
    }

    /// Evaluates, samples and saves.
    fn show(&mut self, due: Due, observer: &mut dyn Observer, steps_per_epoch: u64) -> Result<(), TrainError> {
        let step = self.progress.step;
        let evaluated = due.evaluate && self.evaluate(observer, step as f64 / steps_per_epoch as f64)?;
        if due.sample
            && self.together.is_first()
            && let Some(text) = alone(|| self.task.sample(&self.shown(), mix(self.settings.seed, step)))?
        {
            self.run.save_sample(step, &text)?;
            observer.observe(&Event::Sampled { step, text: &text });
        }
        if evaluated || due.checkpoint {
            self.save_checkpoint(observer)?;
        }
        Ok(())
    }

    /// Names the given options that need evaluations, once: there is nothing to evaluate on.
    fn warn_without_evaluations(&mut self, observer: &mut dyn Observer) {
        let TrainingSettings { schedule, patience, average, .. } = &self.settings;
        let options = [
            (*schedule == ScheduleKind::Plateau, "--schedule plateau"),
            (patience.is_some(), "--patience"),
            (average.average_wait.is_some(), "--average-wait"),
        ];
        let given: Vec<&str> = options.into_iter().filter_map(|(given, option)| given.then_some(option)).collect();
        let message = format!("there is no validation data: without effect: {}", given.join(", "));
        if !given.is_empty() && !self.warnings.contains(&message) {
            observer.observe(&Event::Warning { message: &message });
            self.warnings.push(message);
        }
    }

    fn evaluate(&mut self, observer: &mut dyn Observer, epoch: f64) -> Result<bool, TrainError> {
        observer.observe(&Event::Evaluating);
        let Some(report) = self.task.evaluate(&self.shown())? else {
            self.warn_without_evaluations(observer);
            return Ok(false);
        };
        let (step, objective) = (self.progress.step, report.objective);
        // A figure that is not a number is never the best one.
        let best = objective.is_finite() && self.progress.best.is_none_or(|best| objective < best.objective);
        if best {
            self.progress.best = Some(Best { step, objective });
            self.progress.fruitless = 0;
        } else {
            self.progress.fruitless += 1;
        }
        if self.average.evaluated(&mut self.progress.losses, objective, &self.model) {
            // The mean is another model, and gets its own chances.
            self.progress.fruitless = 0;
        }
        self.schedule.observe(objective);
        self.progress.plateau = self.schedule.plateau();
        if let Some(Files { metrics, .. }) = &mut self.files {
            metrics.evaluation(step, epoch, &report, best)?;
            if best {
                report.pictures.iter().try_for_each(|picture| self.run.save_picture(picture))?;
            }
            let figure = report.figures.first().map(|figure| figure.name);
            if let Some(curve) = learning_curve(&metrics.lines()?, T::LOSS_UNIT, figure) {
                self.run.save_picture(&curve)?;
            }
        }
        observer.observe(&Event::Evaluated { step, epoch, report: &report, best });
        self.last_evaluation = Some(report);
        Ok(true)
    }

    /// The model to evaluate, sample and export: with the mean of the weights, if there is one.
    fn shown(&self) -> T::Model {
        self.average.of(self.model.valid())
    }

    fn out_of_patience(&self) -> bool {
        self.settings.patience.is_some_and(|patience| self.progress.fruitless >= patience)
    }

    fn save_checkpoint(&mut self, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let carry = self.together.carry_of_all(self.carry.as_ref())?;
        if let Some(warning) = self.together.drift(&self.model)? {
            observer.observe(&Event::Warning { message: &warning });
        }
        self.last_checkpoint = Some(self.progress.step);
        if !self.together.is_first() {
            return Ok(());
        }
        self.progress.averaged = self.average.count();
        let mean = (self.progress.averaged > 0).then(|| self.shown());
        let weights = Weights { model: &self.model, mean };
        let path = checkpoint::save(&self.run, &self.progress, weights, &self.optimizer, carry)?;
        let best = self.progress.best.map(|best| best.step);
        checkpoint::prune(&self.run, self.settings.keep, best, self.progress.step)?;
        observer.observe(&Event::Checkpointed { step: self.progress.step, path: &path });
        Ok(())
    }
}

/// The progress of a new run.
fn progress_of<T: Task>(task: &T, settings: &T::Settings) -> Progress {
    let info = task.data();
    let mut tables = Table::try_from(settings).unwrap_or_default();
    // The settings of the loop may change when a run is resumed.
    tables.remove("training");
    let (data, data_sha256) = (info.identity, Some(info.sha256));
    Progress { data, data_sha256, settings: Some(tables), ..Progress::default() }
}

/// The settings of the data that say which sequences follow each other. The path of data that has the same SHA-256 does
/// not.
fn batches(progress: &Progress) -> Option<Value> {
    let mut data = progress.settings.as_ref()?.get("data")?.clone();
    if let (Some(_), Some(settings)) = (&progress.data_sha256, data.as_table_mut()) {
        settings.remove("data");
    }
    Some(data)
}

/// The step that a batch of an epoch is part of; all count from 0.
pub(crate) fn step_of(settings: &TrainingSettings, batches: u64, epoch: u64, batch: u64) -> u64 {
    let (per_epoch, _) = step_counts(settings, batches);
    epoch * per_epoch + batch / settings.accumulate
}

/// Steps per epoch and of the whole run.
pub(crate) fn step_counts(settings: &TrainingSettings, batches: u64) -> (u64, u64) {
    let per_epoch = batches.div_ceil(settings.accumulate).max(1);
    (per_epoch, settings.steps.unwrap_or(settings.epochs.saturating_mul(per_epoch)))
}
