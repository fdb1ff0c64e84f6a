//! The PyTorch side: a Python process that answers each line of JSON with a line of JSON.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::contestant::Contestant;
use crate::products::Product;
use crate::shape::{
    CAPTIONS, FRAME, FRAME_CLASSES, MAP, REVIEW_WORDS, SENTIMENTS, SIDE, SYMBOLS, Shape, VOCABULARY, WORDS,
};
use crate::{BenchError, Failure};

/// The script of the process.
const SCRIPT: &str = include_str!("../python/pytorch.py");

/// A Python process that has imported PyTorch.
pub struct PyTorch {
    process: Child,
    answers: BufReader<ChildStdout>,
    pub(crate) program: PathBuf,
    /// The version of PyTorch.
    pub version: String,
    /// The GPU that it can use, through CUDA or ROCm.
    pub gpu: Option<String>,
    on_gpu: bool,
}

/// The first message of the process.
#[derive(Deserialize)]
#[serde(untagged)]
enum Greeting {
    Ready { torch: String, gpu: Option<String> },
    Failed { error: String },
}

/// The answer to a request.
#[derive(Deserialize)]
pub(crate) struct Answer {
    pub seconds: f64,
    /// Peak memory; none if the system does not report it.
    pub peak_bytes: Option<u64>,
}

impl PyTorch {
    /// Starts `python`, a Python with PyTorch, and waits until PyTorch is imported.
    ///
    /// # Errors
    ///
    /// [`BenchError::NoPyTorch`], and others when the process ends.
    pub fn start(python: impl Into<PathBuf>) -> Result<Self, BenchError> {
        let program = python.into();
        let failed = |source: Failure| BenchError::NoPyTorch { program: program.clone(), source };
        let mut command = Command::new(&program);
        let process = command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = process.map_err(|e| failed(e.into()))?;
        let answers = BufReader::new(process.stdout.take().expect("the output was piped"));
        let mut pytorch =
            Self { process, answers, program: program.clone(), version: String::new(), gpu: None, on_gpu: false };
        match pytorch.read("its version")? {
            Greeting::Ready { torch, gpu } => (pytorch.version, pytorch.gpu) = (torch, gpu),
            Greeting::Failed { error } => return Err(failed(error.into())),
        }
        Ok(pytorch)
    }

    /// Lets it compute on its [GPU](Self::gpu), if it has one.
    pub fn on_gpu(mut self) -> Self {
        self.on_gpu = self.gpu.is_some();
        self
    }

    /// The name of the device that it computes on, as PyTorch has it.
    fn device(&self) -> &'static str {
        if self.on_gpu { "cuda" } else { "cpu" }
    }

    /// The name of the device that it computes on: that of its GPU, or `CPU`.
    pub fn device_name(&self) -> String {
        self.gpu.clone().filter(|_| self.on_gpu).unwrap_or_else(|| "CPU".to_owned())
    }

    /// Requests the work of `steps` steps.
    pub(crate) fn ask(&mut self, shape: &Shape, steps: usize) -> Result<Answer, BenchError> {
        let request = json!({
            "work": shape.work, "cell": shape.cell, "layers": shape.layers, "hidden": shape.hidden,
            "batch": shape.batch, "time": shape.time, "apart": shape.apart, "packed": shape.packed, "grids": shape.grids,
            "symbols": SYMBOLS, "words": WORDS, "vocabulary": VOCABULARY, "captions": CAPTIONS, "map": MAP,
            "review_words": REVIEW_WORDS, "sentiments": SENTIMENTS, "lengths": shape.lengths(),
            "frame": FRAME, "frame_classes": FRAME_CLASSES, "side": SIDE,
            "device": self.device(), "threads": rayon::current_num_threads(), "steps": steps,
            "sampled": shape.tokens(steps),
        });
        self.request(&shape.to_string(), &request)
    }

    /// Computes a matrix product this many times, and returns the seconds.
    pub(crate) fn multiply(&mut self, product: &Product, times: usize) -> Result<f64, BenchError> {
        let request = json!({
            "work": "product", "purpose": product.purpose, "size": product.size,
            "device": self.device(), "threads": rayon::current_num_threads(), "steps": times, "sampled": 0,
        });
        Ok(self.request(&product.to_string(), &request)?.seconds)
    }

    fn request(&mut self, wanted: &str, request: &Value) -> Result<Answer, BenchError> {
        let requests = self.process.stdin.as_mut().expect("open until the process is dropped");
        writeln!(requests, "{request}").map_err(BenchError::PyTorchStopped)?;
        self.read(wanted)
    }

    /// PyTorch in the benchmark `shape`.
    pub(crate) fn contestant<'a>(&'a mut self, shape: &'a Shape) -> Contestant<'a> {
        Box::new(|steps| Ok(self.ask(shape, steps)?.seconds))
    }

    fn read<T: DeserializeOwned>(&mut self, wanted: &str) -> Result<T, BenchError> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(BenchError::PyTorchStopped)?;
        serde_json::from_str(&line).map_err(|source| BenchError::Answer { wanted: wanted.to_owned(), line, source })
    }
}

impl Drop for PyTorch {
    fn drop(&mut self) {
        // Waiting closes the standard input of the process, which ends its script. An error could
        // not be handled.
        let _ = self.process.wait();
    }
}
