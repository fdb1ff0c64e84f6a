//! Command-line options from declared settings, and settings from options.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::builder::PossibleValuesParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, CommandFactory};
use rekindle_settings::{Field, Kind, Section, Table, Value, typed};
use rekindle_train::operation;
use rekindle_train::registry::Registered;
use rekindle_train::settings::resumable;
use rekindle_train::tasks;

use crate::options::{Answer, DeviceOptions, NewRun, Output, Rekindle};
use crate::presets;

/// The options that matter most, first ones first. The brief help of a command shows the first ten that it has.
#[rustfmt::skip]
const FIRST: &[&str] = &[
    "refs", "metric", "lowercase", "tokenize", "against", "out", "data", "source-lang", "target-lang",
    "preset", "epochs", "learning-rate", "cell", "hidden", "layers", "batch-size", "sequence-length",
    "dropout", "resume", "config", "checkpoint", "split", "length", "prime", "temperature", "top-p", "beam",
    "n-best", "file", "explain", "attention", "timeline", "gallery", "task", "vocab", "labels", "key-map", "key",
    "neurons", "gradients", "html", "svg", "shapes", "rounds", "products", "growth", "json", "seed", "steps",
    "backend", "threads",
];

/// Options that a brief help shows.
const BRIEF: usize = 10;

/// An example of each command.
const EXAMPLES: &[(&str, &str)] = &[
    ("train", "rekindle train chars --hidden 256 --epochs 10 --out runs/mine"),
    ("sample", "rekindle sample latest --length 500 --temperature 0.8"),
    ("eval", "rekindle eval latest --json"),
    ("predict", "rekindle predict runs/sentiment \"not the best film , but a fine one\""),
    ("score", "rekindle score translations.txt --refs references.txt"),
    ("runs", "rekindle runs"),
    ("inspect", "rekindle inspect latest --neurons"),
    ("compare", "rekindle compare runs/chars runs/chars-2 --svg curves.svg"),
    ("view", "rekindle view --open"),
    ("average", "rekindle average runs/chars --last 3 --out runs/mean"),
    ("import", "rekindle import model.pt --task chars --data text.txt"),
    ("export", "rekindle export latest --format safetensors"),
    ("settings", "rekindle settings chars"),
    ("data", "rekindle data get tiny-shakespeare"),
    ("devices", "rekindle devices"),
    ("bench", "rekindle bench --shapes train-lstm-1x256"),
    ("completions", "rekindle completions bash > ~/.local/share/bash-completion/completions/rekindle"),
];

/// Which options help texts show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Help {
    /// Those that matter most, for `-h`.
    Brief,
    /// All, for `--help`.
    Whole,
}

/// Whether the arguments ask for a brief help text.
pub fn asks_briefly(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "-h")
}

/// The whole command: the declarations of `options.rs`, with the tasks and their options.
pub fn command(help: Help) -> Command {
    let flag = Arg::new("help").short('h').long("help").action(ArgAction::Help).global(true);
    let flag = flag.help("Print all options; -h prints those that matter most");
    let mut command = declared().disable_help_flag(true).arg(flag).after_help("To start: rekindle train chars");
    if help == Help::Brief {
        command = command.disable_version_flag(true).mut_arg("quiet", |quiet| quiet.hide(true));
    }
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| {
        let example = EXAMPLES.iter().find(|(known, _)| *known == name).map(|(_, example)| *example);
        command.mut_subcommand(&name, |command| with_example(command, &format!("rekindle {name}"), example, help))
    })
}

/// `command`, called `path`, with its example, and if `help` is brief without the options that matter less.
fn with_example(command: Command, path: &str, example: Option<&str>, help: Help) -> Command {
    let tasks: Vec<String> = command.get_subcommands().map(|task| task.get_name().to_owned()).collect();
    let mut command = tasks.iter().fold(command, |command, name| {
        let path = format!("{path} {name}");
        let example = (path.starts_with("rekindle train ")).then(|| format!("{path} --epochs 3 --out runs/my-{name}"));
        command.mut_subcommand(name, |task| with_example(task, &path, example.as_deref(), help))
    });
    let mut after: Vec<String> = example.map(|example| format!("Example:\n  {example}")).into_iter().collect();
    if path.starts_with("rekindle train ") {
        after.push("Several values of a number or a name train a run for each: --lr 0.001,0.003".to_owned());
    }
    if help == Help::Brief {
        let (shortened, left_out) = briefly(command);
        command = shortened;
        if left_out > 0 {
            after.push(format!("{left_out} more options: {path} --help"));
        }
    }
    command.after_help(after.join("\n\n"))
}

/// A command without the options that matter less, and their number.
fn briefly(command: Command) -> (Command, usize) {
    let place = |option: &Arg| FIRST.iter().position(|first| option.get_long() == Some(first)).unwrap_or(FIRST.len());
    let mut options: Vec<(usize, String)> = command
        .get_arguments()
        .filter(|option| !option.is_positional() && !option.is_hide_set())
        .map(|option| (place(option), option.get_id().to_string()))
        .collect();
    options.sort_by_key(|(place, _)| *place);
    let rest = options.split_off(options.len().min(BRIEF));
    let left_out = rest.len();
    let hidden = |command: Command, (_, id): (usize, String)| command.mut_arg(id, |option| option.hide(true));
    (rest.into_iter().fold(command, hidden), left_out)
}

/// The declarations of `options.rs`, with the tasks and their options.
fn declared() -> Command {
    let mut command = Rekindle::command().mut_subcommand("train", |train| {
        let task = |task: &&dyn Registered| {
            let command = NewRun::augment_args(Command::new(task.name())).args(preset(task.name()));
            let command = command.args(task.sections().iter().flat_map(args_of_section));
            Output::augment_args(DeviceOptions::augment_args(command)).about(task.about())
        };
        let resumed = resumable().into_iter().flat_map(|(_, fields)| fields);
        let resumed = resumed.map(|field| arg(&field, Values::One).help_heading("With --resume"));
        Answer::augment_args(train.args(resumed)).subcommands(tasks::ALL.iter().map(task))
    });
    for &operation in operation::Command::ALL {
        let options = options_of(operation);
        command = command.mut_subcommand(operation.name(), |command| {
            let args =
                options.iter().map(|option| arg(&option.field, Values::One).help_heading(option.heading.clone()));
            Answer::augment_args(command.args(args))
        });
    }
    command
}

/// The option `--preset` of a task that has presets.
fn preset(task: &str) -> Option<Arg> {
    let names = presets::names(task);
    let help = "Start from the settings and the initialisation of another program; --config and options win";
    let arg = Arg::new(PRESET).long(PRESET).value_name("NAME").help(help).help_heading("Run");
    (!names.is_empty()).then(|| arg.value_parser(PossibleValuesParser::new(names)))
}

/// The preset that was given.
pub fn given_preset(matches: &ArgMatches) -> Option<&str> {
    matches.try_get_one::<String>(PRESET).ok().flatten().map(String::as_str)
}

/// The name of an option.
const PRESET: &str = "preset";

fn args_of_section(section: &Section) -> impl Iterator<Item = Arg> + '_ {
    section.settings.iter().map(|field| arg(field, Values::Several).help_heading(section.heading))
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

/// How many values an option of a number or of a name may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    One,
    /// Several, separated by commas: a sweep.
    Several,
}

/// Whether a sweep may go over the setting: its values have no commas of their own.
fn can_be_swept(field: &Field) -> bool {
    match field.kind {
        Kind::Integer | Kind::Number => true,
        Kind::Text => !field.choices.is_empty(),
        Kind::Flag | Kind::List => false,
    }
}

/// The option of a setting.
fn arg(field: &Field, values: Values) -> Arg {
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
                    let several = values == Values::Several && can_be_swept(&field_of_value);
                    let texts = if several { text.split(',').map(str::trim).collect() } else { vec![text] };
                    let parsed = texts.into_iter().map(|text| field_of_value.parse(text));
                    parsed.collect::<Result<_, _>>().map(Parsed).map_err(|wanted| format!("must be {wanted}"))
                })
        }
    }
}

/// The parsed values of an option: one, or several of a sweep.
#[derive(Clone, Debug)]
struct Parsed(Vec<Value>);

/// The `fields` that were given as options.
fn given(fields: &[Field], matches: &ArgMatches) -> Table {
    let given = |field: &&Field| matches.value_source(field.key) == Some(ValueSource::CommandLine);
    let value = |field: &Field| match field.kind {
        Kind::Flag => Value::Boolean(matches.get_flag(field.key)),
        Kind::List => {
            let all = matches.get_many::<Parsed>(field.key).into_iter().flatten();
            Value::Array(all.flat_map(|value| value.0[0].as_array().cloned().unwrap_or_default()).collect())
        }
        _ => parsed(field, matches)[0].clone(),
    };
    fields.iter().filter(given).map(|field| (field.key.to_owned(), value(field))).collect()
}

/// The values of an option that was given.
fn parsed<'a>(field: &Field, matches: &'a ArgMatches) -> &'a [Value] {
    &matches.get_one::<Parsed>(field.key).expect("it was given").0
}

/// A setting that was given several values.
#[derive(Clone, Debug)]
pub struct Swept {
    /// The name of its option.
    pub option: String,
    /// Its table in a file of settings.
    pub table: &'static str,
    /// Its key there.
    pub key: &'static str,
    /// The values.
    pub values: Vec<Value>,
}

/// The settings of a new run that were given several values.
pub fn swept_settings(task: &dyn Registered, matches: &ArgMatches) -> Vec<Swept> {
    let mut swept = Vec::new();
    for Section { table, settings, .. } in task.sections() {
        for field in settings.iter().filter(|field| can_be_swept(field)) {
            if matches.value_source(field.key) == Some(ValueSource::CommandLine) {
                let values = parsed(field, matches);
                if values.len() > 1 {
                    swept.push(Swept { option: field.option.clone(), table, key: field.key, values: values.to_vec() });
                }
            }
        }
    }
    swept
}

/// The settings of a new run that were given as options, by table; of several values the first.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_an_example_that_is_valid() {
        let command = command(Help::Whole);
        for name in command.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name) {
            let example = EXAMPLES.iter().find(|(known, _)| *known == name);
            let (_, example) = example.unwrap_or_else(|| panic!("{name} has no example"));
            let words = example.split(" >").next().unwrap().split('"').enumerate();
            let words =
                words.flat_map(|(i, part)| if i % 2 == 0 { part.split_whitespace().collect() } else { vec![part] });
            let parsed = command.clone().try_get_matches_from(words);
            assert!(parsed.is_ok_and(|matches| matches.subcommand_name() == Some(name)), "{example}");
        }
    }

    #[test]
    fn first_options_are_options() {
        fn names(command: &Command) -> Vec<String> {
            let own = command.get_arguments().filter_map(Arg::get_long).map(str::to_owned);
            own.chain(command.get_subcommands().flat_map(names)).collect()
        }
        let known = names(&command(Help::Whole));
        for first in FIRST {
            assert!(known.iter().any(|name| name == first), "there is no --{first}");
        }
    }
}
