//! The options of `inspect`, `import` and `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rekindle_data::Unit;
use rekindle_rnn::Cell;
use rekindle_train::run::checkpoint::Which;
use rekindle_weights::Rename;

use super::{DeviceOptions, Output};

#[derive(Debug, Args)]
pub struct Inspect {
    /// The folder of a run, or a file of weights: PyTorch (.pt, .pth) or safetensors
    #[arg(value_name = "RUN|FILE")]
    pub path: PathBuf,
    /// Which checkpoint of a run: best, last or a step
    #[arg(long, value_name = "WHICH", default_value_t)]
    pub checkpoint: Which,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The file of weights: PyTorch (.pt, .pth) or safetensors
    pub file: PathBuf,
    /// What the model does
    #[arg(long, value_enum)]
    pub task: ImportTask,
    /// The folder of the run [default: runs/TASK, runs/TASK-2, ...: the first that is free]
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// Replace the run in --out
    #[arg(long, requires = "out")]
    pub force: bool,
    /// The vocabulary: a run's vocab.json, or a JSON list or object of symbols [default: the one in the file]
    #[arg(long, value_name = "FILE")]
    pub vocab: Option<PathBuf>,
    /// What one symbol of the vocabulary is: char, byte, word
    #[arg(long, value_name = "UNIT", default_value_t)]
    pub units: Unit,
    /// The recurrence, where the number of gates does not tell: rnn-relu, say [default: rnn, lstm or gru]
    #[arg(long, value_name = "NAME")]
    pub cell: Option<Cell>,
    /// Another name for a tensor, or for all that begin with OLD and a dot; several are done in turn
    #[arg(long = "key-map", value_name = "OLD=NEW")]
    pub key_map: Vec<Rename>,
    /// Leave out tensors that do not fit, and draw those that are missing
    #[arg(long)]
    pub allow_partial: bool,
    /// The text that the model was trained on, for `eval`
    #[arg(long, value_name = "PATH")]
    pub data: Option<String>,
    /// Share of that text that was trained on, from its beginning [default: 0.9]
    #[arg(long, value_name = "SHARE", requires = "data")]
    pub train_share: Option<f64>,
    /// Share of that text, after that, that was held out [default: 0.1]
    #[arg(long, value_name = "SHARE", requires = "data")]
    pub validation_share: Option<f64>,
    #[command(flatten)]
    pub device: DeviceOptions,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ImportTask {
    /// A language model: an embedding or one-hot symbols, a recurrent network, an output layer
    Chars,
}

#[derive(Debug, Args)]
pub struct Export {
    /// The folder of the run
    pub run: PathBuf,
    /// How the weights are written
    #[arg(long, value_enum, default_value_t = WeightFormat::Safetensors)]
    pub format: WeightFormat,
    /// The folder to write to [default: the run's folder `export`]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Which checkpoint: best, last or a step
    #[arg(long, value_name = "WHICH", default_value_t)]
    pub checkpoint: Which,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum WeightFormat {
    /// As PyTorch and others read them
    Safetensors,
    /// As text: the shape and the values of every tensor
    Json,
}
