//! Command-line options from declared settings, and settings from options.

use std::collections::BTreeMap;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, CommandFactory};
use rekindle_settings::{Field, Kind, Section, Table, Value, typed};
use rekindle_train::operation;
use rekindle_train::registry::Registered;
use rekindle_train::settings::resumable;
use rekindle_train::tasks;

use crate::options::{Answer, DeviceOptions, NewRun, Output, Rekindle};

/// The whole command: the declarations of `options.rs`, with the tasks and their options.
pub fn command() -> Command {
    let mut command = Rekindle::command().mut_subcommand("train", |train| {
        let task = |task: &&dyn Registered| {
            let command = NewRun::augment_args(Command::new(task.name()));
            let command = command.args(task.sections().iter().flat_map(args_of_section));
            Output::augment_args(DeviceOptions::augment_args(command)).about(task.about())
        };
        let resumed = resumable().into_iter().flat_map(|(_, fields)| fields);
        let resumed = resumed.map(|field| arg(&field).help_heading("With --resume"));
        Answer::augment_args(train.args(resumed)).subcommands(tasks::ALL.iter().map(task))
    });
    for &operation in operation::Command::ALL {
        let options = options_of(operation);
        command = command.mut_subcommand(operation.name(), |command| {
            let args = options.iter().map(|option| arg(&option.field).help_heading(option.heading.clone()));
            Answer::augment_args(command.args(args))
        });
    }
    command
}

fn args_of_section(section: &Section) -> impl Iterator<Item = Arg> + '_ {
    section.settings.iter().map(|field| arg(field).help_heading(section.heading))
}

/// An option of a command, with the tasks that have it.
struct TaskOption {
    field: Field,
    tasks: Vec<&'static str>,
    heading: String,
}

/// The options that tasks add to `command`, by task; shared ones last.
fn options_of(command: operation::Command) -> Vec<TaskOption> {
    let mut options: BTreeMap<&'static str, TaskOption> = BTreeMap::new();
    for task in tasks::ALL {
        for field in task.options(command).unwrap_or_default() {
            let option = options.entry(field.key);
            option
                .or_insert_with(|| TaskOption { field, tasks: Vec::new(), heading: String::new() })
                .tasks
                .push(task.name());
        }
    }
    let mut options: Vec<TaskOption> = options.into_values().collect();
    for option in &mut options {
        option.heading = format!("For {}", option.tasks.join(", "));
    }
    options.sort_by_key(|option| (option.tasks.len(), option.heading.clone()));
    options
}

/// The option of a setting.
fn arg(field: &Field) -> Arg {
    let mut help = field.help.clone();
    let mut add = |name: &str, words: &str| help += &format!(" [{name}: {words}]");
    match (&field.default, field.unset) {
        (_, Some(words)) => add("default", words),
        (Some(Value::Boolean(_) | Value::Array(_)), _) | (None, None) => {}
        (Some(default), None) => add("default", &typed(default)),
    }
    if !field.choices.is_empty() {
        add("possible values", &field.choices.join(", "));
    }
    let former = field.former.iter().map(|former| former.replace('_', "-"));
    let arg = Arg::new(field.key).long(field.option.clone()).help(help).visible_aliases(field.aliases.iter().copied());
    let arg = arg.aliases(former);
    match field.kind {
        Kind::Flag => arg.action(ArgAction::SetTrue),
        kind => {
            let field_of_value = field.clone();
            let action = if kind == Kind::List { ArgAction::Append } else { ArgAction::Set };
            let name = field.value_name.map_or_else(|| field.key.to_uppercase(), str::to_owned);
            arg.action(action)
                .value_name(name)
                // Lets the range reject `-5` and `-1e-3` with its own message, instead of clap as unknown options.
                .allow_hyphen_values(matches!(kind, Kind::Integer | Kind::Number))
                .value_parser(move |text: &str| {
                    field_of_value.parse(text).map(Parsed).map_err(|wanted| format!("must be {wanted}"))
                })
        }
    }
}

/// A parsed command-line value.
#[derive(Clone, Debug)]
struct Parsed(Value);

/// The `fields` that were given as options.
fn given(fields: &[Field], matches: &ArgMatches) -> Table {
    let given = |field: &&Field| matches.value_source(field.key) == Some(ValueSource::CommandLine);
    let value = |field: &Field| match field.kind {
        Kind::Flag => Value::Boolean(matches.get_flag(field.key)),
        Kind::List => {
            let all = matches.get_many::<Parsed>(field.key).into_iter().flatten();
            Value::Array(all.flat_map(|value| value.0.as_array().cloned().unwrap_or_default()).collect())
        }
        _ => matches.get_one::<Parsed>(field.key).expect("it was given").0.clone(),
    };
    fields.iter().filter(given).map(|field| (field.key.to_owned(), value(field))).collect()
}

/// The settings of a new run that were given as options, by table.
pub fn given_settings(task: &dyn Registered, matches: &ArgMatches) -> Table {
    let table = |section: Section| (section.table.to_owned(), Value::Table(given(&section.settings, matches)));
    task.sections().into_iter().map(table).collect()
}

/// The settings of a resumed run that were given as options, by table.
pub fn given_to_resume(matches: &ArgMatches) -> Table {
    let table = |(table, fields): (&str, Vec<Field>)| (table.to_owned(), Value::Table(given(&fields, matches)));
    resumable()
        .into_iter()
        .map(table)
        .filter(|(_, given)| given.as_table().is_some_and(|given| !given.is_empty()))
        .collect()
}

/// The options of `command` that were given for a run of `task`.
///
/// # Errors
///
/// When an option was given that only runs of other tasks support: it must not be ignored silently.
pub fn given_options(
    command: operation::Command,
    task: &dyn Registered,
    matches: &ArgMatches,
) -> anyhow::Result<Table> {
    for option in options_of(command).iter().filter(|option| !option.tasks.contains(&task.name())) {
        if !given(std::slice::from_ref(&option.field), matches).is_empty() {
            let tasks = option.tasks.join("` and `");
            anyhow::bail!("--{} is for runs of `{tasks}`, and this is a run of `{}`", option.field.option, task.name());
        }
    }
    Ok(given(&task.options(command).unwrap_or_default(), matches))
}
