//! The options that all tasks share. A task's own follow from its declaration: see [`arguments`](crate::arguments).

use std::fmt::Display;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use rekindle_bench::Shape;
use rekindle_metrics::corpus::Metric;
use rekindle_metrics::translation::Tokenization;
use rekindle_onnx::Opset;
use rekindle_settings::Field;
use rekindle_train::operation::Split;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::tasks;

/// Train, sample and evaluate recurrent networks
#[derive(Debug, Parser)]
#[command(name = "rekindle", version, max_term_width = 100, propagate_version = true)]
pub struct Rekindle {
    #[command(subcommand)]
    pub command: Command,
    /// Write results, warnings and errors only: no progress, no notes
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a model, or resume a run
    Train(Train),
    /// Generate samples from a trained model
    Sample(Sample),
    /// Evaluate a trained model on held-out or on other data
    Eval(Eval),
    /// Predict from your own inputs
    Predict(Predict),
    /// Score texts against references: BLEU, chrF, TER, ROUGE-L, METEOR, CIDEr-D
    Score(Score),
    /// List runs: task, steps, best figure, and when each was trained
    Runs(Runs),
    /// Show the inside of a run: weights, units, gradients; or the weights of a file
    Inspect(Inspect),
    /// Compare runs: best figures, parameters, time, and all learning curves in a picture
    Compare(Compare),
    /// Show runs in the browser: curves as they grow, models to try, and what is inside
    View(View),
    /// Average the weights of checkpoints, of one run or of several, into a new run
    Average(Average),
    /// Create a run from another program's weights: PyTorch or safetensors
    Import(Import),
    /// Write the model of a run for other programs: weights, or graphs of ONNX
    Export(Export),
    /// List the settings of a task: names, types, defaults, ranges
    Settings(Settings),
    /// List, show and download data sets
    #[command(subcommand)]
    Data(Data),
    /// List the devices that models can run on
    Devices(Devices),
    /// Time training and sampling beside PyTorch and Burn's own layers
    Bench(Bench),
    /// Write completions for a shell to standard output
    Completions(Completions),
    /// Write the manual pages: a step of a release
    #[command(hide = true)]
    Man(Man),
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_value_name = "TASK")]
pub struct Train {
    /// Resume this run, or the latest, from its last checkpoint
    #[arg(long, value_name = "RUN", required_unless_present = "config")]
    pub resume: Option<PathBuf>,
    /// Train a new run of the task and with the settings of a TOML file, such as a recipe; options of the task win
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub config: Option<PathBuf>,
    /// Resume even if the data has changed
    #[arg(long)]
    pub other_data: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Run")]
pub struct NewRun {
    /// The folder of the run [default: runs/TASK, runs/TASK-2, ...: the first that is free]
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// Replace the run in --out
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Take settings from a TOML file, such as another run's config.toml; options given here win
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Start from the weights of another run, or the latest; tokens are matched by what they are
    #[arg(long, value_name = "RUN")]
    pub init_from: Option<PathBuf>,
    /// Print the data, the steps, the parameters, the memory and the time of the run, and do not train
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Machine")]
pub struct DeviceOptions {
    /// Where to compute: NAME or NAME:INDEX, see `rekindle devices` [default: a GPU, else the faster CPU backend]
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,
    /// Threads [default: one per core]
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Largest unpacked size of a gzip file, as a multiple of its size; 64 MiB are always allowed [default: 100]
    #[arg(long, value_name = "TIMES", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub gzip_ratio: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// Print the result as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// A run, and which of its checkpoints.
#[derive(Debug, Args)]
pub struct OpenRun {
    /// The folder of the run; latest is the one in `runs` that was trained last
    pub run: PathBuf,
    /// Which checkpoint: best, last or a step
    #[arg(long, value_name = "WHICH", default_value_t)]
    pub checkpoint: Which,
}

// Where an answer is computed, and how it is written; behind the options of the tasks in help texts. A documentation
// comment would take the place of what the commands say of themselves.
#[derive(Debug, Args)]
pub struct Answer {
    #[command(flatten)]
    pub device: DeviceOptions,
    #[command(flatten)]
    pub output: Output,
}

/// Runs that answer together.
#[derive(Debug, Args)]
pub struct OpenRuns {
    #[command(flatten)]
    pub open: OpenRun,
    /// Another run that answers together with RUN: their probabilities are averaged; may be given several times
    #[arg(long, value_name = "RUN")]
    pub with: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Average {
    /// The folders of the runs
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// Which checkpoint of each run: best, last or a step
    #[arg(long, value_name = "WHICH", default_value_t)]
    pub checkpoint: Which,
    /// Average the last COUNT checkpoints of each run instead; `train --keep` says how many a run keeps
    #[arg(long, value_name = "COUNT", value_parser = at_least_one, allow_negative_numbers = true,
        conflicts_with = "checkpoint")]
    pub last: Option<usize>,
    /// The folder of the new run, which has the settings of the first one
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Replace the run in --out
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Sample {
    #[command(flatten)]
    pub open: OpenRuns,
    /// Seed [default: random]
    #[arg(long = "seed", value_name = "SEED", allow_negative_numbers = true)]
    pub sample_seed: Option<u64>,
}

#[derive(Debug, Args)]
pub struct Eval {
    #[command(flatten)]
    pub open: OpenRuns,
    /// Evaluate on all of this data instead of the run's own
    #[arg(long = "data", value_name = "PATH")]
    pub other_data: Option<String>,
    /// Which split of the run's own data: train, validation or test
    #[arg(long, alias = "part", value_name = "SPLIT", default_value_t = Split::Validation, conflicts_with = "other_data")]
    pub split: Split,
    /// Items per batch [default: as in training]
    #[arg(long = "batch-size", value_name = "COUNT", value_parser = at_least_one, allow_negative_numbers = true)]
    pub side_by_side: Option<usize>,
}

#[derive(Debug, Args)]
pub struct Predict {
    #[command(flatten)]
    pub open: OpenRuns,
    /// Texts, files with a text on each line (- is standard input), or, as the run's task wants, images or clips
    /// [default: lines of standard input]
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// A file with an input on each line
    #[arg(long, value_name = "FILE", conflicts_with = "inputs")]
    pub file: Option<PathBuf>,
    /// Read every INPUT as a text, even if a file has that name
    #[arg(long)]
    pub text: bool,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The file of weights: PyTorch (.pt, .pth, .bin) or safetensors; the folder of an export; or a file of the Hugging
    /// Face Hub, hf:OWNER/NAME/FILE, with @REVISION after it for another branch, tag or commit than main
    #[arg(id = "weights", value_name = "FILE")]
    pub file: String,
    /// The task of the model [default: that of the run, for an export of Rekindle with its config.json]
    #[arg(long, value_name = "TASK")]
    pub task: Option<String>,
    /// The folder of the run [default: runs/TASK, runs/TASK-2, ...: the first that is free]
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// Replace the run in --out
    #[arg(long, requires = "out")]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Inspect {
    /// The folder of a run, several with --gradients, or a file of weights: PyTorch (.pt, .pth) or safetensors
    #[arg(value_name = "RUN|FILE", required = true)]
    pub paths: Vec<PathBuf>,
    /// Which checkpoint of a run: best, last or a step [default: best]
    #[arg(long, value_name = "WHICH")]
    pub checkpoint: Option<Which>,
    /// Only tensors whose names begin with PREFIX and a dot, named without it [default: all]
    #[arg(long, value_name = "PREFIX")]
    pub key: Option<String>,
    /// Show what every unit does while the model reads, and the unit that follows each feature of the text best
    #[arg(long, group = "inside", conflicts_with = "key", help_heading = "Inside")]
    pub neurons: bool,
    /// Show how far gradients reach: the norm of dL_T/dh_t by the distance T - t, as the model starts and as it is
    #[arg(long, group = "inside", conflicts_with = "key", help_heading = "Inside")]
    pub gradients: bool,
    /// Read this data [default: the run's validation split]
    #[arg(long = "data", value_name = "PATH", requires = "inside", help_heading = "Inside")]
    pub read: Option<String>,
    /// With --neurons: time steps to read, which are characters, words or frames
    #[arg(long = "length", value_name = "COUNT", default_value_t = 10_000, value_parser = at_least_one,
        allow_negative_numbers = true, requires = "neurons", help_heading = "Inside")]
    pub time_steps: usize,
    /// With --gradients: the largest distance in time steps
    #[arg(long, value_name = "STEPS", default_value_t = 100, value_parser = at_least_one,
        allow_negative_numbers = true, requires = "gradients", help_heading = "Inside")]
    pub distance: usize,
    /// With --neurons: write the text, coloured by a unit that the page lets you choose, to this HTML file
    #[arg(long, value_name = "FILE", requires = "neurons", help_heading = "Inside", value_parser = page)]
    pub html: Option<PathBuf>,
    /// With --gradients: draw the norms of all runs into this SVG file
    #[arg(long, value_name = "FILE", requires = "gradients", help_heading = "Inside", value_parser = drawing)]
    pub svg: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceOptions,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Score {
    /// The texts: one on each line, or COCO's results; - is standard input
    #[arg(value_name = "HYPOTHESES")]
    pub hypotheses: PathBuf,
    /// The references: files with one on each line, or one file of COCO's annotations (.json)
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub refs: Vec<PathBuf>,
    /// Metrics, such as bleu,chrf [default: bleu,chrf,ter; for COCO's files bleu,meteor,rouge-l,cider]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = one_of(Metric::ALL))]
    pub metric: Vec<Metric>,
    /// Ignore case
    #[arg(long)]
    pub lowercase: bool,
    /// Tokens of BLEU, ROUGE-L, METEOR and CIDEr-D [default: 13a for BLEU, ptb for the others and for COCO's files]
    #[arg(long, value_name = "NAME", value_parser = one_of(Tokenization::ALL))]
    pub tokenize: Option<Tokenization>,
    /// With METEOR: match synonyms too, of the folder with WordNet's english.exceptions and english.synsets
    #[arg(long, value_name = "FOLDER")]
    pub synonyms: Option<PathBuf>,
    /// With METEOR: match paraphrases too, of the table paraphrase-en.gz
    #[arg(long, value_name = "FILE")]
    pub paraphrases: Option<PathBuf>,
    /// Compare with another system's texts for the same references, by paired bootstrap resampling
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// With --against: resamples
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = at_least_one,
        allow_negative_numbers = true, requires = "against")]
    pub resamples: usize,
    /// With --against: seed of the resamples
    #[arg(long, value_name = "SEED", default_value_t = 12345, allow_negative_numbers = true, requires = "against")]
    pub seed: u64,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Runs {
    /// The folders of runs, and folders with runs in them [default: runs]
    #[arg(value_name = "RUN|FOLDER")]
    pub folders: Vec<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub struct Man {
    /// The folder to write to
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct Compare {
    /// The folders of the runs
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// Draw the learning curves of all runs into this SVG file
    #[arg(long, value_name = "FILE", value_parser = drawing)]
    pub svg: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
#[cfg_attr(not(feature = "view"), allow(dead_code, reason = "nothing reads them"))]
pub struct View {
    /// The folders of runs, and folders with runs in them [default: runs]
    #[arg(value_name = "RUN|FOLDER")]
    pub folders: Vec<PathBuf>,
    /// The port of the page [default: 7007, or the next that is free]
    #[arg(long, value_name = "PORT", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Listen on this address, or on that of this name, so that other machines can open the page with its token
    /// [default: this machine only]
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<String>,
    /// Open the page in the browser
    #[arg(long)]
    pub open: bool,
    #[command(flatten)]
    pub device: DeviceOptions,
}

#[derive(Debug, Args)]
pub struct Export {
    /// The folder of the run; latest is the one in `runs` that was trained last
    pub run: PathBuf,
    /// What is written
    #[arg(long, value_enum, default_value_t = ExportFormat::Safetensors)]
    pub format: ExportFormat,
    /// With --format onnx: version of the operators [default: 17]
    #[arg(long, value_name = "VERSION", allow_negative_numbers = true)]
    pub opset: Option<Opset>,
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
pub enum ExportFormat {
    /// Weights as PyTorch and others read them
    Safetensors,
    /// Weights as text: the shape and the values of every tensor
    Json,
    /// The model as graphs that onnxruntime and others run
    Onnx,
}

#[derive(Debug, Args)]
pub struct Settings {
    /// The task
    #[arg(value_parser = PossibleValuesParser::new(tasks::ALL.iter().map(|task| task.name())))]
    pub task: String,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum Data {
    /// List the data sets that can be downloaded, and the built-in ones
    List(Output),
    /// Show where a data set comes from, its licence and its files
    Show {
        /// Its name in the list
        name: String,
        #[command(flatten)]
        output: Output,
    },
    /// Download a data set; an interrupted download is resumed
    Get {
        /// Its name in the list
        name: String,
        /// The folder to put it in
        #[arg(long, value_name = "FOLDER", default_value = "data")]
        out: PathBuf,
        /// Download from this base URL instead
        #[arg(long, value_name = "URL")]
        mirror: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct Devices {
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Bench {
    /// Only these shapes, such as train-lstm-1x256,sample-gru-2x512,train-rnn-1x64-b50-t50 [default: a list of all
    /// kinds]
    #[arg(long, value_name = "SHAPES", value_delimiter = ',')]
    pub shapes: Vec<Shape>,
    /// Rounds
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = at_least_one, allow_negative_numbers = true)]
    pub rounds: usize,
    /// Training steps in a turn; in place of each, sampling writes 200 tokens, and --products computes products of 2
    /// GFLOP
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = at_least_one, allow_negative_numbers = true)]
    pub steps: usize,
    /// Python with PyTorch; without it, PyTorch is not compared
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    pub python: PathBuf,
    /// Do not time Burn's own layers
    #[arg(long)]
    pub no_burn: bool,
    /// Also list the kernels that a training step launches on a GPU
    #[arg(long)]
    pub kernels: bool,
    /// Instead, measure the time of a step by batch size and sequence length, beside the machine's peak
    #[arg(long, conflicts_with_all = ["shapes", "python", "no_burn", "kernels"])]
    pub growth: bool,
    /// Instead, train every task on each backend that is compiled in, with built-in data and default settings
    #[arg(long, conflicts_with_all = ["shapes", "python", "no_burn", "kernels", "growth", "backend"])]
    pub backends: bool,
    /// Instead, time matrix products: square ones [default sizes: 64 to 4096], then those of an LSTM's recurrence
    #[arg(
        long,
        value_name = "SIZES",
        num_args = 0..,
        value_delimiter = ',',
        value_parser = at_least_one,
        conflicts_with_all = ["shapes", "no_burn", "kernels", "growth", "backends", "backend"]
    )]
    pub products: Option<Vec<usize>>,
    /// Do a few steps and print the peak memory: how the command calls itself
    #[arg(long, value_name = "SHAPE", hide = true)]
    pub peak_memory: Option<Shape>,
    #[command(flatten)]
    pub device: DeviceOptions,
    #[command(flatten)]
    pub output: Output,
}

/// A parser of one of these values by its name.
fn one_of<T, const N: usize>(values: [T; N]) -> impl TypedValueParser<Value = T>
where
    T: Copy + Display + Send + Sync + 'static,
{
    let named = move |name: String| values.into_iter().find(|value| value.to_string() == name);
    PossibleValuesParser::new(values.map(|value| value.to_string())).map(move |name| named(name).expect("a known name"))
}

fn at_least_one(count: &str) -> Result<usize, String> {
    match count.parse() {
        Ok(0) | Err(_) => Err("must be a whole number of at least 1".into()),
        Ok(count) => Ok(count),
    }
}

/// The name of an SVG file to write.
fn drawing(name: &str) -> Result<PathBuf, String> {
    written(name, &["svg"])
}

/// The name of an HTML file to write.
fn page(name: &str) -> Result<PathBuf, String> {
    written(name, &["html", "htm"])
}

/// The name of a file to write with one of these endings, checked as a task's own options are.
fn written(name: &str, endings: &[&'static str]) -> Result<PathBuf, String> {
    let field = Field::of::<PathBuf>("file", "").endings(endings.iter().copied());
    field.parse(name).map(|_| name.into()).map_err(|wanted| format!("must be {wanted}"))
}
