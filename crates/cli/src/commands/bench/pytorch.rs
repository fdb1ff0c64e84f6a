//! The PyTorch side: a Python process that answers a line of JSON with a line of JSON.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::contestant::Contestant;
use super::shape::{CAPTIONS, MAP, SYMBOLS, Shape, VOCABULARY, WORDS, name};

/// What the process runs.
const SCRIPT: &str = include_str!("../../../../../bench/pytorch.py");

/// A Python process that has imported PyTorch.
pub struct PyTorch {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Greeting {
    Torch(String),
    Error(String),
}

/// What a request is answered with.
#[derive(Deserialize)]
pub struct Answer {
    pub seconds: f64,
    /// None where the system does not say.
    pub peak_bytes: Option<u64>,
}

impl PyTorch {
    /// Starts `python` and waits until it has imported PyTorch.
    pub fn start(python: &Path) -> Result<Self> {
        let mut process = Command::new(python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}; name another with --python", python.display()))?;
        let requests = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().expect("the output was piped"));
        match read(&mut answers)? {
            Greeting::Torch(version) => Ok(Self { process, requests, answers, version }),
            Greeting::Error(why) => {
                process.wait()?;
                bail!("{why} in {}; install it (pip install torch) or name another with --python", python.display())
            }
        }
    }

    /// Has the work of `steps` steps done.
    pub fn ask(&mut self, shape: &Shape, steps: usize) -> Result<Answer> {
        let request = json!({
            "work": name(shape.work),
            "cell": name(shape.cell),
            "layers": shape.layers,
            "hidden": shape.hidden,
            "batch": shape.batch,
            "time": shape.time,
            "symbols": SYMBOLS,
            "words": WORDS,
            "vocabulary": VOCABULARY,
            "captions": CAPTIONS,
            "apart": shape.apart,
            "map": MAP,
            "threads": rayon::current_num_threads(),
            "steps": steps,
            "sampled": shape.symbols(steps),
        });
        let requests = self.requests.as_mut().expect("open until the process is dropped");
        writeln!(requests, "{request}").context("PyTorch's process has stopped")?;
        read(&mut self.answers).with_context(|| format!("PyTorch at {shape}"))
    }
}

impl Drop for PyTorch {
    fn drop(&mut self) {
        // The script ends with its input; nobody is left to hear of an error.
        drop(self.requests.take());
        let _ = self.process.wait();
    }
}

fn read<T: DeserializeOwned>(answers: &mut impl BufRead) -> Result<T> {
    let mut line = String::new();
    answers.read_line(&mut line)?;
    serde_json::from_str(&line).with_context(|| format!("Python answered {line:?}; its own messages are above"))
}

/// PyTorch at one shape.
pub struct AtShape {
    pub pytorch: Rc<RefCell<PyTorch>>,
    pub shape: Shape,
}

impl Contestant for AtShape {
    fn round(&mut self, steps: usize) -> Result<f64> {
        Ok(self.pytorch.borrow_mut().ask(&self.shape, steps)?.seconds)
    }
}
