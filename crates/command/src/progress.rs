//! Progress of a run on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{FormattedDuration, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rekindle_data::counted;
use rekindle_train::event::{Event, Observer, StepReport};
use rekindle_train::report::{Figure, Report};
use rekindle_train::trainer::StopSignal;

use crate::console::{alert, draws_progress, note};
use crate::signals;

/// Plain lines are at least this far apart, except for the last one.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// Displays the events of a run.
pub struct Progress {
    stop: StopSignal,
    bar: ProgressBar,
    started: Instant,
    first_step: u64,
    last_line: Option<Instant>,
    unit: &'static str,
    /// The unit after a loss.
    loss_unit: String,
    total_steps: u64,
    /// The text beside the bar between two evaluations.
    message: String,
}

impl Progress {
    /// Displays nothing until the run starts. From then on, signals set `stop`.
    pub fn new(stop: StopSignal) -> Self {
        Self {
            stop,
            bar: ProgressBar::hidden(),
            started: Instant::now(),
            first_step: 0,
            last_line: None,
            unit: "",
            loss_unit: String::new(),
            total_steps: 0,
            message: String::new(),
        }
    }

    fn start(&mut self, step: u64, total_steps: u64, unit: &'static str) {
        (self.started, self.first_step, self.unit, self.total_steps) = (Instant::now(), step, unit, total_steps);
        if draws_progress() {
            let style = ProgressStyle::with_template("{bar:12} {pos}/{len} {wide_msg}").expect("a constant template");
            self.bar = ProgressBar::with_draw_target(Some(total_steps), ProgressDrawTarget::stderr()).with_style(style);
            self.bar.set_position(step);
            self.bar.set_message("first steps");
        }
    }

    /// A separate bar, before that of the run.
    fn prepare(&mut self, what: &str, done: u64, total: u64) {
        if draws_progress() {
            if self.bar.is_hidden() {
                let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {msg}, {eta} left");
                let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
                self.bar = bar.with_style(style.expect("a constant template")).with_message(what.to_owned());
            }
            self.bar.set_position(done);
            if done == total {
                self.bar.finish_and_clear();
                self.bar = ProgressBar::hidden();
            }
        } else if self.last_line.is_none_or(|last| last.elapsed() >= LINE_EVERY) || done == total {
            note!("{done}/{total} {what}");
            self.last_line = Some(Instant::now());
        }
    }

    fn step(&mut self, report: &StepReport) {
        self.bar.set_position(report.step);
        if !report.printed {
            return;
        }
        if !self.bar.is_hidden() && !stderr().is_terminal() {
            // The terminal is gone: output for it would be buffered until it is read.
            self.bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let left = self.time_left(report.step);
        let figure = report.figure.map(|figure| format!(", {} {:.4}", figure.name.replace('_', " "), figure.value));
        let loss = format!("loss {:.4}{}{}", report.loss, self.loss_unit, figure.unwrap_or_default());
        let speed = format!("{} {}/s", thousands(report.items_per_second), self.unit);
        let figures = format!("{loss}, {speed}, {} left", HumanDuration(left));
        if !self.bar.is_hidden() {
            // Most important first, because a narrow terminal cuts off the end.
            self.message = format!("{} left, {loss}, {speed}", FormattedDuration(left));
            self.bar.set_message(self.message.clone());
        } else if self.last_line.is_none_or(|last| last.elapsed() >= LINE_EVERY) || report.step == self.total_steps {
            note!("step {}/{} (epoch {:.2}): {figures}", report.step, self.total_steps, report.epoch);
            self.last_line = Some(Instant::now());
        }
    }

    /// The remaining time at the average speed so far, evaluations and samples included.
    fn time_left(&self, step: u64) -> Duration {
        let done = (step - self.first_step).max(1) as f64;
        let left = self.total_steps.saturating_sub(step) as f64;
        Duration::from_secs((self.started.elapsed().as_secs_f64() / done * left).round() as u64)
    }

    fn line(&self, text: &str) {
        self.bar.suspend(|| note!("{text}"));
    }

    fn warn(&self, warning: &str) {
        self.bar.suspend(|| alert!("warning: {warning}"));
    }
}

impl Observer for Progress {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { step, total_steps, steps_per_epoch, parameters, unit, loss_unit } => {
                self.line(&format!(
                    "{} parameters, {}, {steps_per_epoch} an epoch{}",
                    thousands(*parameters as f64),
                    counted(*total_steps as usize, "steps"),
                    if *step > 0 { format!("; resuming after step {step}") } else { String::new() },
                ));
                self.loss_unit = if loss_unit.is_empty() { String::new() } else { format!(" {loss_unit}") };
                self.start(*step, *total_steps, unit);
                // Before this there is nothing to save, and a signal ends the program at once.
                if let Err(error) = signals::listen(&self.stop) {
                    self.warn(&format!("{error:#}"));
                }
            }
            Event::Warning { message } => self.warn(message),
            Event::Preparing { what, done, total } => self.prepare(what, *done, *total),
            Event::Step(report) => self.step(report),
            Event::Ranks { ranks, .. } => ranks.iter().enumerate().for_each(|(rank, times)| {
                let [computing, summing] = [times.computing, times.summing].map(|time| time.as_secs_f64());
                self.line(&format!(
                    "  rank {rank} ({}): computing {computing:.2} s, in sums {summing:.2} s",
                    times.host
                ));
            }),
            Event::Evaluating => self.bar.set_message("evaluating"),
            Event::Evaluated { step, epoch, report, best } => {
                self.bar.set_message(self.message.clone());
                self.line(&format!(
                    "step {step} (epoch {epoch:.2}): held-out loss {:.4}{}{}{}",
                    report.loss.value,
                    self.loss_unit,
                    figures(report),
                    if *best { ", the best so far" } else { "" },
                ));
            }
            Event::Sampled { step, text } => self.line(&format!("--- sample after step {step} ---\n{text}\n---")),
            Event::Updated { .. } | Event::Checkpointed { .. } => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The figures after the loss: `, bits per symbol 2.1800, perplexity 4.5315`.
fn figures(report: &Report) -> String {
    let figure = |figure: &Figure| format!(", {} {:.4}", figure.name.replace('_', " "), figure.value);
    report.figures.iter().map(figure).collect()
}

/// A rounded number with thousands separators: `12,345`.
pub fn thousands(number: f64) -> HumanCount {
    HumanCount(number.round().max(0.0) as u64)
}

#[cfg(test)]
mod tests;
