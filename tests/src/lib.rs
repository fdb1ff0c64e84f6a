//! End-to-end tests: they run the `rekindle` command as a user would. See the files in this package's `tests` folder.
//!
//! This library is what they share: a place to work in, a small text to work on, and a browser.
#![forbid(unsafe_code)]

pub mod browser;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A temporary folder with a small text, in which commands are run.
pub struct Workplace {
    folder: TempDir,
}

impl Workplace {
    /// A folder that holds `text.txt`.
    ///
    /// # Panics
    ///
    /// When the folder cannot be made.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = "fn add(a: u32, b: u32) -> u32 {\n    a + b\n}\n\n".repeat(60);
        fs::write(folder.path().join("text.txt"), text).expect("a temporary file");
        Self { folder }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, run in the folder, with its output in pipes.
    ///
    /// # Panics
    ///
    /// When the command has not been built: `cargo test --workspace` builds it.
    pub fn rekindle(&self, arguments: &[&str]) -> assert_cmd::Command {
        assert_cmd::Command::from_std(self.process(arguments))
    }

    /// What a command that succeeds prints as JSON.
    ///
    /// # Panics
    ///
    /// When it fails, or prints something else.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.rekindle(arguments).assert().success().get_output().stdout.clone();
        serde_json::from_slice(&output).expect("JSON on standard output")
    }

    /// Asserts that a command fails with this exit status and prints an error with these words, and nothing else.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn failure(&self, arguments: &[&str], code: i32, words: &[&str]) {
        let assert = self.rekindle(arguments).assert().code(code).stdout("");
        let error = String::from_utf8(assert.get_output().stderr.clone()).expect("an error in UTF-8");
        for word in words {
            assert!(error.contains(word), "{arguments:?}: no {word:?} in {error}");
        }
        assert!(!error.contains("panicked"), "{error}");
    }

    /// The command as a plain process, to be started and killed.
    ///
    /// # Panics
    ///
    /// When the command has not been built: `cargo test --workspace` builds it.
    pub fn process(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.current_dir(self.folder.path()).args(arguments);
        // Mesa, which plays a GPU, complains on standard error where there is none.
        command.env("XDG_RUNTIME_DIR", self.folder.path());
        command
    }

    /// The figures `[step, loss]` of a run, the loss in the digits that were written.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub fn losses(&self, run: &str) -> Vec<(u64, String)> {
        self.metrics(run).iter().map(|line| (step_of(line), line["loss"].to_string())).collect()
    }

    /// The steps whose losses stand in a run's `metrics.jsonl`, in their order there.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub fn steps(&self, run: &str) -> Vec<u64> {
        self.metrics(run).iter().filter(|line| line["kind"] == "step").map(step_of).collect()
    }

    /// The same with their losses, in the digits that were written.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub fn step_losses(&self, run: &str) -> Vec<(u64, String)> {
        let lines = self.metrics(run);
        lines
            .iter()
            .filter(|line| line["kind"] == "step")
            .map(|line| (step_of(line), line["loss"].to_string()))
            .collect()
    }

    /// The tasks, as the command lists them.
    ///
    /// # Panics
    ///
    /// When the command does not list any.
    pub fn tasks(&self) -> Vec<String> {
        let help = self.rekindle(&["train", "--help"]).assert().success().get_output().stdout.clone();
        let help = String::from_utf8(help).expect("the help is text");
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let names = commands.filter_map(|line| line.split_whitespace().next().map(str::to_owned));
        names.filter(|name| name != "help").collect()
    }

    /// The backends that have a device here, as `--backend` takes them, the CPU's first. A software GPU is one of them.
    pub fn backends(&self) -> Vec<String> {
        let devices = self.rekindle(&["devices", "--json"]).assert().success().get_output().stdout.clone();
        let devices: Value = serde_json::from_slice(&devices).unwrap_or_default();
        let devices = devices["devices"].as_array().into_iter().flatten().rev();
        devices.filter_map(|device| device["backend"].as_str().map(str::to_owned)).collect()
    }

    /// The CPU backends that the command has: `flex` and, with the feature of its name, `ndarray`.
    ///
    /// # Panics
    ///
    /// When it has none: a test that goes through them would test nothing.
    pub fn cpu_backends(&self) -> Vec<&'static str> {
        let all = self.backends();
        // `flex:0` is the first device of `flex`.
        let has = |cpu: &&str| all.iter().any(|name| name.split(':').next() == Some(*cpu));
        let found: Vec<_> = ["flex", "ndarray"].into_iter().filter(has).collect();
        assert!(!found.is_empty(), "the command has no CPU backend: {all:?}");
        found
    }

    /// The lines of a run's `metrics.jsonl`, without one that is being written.
    fn metrics(&self, run: &str) -> Vec<Value> {
        let metrics = fs::read_to_string(self.path(run).join("metrics.jsonl")).expect("the run has figures");
        let whole = metrics.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
    }
}

fn step_of(line: &Value) -> u64 {
    line["step"].as_u64().expect("a step")
}

impl Default for Workplace {
    fn default() -> Self {
        Self::new()
    }
}

/// The command stands beside the tests' own programs: `target/release/rekindle` and `target/release/deps/chars-...`.
fn binary() -> PathBuf {
    let program = std::env::current_exe().expect("the program's own path");
    // A test is in `deps`, a program of this package beside the command.
    let folder = program.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).expect("it is in a folder");
    let binary = folder.join(format!("rekindle{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.exists(), "{} has not been built: run `cargo test --release --workspace`", binary.display());
    binary
}
