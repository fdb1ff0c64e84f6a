//! `rekindle eval`, `sample`, `predict` and `import`: the operations of a trained model, for any task.

use std::io::{IsTerminal, Write, sink, stderr, stdin, stdout};
use std::path::Path;

use anyhow::{Result, bail};
use clap::error::ErrorKind;
use clap::{ArgMatches, FromArgMatches};
use rekindle_settings::Table;
use rekindle_train::import::Source;
use rekindle_train::operation::{self, Command, Evaluate, Inputs, On, Output, texts_of};
use rekindle_train::registry::{self, Open, Registered};
use rekindle_train::{TrainError, tasks};

use super::train::out_folder;
use crate::arguments::given_options;
use crate::backend;
use crate::console;
use crate::hub::{self, HubFile};
use crate::options::{Answer, Eval, Import, OpenRuns, Predict, Sample};
use crate::ranks;
use crate::runs;

pub fn eval(options: &Eval, matches: &ArgMatches) -> Result<()> {
    let on = options.other_data.clone().map_or(On::Split(options.split), On::Data);
    on_run(Command::Eval, &options.open, matches, |task, open, given, output| {
        let request = Evaluate { on, batch_size: options.side_by_side };
        let report = task.evaluate(open, request, given, output)?;
        output.text(&report.to_text())?;
        Ok(output.json(&report.to_json())?)
    })
}

pub fn sample(options: &Sample, matches: &ArgMatches) -> Result<()> {
    let seed = options.sample_seed.unwrap_or_else(rand::random);
    on_run(Command::Sample, &options.open, matches, |task, open, given, output| {
        Ok(task.sample(open, operation::Sample { run: open.run.path().to_owned(), seed }, given, output)?)
    })
}

pub fn predict(options: &Predict, matches: &ArgMatches) -> Result<()> {
    on_run(Command::Predict, &options.open, matches, |task, open, given, output| {
        let all = |lines: Vec<String>, name: String| Inputs::Lines {
            lines: Box::new(lines.into_iter().map(Ok)),
            name,
            live: false,
            asked: false,
        };
        let inputs = match (&options.inputs[..], &options.file) {
            ([], Some(path)) => all(texts_of(path)?, path.display().to_string()),
            ([], None) => standard_input(),
            ([input], _) if input == "-" && !options.text => standard_input(),
            (inputs, _) if options.text => all(inputs.to_vec(), "the inputs".to_owned()),
            (inputs, _) => Inputs::Given(inputs.to_vec()),
        };
        Ok(task.predict(open, operation::Predict { run: open.run.path().to_owned(), inputs }, given, output)?)
    })
}

fn standard_input() -> Inputs {
    let (name, asked) = ("standard input".to_owned(), stdin().is_terminal());
    Inputs::Lines { lines: Box::new(stdin().lines()), name, live: true, asked }
}

pub fn import(options: &Import, matches: &ArgMatches) -> Result<()> {
    let source = match options.file.starts_with(hub::PREFIX) {
        true => options.file.parse::<HubFile>()?.fetch()?,
        false => Source::of(Path::new(&options.file)).map_err(TrainError::from)?,
    };
    let supports = |task: &&&dyn Registered| task.options(Command::Import).is_some();
    let names = || tasks::ALL.iter().filter(supports).map(|task| task.name()).collect::<Vec<_>>().join(", ");
    let name = match &options.task {
        Some(task) => Some(task.clone()),
        None => source.task().map_err(TrainError::from)?,
    };
    let Some(name) = name else {
        let words = format!("--task TASK says what the model is for: {}\n", names());
        clap::Error::raw(ErrorKind::MissingRequiredArgument, words).exit();
    };
    let Some(task) = registry::find(tasks::ALL, &name).filter(|task| supports(&task)) else {
        bail!("--task {name}: models can be imported for {}", names());
    };
    let given = given_options(Command::Import, task, matches)?;
    if let Some(out) = &options.out {
        // The file may also be one of an export's folder, or in the cache.
        runs::check_apart(out, [Path::new(&options.file), source.path()])?;
    }
    let answer = Answer::from_arg_matches(matches)?;
    let chosen = backend::choose(&answer.device)?;
    let out = out_folder(options.out.as_ref(), task.name());
    let request = operation::Import { source, out, replace: options.force };
    answered(answer.output.json, |output| Ok(task.import(&chosen.device, request, given, output)?))
}

/// Runs `command` on a run: finds its task, and passes on the task's own options.
fn on_run(
    command: Command,
    OpenRuns { open: options, with }: &OpenRuns,
    matches: &ArgMatches,
    operation: impl FnOnce(&dyn Registered, &Open<'_>, Table, &mut Output<'_>) -> Result<()>,
) -> Result<()> {
    let run = runs::open(&options.run)?;
    let task = registry::of_run(tasks::ALL, &run)?;
    let with = with.iter().map(|run| runs::open(run)).collect::<Result<Vec<_>, _>>()?;
    let given = given_options(command, task, matches)?;
    let answer = Answer::from_arg_matches(matches)?;
    let device = backend::choose(&answer.device)?.device;
    let open = Open { run: &run, which: options.checkpoint, device: &device, with: &with };
    answered(answer.output.json, |output| operation(task, &open, given, output))
}

/// Lets `answer` write to standard output, with notes to standard error.
pub fn answered(json: bool, answer: impl FnOnce(&mut Output<'_>) -> Result<()>) -> Result<()> {
    // Of several processes the first one answers.
    let (mut answers, mut notes): (Box<dyn Write>, Box<dyn Write>) = match ranks::is_first() {
        true => (Box::new(stdout().lock()), Box::new(stderr())),
        false => (Box::new(sink()), Box::new(sink())),
    };
    let output = Output::new(&mut answers, &mut notes, json).on_terminal(stdout().is_terminal());
    let mut output = output.quietly(console::is_quiet());
    answer(&mut output)?;
    Ok(output.finish()?)
}
