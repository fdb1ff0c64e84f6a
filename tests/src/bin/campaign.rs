//! Kills training runs at random instants, lets system calls fail, and looks at what is left.
//!
//! ```text
//! cargo build --release && cargo run --release -p rekindle-tests --bin campaign -- --kills 1000 --faults 200
//! ```
//!
//! Every task is trained on built-in data, on each CPU backend that the command holds. A run is broken off up to three
//! times, from the first system call on, and begun again: resumed where there is a run, started where there is none. It
//! must come to its end, with the losses and the weights of a run that nothing broke off, to the bit. With `--faults`,
//! `strace` makes one system call fail as a full (`ENOSPC`) or a broken (`EIO`) disk does; the command must then end
//! with an error of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Parser;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rekindle_tests::Workplace;

/// Kill training runs at random instants and see that none is lost
#[derive(Parser)]
struct Options {
    /// Kills in all
    #[arg(long, default_value_t = 100)]
    kills: usize,
    /// System calls that fail, in all; strace must be there
    #[arg(long, default_value_t = 0)]
    faults: usize,
    /// The same seed kills at the same instants, as far as a clock can tell
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only these tasks
    #[arg(long, value_delimiter = ',')]
    tasks: Vec<String>,
}

/// The steps of a run, small enough for a thousand of them.
const STEPS: &str = "8";
const SMALL: [&str; 18] = [
    "--steps",
    STEPS,
    "--hidden",
    "8",
    "--batch-size",
    "2",
    "--print-every",
    "1",
    "--checkpoint-every",
    "2",
    "--eval-every",
    "1000",
    "--sample-every",
    "1000",
    "--keep",
    "1",
    "--threads",
    "1",
];
/// The system calls that may fail: those that write, and those that make files appear.
const CALLS: [&str; 6] = ["write", "openat", "mkdir", "rename", "fsync", "unlink"];
/// A run that takes longer than this is stuck.
const STUCK: Duration = Duration::from_secs(120);

/// What a run ends with: the loss of each step in the digits that were written, and the weights.
type End = (BTreeMap<u64, String>, Vec<u8>);

struct Campaign {
    place: Workplace,
    task: String,
    backend: String,
    /// That a run was broken off, by what, and what was wrong after that.
    failures: Vec<String>,
}

impl Campaign {
    fn new(task: &str, backend: &str) -> Self {
        Self { place: Workplace::new(), task: task.to_owned(), backend: backend.to_owned(), failures: Vec::new() }
    }

    fn run(&self, name: &str) -> PathBuf {
        self.place.path(name)
    }

    /// The command that begins the run, or goes on with it.
    fn command(&self, run: &str) -> Command {
        let arguments = match self.run(run).exists() {
            true => ["train", "--resume", run, "--backend", &self.backend, "--threads", "1"].to_vec(),
            false => [&["train", &self.task, "--backend", &self.backend, "--out", run], &SMALL[..]].concat(),
        };
        self.place.process(&arguments)
    }

    /// Brings the run to its end, and reads it.
    fn finish(&self, run: &str) -> Result<End, String> {
        let output = self.command(run).output().map_err(|e| e.to_string())?;
        if !output.status.success() {
            return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
        }
        let weights = format!("{run}-weights");
        let export = ["export", run, "--checkpoint", "last", "--out", &weights];
        let export = self.place.process(&export).output().map_err(|e| e.to_string())?;
        if !export.status.success() {
            return Err(String::from_utf8_lossy(&export.stderr).into_owned());
        }
        let tensors = fs::read(self.run(&weights).join("model.safetensors")).map_err(|e| e.to_string())?;
        Ok((self.place.step_losses(run).into_iter().collect(), tensors))
    }

    /// Waits for a process; none where it is stuck and had to be killed.
    fn wait(mut process: std::process::Child) -> Option<ExitStatus> {
        let started = Instant::now();
        while started.elapsed() < STUCK {
            if let Ok(Some(status)) = process.try_wait() {
                return Some(status);
            }
            sleep(Duration::from_millis(2));
        }
        let _ = process.kill();
        let _ = process.wait();
        None
    }

    /// Kills the run within `longest` of its beginning.
    fn kill(&mut self, longest: Duration, rng: &mut StdRng) {
        let mut command = self.command("run");
        let Ok(mut process) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else { return };
        sleep(longest.mul_f64(rng.random_range(0.0..1.0)));
        let _ = process.kill();
        let _ = process.wait();
    }

    /// Lets one system call of the run fail.
    fn fail(&mut self, rng: &mut StdRng) {
        let (call, error) = (CALLS[rng.random_range(0..CALLS.len())], ["ENOSPC", "EIO"][rng.random_range(0..2)]);
        // Calls before these load the program.
        let when = rng.random_range(1..60);
        let traced = self.command("run");
        let mut command = Command::new("strace");
        let inject = format!("inject={call}:error={error}:when={when}");
        command.current_dir(self.place.path("")).args(["-f", "-q", "-o", "/dev/null", "-e", &format!("trace={call}")]);
        command.args(["-e", &inject]).arg(traced.get_program()).args(traced.get_args());
        let Ok(process) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else { return };
        match Self::wait(process) {
            Some(status) if matches!(status.code(), Some(0 | 1 | 127)) => {}
            status => self.failures.push(format!("{inject}: {status:?}")),
        }
    }

    /// Breaks a run off so many times, and holds its end against `whole`.
    fn round(&mut self, whole: &End, breaks: usize, mut break_off: impl FnMut(&mut Self)) {
        for name in ["run", "run.partial", "run.replaced", "run-weights"] {
            let _ = fs::remove_dir_all(self.run(name));
        }
        (0..breaks).for_each(|_| break_off(self));
        match self.finish("run") {
            Ok(end) if end == *whole => {}
            Ok(_) => self.failures.push("another end".to_owned()),
            Err(error) => self.failures.push(error),
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut rng = StdRng::seed_from_u64(options.seed);
    let place = Workplace::new();
    let mut tasks = place.tasks();
    tasks.retain(|task| options.tasks.is_empty() || options.tasks.contains(task));
    let backends = place.cpu_backends();
    let pairs: Vec<(&String, &str)> =
        tasks.iter().flat_map(|task| backends.iter().map(move |backend| (task, *backend))).collect();
    assert!(!pairs.is_empty(), "there is no such task");
    let mut failed = 0;
    for (number, (task, backend)) in pairs.iter().enumerate() {
        let share = |all: usize| all * (number + 1) / pairs.len() - all * number / pairs.len();
        let mut campaign = Campaign::new(task, backend);
        let started = Instant::now();
        let whole = campaign.finish("whole").expect("a run that nothing breaks off ends");
        let longest = started.elapsed();
        let (kills, faults) = (share(options.kills), share(options.faults));
        let mut left = kills;
        while left > 0 {
            let breaks = left.min(rng.random_range(1..=3));
            left -= breaks;
            campaign.round(&whole, breaks, |campaign| campaign.kill(longest, &mut rng));
        }
        (0..faults).for_each(|_| campaign.round(&whole, 1, |campaign| campaign.fail(&mut rng)));
        println!("{task}, {backend}: {kills} kills, {faults} faults, {} failures", campaign.failures.len());
        campaign.failures.iter().for_each(|failure| println!("  {failure}"));
        failed += campaign.failures.len();
    }
    println!("{} kills, {} faults, {failed} failures", options.kills, options.faults);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
