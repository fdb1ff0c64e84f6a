//! Runs that are stopped from outside: signals, terminals and pipes that close, a second trainer.
#![cfg(unix)]

use std::fs;
use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;

const SMALL: [&str; 18] = [
    "train",
    "chars",
    "--data",
    "text.txt",
    "--hidden",
    "8",
    "--embedding",
    "4",
    "--batch-size",
    "4",
    "--sequence-length",
    "8",
    "--threads",
    "1",
    "--print-every",
    "1",
    "--sample-length",
    "0",
];

/// A training run that would go on for very long.
fn endless(place: &Workplace) -> Child {
    let command = place.process(&[&SMALL[..], &["--out", "run", "--steps", "10000000"]].concat());
    started(place, command)
}

/// The process of `command`, once it trains.
fn started(place: &Workplace, mut command: Command) -> Child {
    let mut process = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let metrics = place.path("run/metrics.jsonl");
    while fs::read_to_string(&metrics).map_or(0, |lines| lines.lines().count()) < 5 {
        assert!(process.try_wait().unwrap().is_none(), "the run ended before it could be stopped");
        sleep(Duration::from_millis(2));
    }
    process
}

fn send(process: &Child, signal: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", process.id())]).status().unwrap();
    assert!(sent.success());
}

/// Whether these tests run under `nohup`: then the command honours that and ignores hangups too.
fn hangups_are_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[test]
fn signals_save_once_however_often_they_come() {
    let hangups = if hangups_are_ignored() { &["TERM"][..] } else { &["HUP", "HUP", "HUP"] };
    for signals in [&["TERM"][..], hangups, &["INT"], &["INT", "INT", "TERM"]] {
        let place = Workplace::new();
        let mut process = endless(&place);
        signals.iter().for_each(|signal| send(&process, signal));
        // Of an interrupt that no terminal sends, the second is as good as the first.
        assert_eq!(process.wait().unwrap().code(), Some(130), "{signals:?}");
        assert_eq!(fs::read_dir(place.path("run/checkpoints")).unwrap().count(), 1, "{signals:?}");
        let done = place.steps("run").len() as u64;
        place.rekindle(&["train", "--resume", "run", "--steps", &(done + 50).to_string()]).assert().success();
        // An evaluation that the signal cut off is made now; no step is lost or done twice.
        assert_eq!(place.steps("run"), (1..=done + 50).collect::<Vec<_>>(), "{signals:?}");
    }
}

#[test]
fn an_ignored_hangup_stays_ignored() {
    let place = Workplace::new();
    let rekindle = place.process(&[]).get_program().to_owned();
    let mut command = Command::new("sh");
    command.current_dir(place.path("")).args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(rekindle);
    command.args(SMALL).args(["--out", "run", "--steps", "10000000"]);
    let mut process = started(&place, command);
    send(&process, "HUP");
    let before = place.steps("run").len();
    while place.steps("run").len() < before + 20 {
        assert!(process.try_wait().unwrap().is_none(), "the run ended at a signal that was to be ignored");
        sleep(Duration::from_millis(2));
    }
    send(&process, "TERM");
    assert_eq!(process.wait().unwrap().code(), Some(130));
}

#[test]
fn one_process_trains_a_run_at_a_time() {
    let place = Workplace::new();
    let mut process = endless(&place);
    let in_use = format!("process {} trains it", process.id());
    place.rekindle(&["train", "--resume", "run"]).assert().code(1).stderr(contains(&in_use));
    place.rekindle(&[&SMALL[..], &["--out", "run", "--force"]].concat()).assert().code(1).stderr(contains(&in_use));
    process.kill().unwrap();
    process.wait().unwrap();
    let more = place.steps("run").len() + 30;
    place.rekindle(&["train", "--resume", "run", "--steps", &more.to_string()]).assert().success();
}

#[test]
fn an_output_that_closes_or_fills_is_no_panic() {
    let place = Workplace::new();
    let training = [&SMALL[..], &["--out", "run", "--steps", "9"]].concat();
    // Nobody reads how it goes, and it goes on.
    let full = || File::options().write(true).open("/dev/full").unwrap();
    assert!(place.process(&training).stderr(full()).status().unwrap().success());
    let commands: [&[&str]; 9] = [
        &["devices"],
        &["data", "list"],
        &["settings", "chars"],
        &["settings", "chars", "--json"],
        &["inspect", "run", "--json"],
        &["export", "run"],
        &["eval", "run"],
        &["sample", "run", "--json"],
        &["train", "--resume", "run", "--json"],
    ];
    for command in commands {
        let output = place.process(command).stdout(full()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains("error: "), "{command:?}: {said}");
        // A reader that has seen enough is no error.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.process(command).stdout(writer).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command:?}: {said}");
    }
}

#[test]
fn settings_that_may_change_are_given_when_a_run_is_resumed() {
    let place = Workplace::new();
    place.rekindle(&[&SMALL[..], &["--out", "run", "--steps", "9"]].concat()).assert().success();
    fs::create_dir(place.path("elsewhere")).unwrap();
    fs::rename(place.path("text.txt"), place.path("elsewhere/moved.txt")).unwrap();
    let resume =
        ["train", "--resume", "run", "--data", "elsewhere/moved.txt", "--learning-rate", "1e-5", "--steps", "12"];
    place.rekindle(&resume).assert().success();
    let config = fs::read_to_string(place.path("run/config.toml")).unwrap();
    for line in ["learning_rate = 0.00001", "data = \"elsewhere/moved.txt\"", "steps = 12"] {
        assert!(config.contains(line), "{line}: {config}");
    }
    place.rekindle(&["train", "--resume", "run", "--batch-size", "2", "--steps", "14"]).assert().success();
    let fewer = ["train", "--resume", "run", "--steps", "13"];
    place
        .rekindle(&fewer)
        .assert()
        .code(1)
        .stderr(contains("--steps 13: must be at least 14, the steps that the run has done"));
    place
        .rekindle(&["train", "--resume", "run", "--seed", "2"])
        .assert()
        .code(2)
        .stderr(contains("--seed").or(contains("error")));
}

#[test]
fn a_text_that_is_cut_short_while_it_is_read_ends_the_run_with_a_checkpoint() {
    let place = Workplace::new();
    let text = fs::read_to_string(place.path("text.txt")).unwrap().repeat(20);
    fs::write(place.path("text.txt"), &text).unwrap();
    // Most of the time goes to computing: it is then that the file is cut.
    let slow = ["--hidden", "128", "--layers", "2", "--out", "run", "--steps", "10000000"];
    let options: Vec<&str> = SMALL[..4].iter().chain(&SMALL[6..]).copied().chain(slow).collect();
    let mut process = started(&place, place.process(&options));
    File::options().write(true).open(place.path("text.txt")).unwrap().set_len(5000).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(1));
    let done = place.steps("run").len();
    assert_eq!(fs::read_dir(place.path("run/checkpoints")).unwrap().count(), 1);
    let resume = ["train", "--resume", "run", "--steps", &(done + 5).to_string()];
    place.rekindle(&resume).assert().code(1).stderr(contains("the data has changed since the run started: text.txt"));
    fs::write(place.path("text.txt"), text).unwrap();
    place.rekindle(&resume).assert().success();
    // The hidden states that the batch was to begin with are in the checkpoint too.
    let unbroken = options.iter().map(|option| if *option == "10000000" { resume[4] } else { option });
    let unbroken: Vec<&str> = unbroken.map(|option| if option == "run" { "unbroken" } else { option }).collect();
    place.rekindle(&unbroken).assert().success();
    let steps = place.step_losses("run");
    assert_eq!((steps.len(), steps), (done + 5, place.step_losses("unbroken")));
}
