//! The options of the command line.

mod weights;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rekindle_data::frames::Alias;
use rekindle_data::labelled::Encoding;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::tasks::caption::CaptionSettings;
use rekindle_train::tasks::chars::CharsSettings;
use rekindle_train::tasks::draw::DrawSettings;
use rekindle_train::tasks::frames::FramesSettings;
use rekindle_train::tasks::sentiment::SentimentSettings;
use rekindle_train::tasks::translate::TranslateSettings;

use crate::commands::bench::shape::Shape;

pub use weights::{Export, Import, ImportTask, Inspect, WeightFormat};

/// Train, sample and evaluate recurrent networks
#[derive(Debug, Parser)]
#[command(name = "rekindle", version, max_term_width = 100, propagate_version = true)]
pub struct Rekindle {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a model, or go on with a run
    Train(Train),
    /// Let a trained model write or draw
    Sample(Sample),
    /// Judge a trained model on held-out or on other data
    Eval(Eval),
    /// Ask a trained model about inputs of your own
    Predict(Predict),
    /// Show the weights of a run or of a file: names, shapes, norms
    Inspect(Inspect),
    /// Make a run from the weights of another program: PyTorch or safetensors
    Import(Box<Import>),
    /// Write the weights of a run for other programs
    Export(Export),
    /// List, show and download data sets
    #[command(subcommand)]
    Data(Data),
    /// List what models can run on
    Devices(Devices),
    /// Time training and sampling beside PyTorch and Burn's own layers
    Bench(Bench),
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Train {
    /// Go on with this run from its last checkpoint
    #[arg(long, value_name = "RUN", required = true)]
    pub resume: Option<PathBuf>,
    /// Go on up to this many epochs, whatever the run was told at first
    #[arg(long)]
    pub epochs: Option<u64>,
    /// Go on up to this many steps, whatever the run was told at first
    #[arg(long)]
    pub steps: Option<u64>,
    #[command(flatten)]
    pub device: DeviceOptions,
    #[command(flatten)]
    pub output: Output,
    #[command(subcommand)]
    pub task: Option<TrainTask>,
}

#[derive(Debug, Subcommand)]
pub enum TrainTask {
    /// A captioner: from a picture to a sentence about it
    Caption(Box<NewTask<CaptionSettings>>),
    /// A language model over characters, bytes or words
    Chars(Box<NewTask<CharsSettings>>),
    /// Images, drawn by a sequence of glimpses
    Draw(Box<NewTask<DrawSettings>>),
    /// A tagger of frames: a label for every frame of a clip, the past helping the present
    Frames(Box<NewTask<FramesSettings>>),
    /// A classifier of texts: a sequence of words in, one label out
    Sentiment(Box<NewTask<SentimentSettings>>),
    /// A translator: from sentence to sentence
    Translate(Box<NewTask<TranslateSettings>>),
}

/// A new run of the task that has these settings.
#[derive(Debug, Args)]
pub struct NewTask<S: Args> {
    #[command(flatten)]
    pub run: NewRun,
    #[command(flatten)]
    pub settings: S,
    #[command(flatten)]
    pub device: DeviceOptions,
    #[command(flatten)]
    pub output: Output,
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
    /// Start from the weights of another run; symbols and words are matched by what they are
    #[arg(long, value_name = "RUN")]
    pub init_from: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Machine")]
pub struct DeviceOptions {
    /// Where to compute: NAME or NAME:INDEX, see `rekindle devices` [default: a GPU, else the faster CPU backend]
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,
    /// Threads to use [default: one a core]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// Print the result as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Sample {
    /// The folder of the run
    pub run: PathBuf,
    /// The same seed writes and draws the same [default: another one every time]
    #[arg(long)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub chars: SampleChars,
    #[command(flatten)]
    pub draw: SampleDraw,
    /// Which checkpoint: best, last or a step
    #[arg(long, value_name = "WHICH", default_value_t)]
    pub checkpoint: Which,
    #[command(flatten)]
    pub device: DeviceOptions,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
#[group(id = "chars")]
#[command(next_help_heading = "For chars")]
pub struct SampleChars {
    /// How many symbols to write [default: 500]
    #[arg(long)]
    pub length: Option<usize>,
    /// Below 1 the text is safer, above 1 wilder; 0 always takes the likeliest symbol [default: 0.8]
    #[arg(long, allow_negative_numbers = true)]
    pub temperature: Option<f32>,
    /// Draw among this many likeliest symbols only [default: all]
    #[arg(long, value_name = "COUNT")]
    pub top_k: Option<usize>,
    /// Draw among the likeliest symbols that together reach this probability only [default: all]
    #[arg(long, value_name = "PROBABILITY", allow_negative_numbers = true)]
    pub top_p: Option<f32>,
    /// The text to continue [default: a symbol drawn at random]
    #[arg(long)]
    pub prime: Option<String>,
    /// Stop before this text
    #[arg(long, value_name = "TEXT")]
    pub stop: Option<String>,
}

#[derive(Debug, Args)]
#[group(id = "draw")]
#[command(next_help_heading = "For draw")]
pub struct SampleDraw {
    /// How many images to draw [default: 64]
    #[arg(long, value_name = "COUNT", value_parser = at_least_one)]
    pub count: Option<usize>,
    /// The folder to put the pictures in [default: the run's folder `samples`]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Eval {
    /// The folder of the run
    pub run: PathBuf,
    /// Judge on this data, whole, instead of the run's own
    #[arg(long, value_name = "PATH")]
    pub data: Option<String>,
    /// Which part of the run's own data
    #[arg(long, value_enum, default_value_t = Part::Validation, conflicts_with = "data")]
    pub part: Part,
    /// Items that are computed side by side [default: as in training]
    #[arg(long, value_name = "COUNT")]
    pub batch_size: Option<usize>,
    #[command(flatten)]
    pub caption: EvalCaption,
    #[command(flatten)]
    pub chars: EvalChars,
    #[command(flatten)]
    pub draw: EvalDraw,
    #[command(flatten)]
    pub frames: EvalFrames,
    #[command(flatten)]
    pub sentiment: EvalSentiment,
    #[command(flatten)]
    pub search: SearchOptions,
    /// Which checkpoint: best, last or a step
    #[arg(long, value_name = "WHICH", default_value_t)]
    pub checkpoint: Which,
    #[command(flatten)]
    pub device: DeviceOptions,
    #[command(flatten)]
    pub output: Output,
}

// The options of one task are a group with the name of the task, those of two have another name: see
// `commands::refuse_options_of_other_tasks`.
#[derive(Debug, Args)]
#[group(id = "caption")]
#[command(next_help_heading = "For caption")]
pub struct EvalCaption {
    /// Write all captions to this file, in the format of COCO's results
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,
    /// Write a page with some of the pictures, what is said of them and where the model looked
    #[arg(long, value_name = "FILE")]
    pub gallery: Option<PathBuf>,
    /// How many pictures the page shows [default: 10]
    #[arg(long, value_name = "COUNT", requires = "gallery", value_parser = at_least_one)]
    pub gallery_size: Option<usize>,
    /// Which pictures: the same seed chooses the same [default: 1]
    #[arg(long, value_name = "SEED", requires = "gallery")]
    pub gallery_seed: Option<u64>,
}

#[derive(Debug, Args)]
#[group(id = "chars")]
#[command(next_help_heading = "For chars")]
pub struct EvalChars {
    /// Which files of a folder
    #[arg(long, value_name = "GLOB", requires = "data")]
    pub pattern: Option<String>,
    /// Symbols of each stream in a step [default: as in training]
    #[arg(long, value_name = "SYMBOLS")]
    pub sequence_length: Option<usize>,
    /// Judge windows of --sequence-length that begin this many symbols apart, each with a state of zeros, in place of streams
    #[arg(long, value_name = "SYMBOLS")]
    pub window_stride: Option<usize>,
}

#[derive(Debug, Args)]
#[group(id = "draw")]
#[command(next_help_heading = "For draw")]
pub struct EvalDraw {
    /// Also estimate the log-likelihood with this many samples of the latents for each image
    #[arg(long, value_name = "K", value_parser = at_least_one)]
    pub importance_samples: Option<usize>,
}

#[derive(Debug, Args)]
#[group(id = "frames")]
#[command(next_help_heading = "For frames")]
pub struct EvalFrames {
    /// The labels of the clip in --data, where it has none of its own
    #[arg(long, value_name = "FILE", requires = "data")]
    pub labels: Option<PathBuf>,
    /// Another way in which a label of --data is written, besides those of training
    #[arg(long = "alias", value_name = "OTHER=LABEL", requires = "data")]
    pub aliases: Vec<Alias>,
}

#[derive(Debug, Args)]
#[group(id = "sentiment")]
#[command(next_help_heading = "For sentiment")]
pub struct EvalSentiment {
    /// The column of the texts [default: as in training]
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub text_column: Option<String>,
    /// The column of the labels [default: as in training]
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub label_column: Option<String>,
    /// The encoding of the files [default: as in training]
    #[arg(long, value_name = "NAME", requires = "data")]
    pub encoding: Option<Encoding>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Part {
    /// What the model was trained on
    Train,
    /// What decided which checkpoint is best
    Validation,
    /// What neither was
    Test,
}

#[derive(Debug, Args)]
pub struct Predict {
    /// The folder of the run
    pub run: PathBuf,
    /// What to predict from: texts, files or folders, as the run's task wants [default: lines of standard input]
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// A file with a text on each line, for sentiment and translate
    #[arg(long, value_name = "FILE", conflicts_with = "inputs")]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub caption: PredictCaption,
    #[command(flatten)]
    pub draw: PredictDraw,
    #[command(flatten)]
    pub frames: PredictFrames,
    #[command(flatten)]
    pub sentiment: PredictSentiment,
    #[command(flatten)]
    pub search: SearchOptions,
    #[command(flatten)]
    pub written: PredictWritten,
    /// Which checkpoint: best, last or a step
    #[arg(long, value_name = "WHICH", default_value_t)]
    pub checkpoint: Which,
    #[command(flatten)]
    pub device: DeviceOptions,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
#[group(id = "caption")]
#[command(next_help_heading = "For caption")]
pub struct PredictCaption {
    /// Draw the words by their probabilities instead of searching: below 1 safer, above 1 wilder
    #[arg(long, allow_negative_numbers = true, conflicts_with = "search")]
    pub temperature: Option<f32>,
    /// The same seed draws the same words [default: another one every time]
    #[arg(long, requires = "temperature")]
    pub seed: Option<u64>,
}

#[derive(Debug, Args)]
#[group(id = "draw")]
#[command(next_help_heading = "For draw")]
pub struct PredictDraw {
    /// The picture to write [default: `reconstruction.png` in the run's folder `samples`]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(id = "frames")]
#[command(next_help_heading = "For frames")]
pub struct PredictFrames {
    /// The true labels of the clip, where it has none of its own, to set beside the predicted ones
    #[arg(long, value_name = "FILE", requires = "inputs")]
    pub labels: Option<PathBuf>,
    /// Another way in which a label of the clip is written, besides those of training
    #[arg(long = "alias", value_name = "OTHER=LABEL", requires = "inputs")]
    pub aliases: Vec<Alias>,
    /// Draw the labels of the clip over time, as SVG
    #[arg(long, value_name = "FILE", requires = "inputs")]
    pub timeline: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(id = "sentiment")]
#[command(next_help_heading = "For sentiment")]
pub struct PredictSentiment {
    /// Colour each word by how much it speaks for the class
    #[arg(long)]
    pub explain: bool,
    /// Write the coloured texts to a page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(id = "written")]
#[command(next_help_heading = "For caption and translate")]
pub struct PredictWritten {
    /// Show this many of the best sentences, with their scores [default: 1]
    #[arg(long, value_name = "COUNT")]
    pub n_best: Option<usize>,
    /// Draw where the model looked while it wrote the last sentence, as SVG
    #[arg(long, value_name = "FILE")]
    pub attention: Option<PathBuf>,
}

/// How sentences are searched for.
#[derive(Debug, Args)]
#[group(id = "search")]
#[command(next_help_heading = "For caption and translate")]
pub struct SearchOptions {
    /// Sentences that are kept side by side; 1 is greedy [default: 5; 3 for caption]
    #[arg(long, value_name = "COUNT")]
    pub beam: Option<usize>,
    /// 0 ranks by probability, which prefers short sentences; 1 by the mean over the words [default: 1; 0.7
    /// for caption]
    #[arg(long, value_name = "POWER", allow_negative_numbers = true)]
    pub length_normalization: Option<f64>,
    /// Above 0, sentences that pass over words or places of the input lose [default: 0]
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true)]
    pub coverage: Option<f64>,
    /// Symbols to write at least [default: 0]
    #[arg(long, value_name = "SYMBOLS")]
    pub min_length: Option<usize>,
    /// Symbols to write at most [default: as in training]
    #[arg(long, value_name = "SYMBOLS")]
    pub longest: Option<usize>,
    /// Write no run of this many symbols twice [default: no such rule]
    #[arg(long, value_name = "SYMBOLS")]
    pub no_repeat: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub enum Data {
    /// List the data sets that can be downloaded
    List(Output),
    /// Show where a data set comes from, its licence and its files
    Show {
        /// Its name in the list
        name: String,
        #[command(flatten)]
        output: Output,
    },
    /// Download a data set; an interrupted download goes on where it stopped
    Get {
        /// Its name in the list
        name: String,
        /// The folder to put it in
        #[arg(long, value_name = "FOLDER", default_value = "data")]
        out: PathBuf,
        /// Take the files from below this address instead of their own
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
    /// Only these, such as train-lstm-1x256,sample-gru-2x512,train-rnn-1x64-b50-t50 [default: a list of all kinds]
    #[arg(long, value_name = "SHAPES", value_delimiter = ',')]
    pub shapes: Vec<Shape>,
    /// How often each takes its turn
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = at_least_one)]
    pub rounds: usize,
    /// Training steps in a turn; in place of each, sampling writes 200 symbols
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = at_least_one)]
    pub steps: usize,
    /// The Python that has PyTorch; without it there is no comparison with PyTorch
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    pub python: PathBuf,
    /// Leave Burn's own layers out
    #[arg(long)]
    pub no_burn: bool,
    /// Instead, show how the time of a step grows with batch and time, beside the machine's peak
    #[arg(long, conflicts_with_all = ["shapes", "python", "no_burn"])]
    pub growth: bool,
    /// Instead, train every task on each backend that is compiled in, with built-in data and default settings
    #[arg(long, conflicts_with_all = ["shapes", "python", "no_burn", "growth", "backend"])]
    pub backends: bool,
    /// Do a few steps and print the peak memory: how the command calls itself
    #[arg(long, value_name = "SHAPE", hide = true)]
    pub peak_memory: Option<Shape>,
    #[command(flatten)]
    pub device: DeviceOptions,
    #[command(flatten)]
    pub output: Output,
}

fn at_least_one(count: &str) -> Result<usize, String> {
    match count.parse() {
        Ok(0) | Err(_) => Err("a number from 1 on".into()),
        Ok(count) => Ok(count),
    }
}
