//! Starting a model from the weights of another run, of the same task or of another.

use std::fmt;
use std::path::Path;

use burn::tensor::Device;
use rekindle_models::settings::RecurrentSettings;
use rekindle_rnn::Cell;

use crate::error::{TaskError, TrainError};
use crate::run::RunFolder;
use crate::run::checkpoint::Which;
use crate::task::{Task, Trained};

/// A model with weights of another run, and a summary of what was taken and what begins anew.
pub type Started<M> = (M, String);

/// Copies what fits from a trained model of the task `S` into a fresh one of the task `T`.
pub type Take<T, S> = fn(&T, <T as Task>::Model, Trained<S>) -> Result<Started<<T as Task>::Model>, TaskError>;

/// Another task from whose runs a model of the task `T` can start.
pub struct Origin<T: Task> {
    name: &'static str,
    start: Start<T>,
}

type Start<T> =
    Box<dyn Fn(&T, <T as Task>::Model, &RunFolder, &Device) -> Result<Started<<T as Task>::Model>, TrainError>>;

impl<T: Task> Origin<T> {
    /// The task `S`, whose runs `take` reads.
    pub fn of<S: Task>(take: Take<T, S>) -> Self {
        let start: Start<T> = Box::new(move |task, fresh, run, device| {
            Ok(take(task, fresh, Trained::<S>::open(run, Which::Best, device)?)?)
        });
        Self { name: S::NAME, start }
    }
}

/// The settings in which a model and the language model that it starts from must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackShape {
    cell: Cell,
    layers: usize,
    hidden: usize,
    embedding: usize,
}

/// A language model that does not fit the model that is to start from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It has another shape.
    #[error(
        "--init-from: the language model has `{run}`, and this model `{here}`: they must be the same; give the former"
    )]
    OtherShape {
        /// The language model.
        run: StackShape,
        /// The model that is to start from it.
        here: StackShape,
    },
    /// It has no embeddings.
    #[error("--init-from: the language model reads tokens one-hot (--embedding 0) and has no embeddings to start from")]
    NoEmbeddings,
    /// It reads and writes other tokens.
    #[error("--init-from: the language model is one of {unit}, and {wanted}: {remedy}")]
    OtherUnit {
        /// Its unit, in the plural.
        unit: &'static str,
        /// The tokens that are wanted.
        wanted: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// It has none of the tokens.
    #[error(
        "--init-from: the language model has none of the tokens of this data; pretrain it on text of this language"
    )]
    NoneOfTheTokens,
}

impl StackShape {
    /// The shape of a model with these settings.
    pub fn of(recurrent: &RecurrentSettings, embedding: usize) -> Self {
        let RecurrentSettings { cell, layers, hidden, .. } = *recurrent;
        Self { cell, layers, hidden, embedding }
    }

    /// Checks that a model of this shape can start from a language model of the shape `run`.
    ///
    /// # Errors
    ///
    /// When it cannot.
    pub fn check(self, run: Self) -> Result<(), OriginError> {
        match run.embedding {
            0 => Err(OriginError::NoEmbeddings),
            _ if self != run => Err(OriginError::OtherShape { run, here: self }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for StackShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cell, layers, hidden, embedding } = self;
        write!(f, "--cell {cell} --layers {layers} --hidden {hidden} --embedding {embedding}")
    }
}

/// The model `fresh` with weights of the best checkpoint of the run `source`.
///
/// # Errors
///
/// When the run cannot be read, or is neither of the task `T` nor of one of its [origins](Task::origins); and when its
/// model does not fit.
pub(crate) fn started<T: Task>(
    task: &T,
    fresh: T::Model,
    source: &Path,
    device: &Device,
) -> Result<Started<T::Model>, TrainError> {
    let run = RunFolder::open(source)?;
    let found = run.head()?.task;
    if found == T::NAME {
        return Ok(task.start_from(fresh, Trained::open(&run, Which::Best, device)?)?);
    }
    let origins = T::origins();
    match origins.iter().find(|origin| origin.name == found) {
        Some(origin) => (origin.start)(task, fresh, &run, device),
        None => {
            let wanted = [T::NAME].into_iter().chain(origins.iter().map(|origin| origin.name));
            let wanted = wanted.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
            Err(TrainError::NotAnOrigin { path: run.path().to_owned(), found, wanted })
        }
    }
}
