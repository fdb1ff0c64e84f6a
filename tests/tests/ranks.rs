//! Training in several processes, started by `mpirun`. Without it, or with a program that was built without the feature
//! `mpi`, these tests print that they are skipped; `REKINDLE_MPI=required` makes that an error.

use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rekindle_testing::there;
use rekindle_tests::Workplace;

/// Whether several processes can be tested here.
fn there_is_mpi(place: &Workplace) -> bool {
    let launched = Command::new("mpirun").arg("--version").output().is_ok_and(|output| output.status.success());
    // A program without MPI refuses to be one of two processes.
    let refused = place.process(&["devices"]).env("OMPI_COMM_WORLD_SIZE", "2").output().unwrap();
    let built = !String::from_utf8_lossy(&refused.stderr).contains("built without MPI");
    let missing = if launched { "the program was built without the feature `mpi`" } else { "there is no mpirun" };
    there("REKINDLE_MPI", launched && built, missing)
}

/// `mpirun -n SIZE rekindle ARGUMENTS`, one thread each.
fn mpirun(place: &Workplace, size: usize, arguments: &[&str]) -> Command {
    let program = place.process(&[]).get_program().to_owned();
    let mut command = Command::new("mpirun");
    command.args(["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", &size.to_string()]);
    command.arg(program).args(arguments).current_dir(place.path("."));
    command
}

fn run(place: &Workplace, size: usize, arguments: &[&str]) -> Output {
    let output = mpirun(place, size, arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    output
}

/// Losses of the steps of a run.
fn losses(place: &Workplace, run: &str) -> Vec<f64> {
    place.step_losses(run).into_iter().map(|(_, loss)| loss.parse().unwrap()).collect()
}

fn assert_same(what: &str, seen: &[f64], wanted: &[f64]) {
    assert_eq!(seen.len(), wanted.len(), "{what}");
    for (step, (seen, wanted)) in seen.iter().zip(wanted).enumerate() {
        // Sums of single precision in another order, in a few steps of the optimizer.
        assert!((seen - wanted).abs() <= 2e-5 * wanted.abs().max(1.0), "{what}, line {step}: {seen} and {wanted}");
    }
}

const SMALL: [&str; 10] =
    ["--hidden", "8", "--batch-size", "6", "--print-every", "1", "--threads", "1", "--backend", "flex"];

#[test]
fn two_and_three_processes_have_the_losses_of_one_with_dropout_too() {
    let place = Workplace::new();
    if !there_is_mpi(&place) {
        return;
    }
    for task in place.tasks() {
        let noise: &[&str] = match &*task {
            "draw" | "adding" => &[],
            "frames" | "caption" => &["--dropout", "0.3", "--locked-hidden", "0.2", "--weight-drop", "0.2"],
            _ => &["--dropout", "0.3", "--locked-hidden", "0.2", "--weight-drop", "0.2", "--token-dropout", "0.1"],
        };
        let train = |out: &str| {
            let start = ["train", &task, "--out", out, "--steps", "3"];
            [&start[..], &SMALL, noise].concat().into_iter().map(str::to_owned).collect::<Vec<String>>()
        };
        let (alone, two, three) = (format!("{task}-1"), format!("{task}-2"), format!("{task}-3"));
        let given = train(&alone);
        place.rekindle(&given.iter().map(String::as_str).collect::<Vec<_>>()).assert().success();
        for (size, out) in [(2, &two), (3, &three)] {
            let given = train(out);
            run(&place, size, &given.iter().map(String::as_str).collect::<Vec<_>>());
            assert_same(out, &losses(&place, out), &losses(&place, &alone));
        }
    }
}

#[test]
fn a_killed_run_goes_on_to_the_bit_and_with_another_number_of_processes() {
    let place = Workplace::new();
    if !there_is_mpi(&place) {
        return;
    }
    let train = |out: &'static str, steps: &str| {
        let start =
            ["train", "chars", "--data", "text.txt", "--out", out, "--dropout", "0.2", "--steps"].map(str::to_owned);
        let more =
            ["--sequence-length", "8", "--checkpoint-every", "2", "--eval-every", "1000", "--sample-every", "1000"];
        let more = SMALL.iter().chain(&more).map(|&word| word.to_owned());
        start.into_iter().chain([steps.to_owned()]).chain(more).collect::<Vec<String>>()
    };
    let words = |given: &[String]| given.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let start = |given: &[String]| mpirun(&place, 2, &given.iter().map(String::as_str).collect::<Vec<_>>());

    // One of two processes is killed while they train.
    let mut killed = start(&train("killed", "1000000")).spawn().unwrap();
    let begun = Instant::now();
    while place.path("killed/checkpoints").read_dir().map_or(0, Iterator::count) < 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
        std::thread::sleep(Duration::from_millis(5));
    }
    let children = fs::read_to_string(format!("/proc/{}/task/{0}/children", killed.id())).unwrap();
    let last = children.split_whitespace().last().expect("mpirun starts processes").to_owned();
    assert!(Command::new("kill").args(["-9", &last]).status().unwrap().success());
    let ended = Instant::now();
    assert!(!killed.wait().unwrap().success());
    assert!(ended.elapsed() < Duration::from_secs(20), "the others went on");

    let copied = Command::new("cp").args(["-r", "killed", "alone"]).current_dir(place.path(".")).status().unwrap();
    assert!(copied.success());
    let checkpoints = place.path("killed/checkpoints").read_dir().unwrap();
    let steps =
        checkpoints.filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_prefix("step-")?.parse().ok());
    let step = (steps.max().unwrap_or(0_u64) + 4).to_string();
    let whole = train("whole", &step);
    assert!(start(&whole).output().unwrap().status.success(), "{}", words(&whole));
    let on =
        |run| ["train", "--resume", run, "--steps", &step, "--threads", "1", "--backend", "flex"].map(str::to_owned);
    assert!(start(&on("killed")).output().unwrap().status.success());
    assert_eq!(place.step_losses("killed"), place.step_losses("whole"));
    place.rekindle(&on("alone").each_ref().map(String::as_str)).assert().success();
    assert_same("resumed by one process", &losses(&place, "alone"), &losses(&place, "whole"));
}

#[test]
fn what_goes_wrong_on_a_process_is_said_with_its_name() {
    let place = Workplace::new();
    if !there_is_mpi(&place) {
        return;
    }
    let said = |size: usize, arguments: &[&str]| {
        let output = mpirun(&place, size, arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let odd = said(2, &["train", "chars", "--out", "odd", "--batch-size", "7", "--steps", "1"]);
    assert!(odd.contains("rank 0 of 2"), "{odd}");
    assert!(odd.contains("--batch-size 7: must be a multiple of 2, the number of ranks, such as 6"), "{odd}");
    assert!(!place.path("odd").exists());
    let other = said(2, &["sample", "odd"]);
    assert!(other.contains("`sample` runs in one process"), "{other}");
}
