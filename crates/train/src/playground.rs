//! Trying a trained model, in the page of `rekindle view`: what a task's playground is given, and its answers.
//!
//! A task declares its playground beside its other operations, with
//! [`Operations::playground`](crate::operation::Operations::playground).

use std::path::PathBuf;

use rekindle_models::stop::Stopped;
use rekindle_settings::{Field, Settings, Table};
use serde::Serialize;

use crate::error::{TaskError, TrainError};
use crate::task::{Task, Trained};

/// What a model reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// Nothing: only options.
    None,
    /// A text.
    Text,
    /// An image.
    Picture,
    /// The frames of a clip: an animation, images, an array or a table.
    Clip,
}

/// What a playground takes.
#[derive(Clone, Debug)]
pub struct Playground {
    /// What the model reads.
    pub input: Input,
    /// Whether it also works without that.
    pub optional: bool,
    /// The options.
    pub options: Vec<Field>,
    /// A sentence for the user.
    pub note: &'static str,
}

/// A request to try a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Play {
    /// The text; empty if none was given.
    pub text: String,
    /// The files: one image, or those of a clip. Their names are safe, and they are deleted afterwards.
    pub files: Vec<PathBuf>,
    /// A unit to observe: the index of its series, as in [`Activations`](crate::inside::Activations), and its own.
    pub watch: Option<[usize; 2]>,
}

/// Receives the answers, each at once as a line of JSON.
pub struct Answers<'a>(&'a mut dyn FnMut(String) -> Result<(), Stopped>);

impl<'a> Answers<'a> {
    /// Answers to `send`, which fails when nobody listens any more.
    pub fn new(send: &'a mut dyn FnMut(String) -> Result<(), Stopped>) -> Self {
        Self(send)
    }

    /// Sends a value.
    ///
    /// # Errors
    ///
    /// When nobody listens any more.
    pub fn line(&mut self, value: &impl Serialize) -> Result<(), TaskError> {
        let mut line = serde_json::to_string(value)?;
        line.push('\n');
        Ok((self.0)(line)?)
    }
}

/// Tries a model of the task `T` with the options `O`.
pub type Player<T, O> = fn(&Trained<T>, Play, O, &mut Answers<'_>) -> Result<(), TaskError>;

/// A model that is open for several requests, side by side.
pub trait Playable: Send + Sync {
    /// Answers a request.
    ///
    /// # Errors
    ///
    /// When an option or the input is invalid, the device fails, or nobody listens any more.
    fn play(&self, play: Play, options: Table, answers: &mut Answers<'_>) -> Result<(), TrainError>;

    /// The units that can be observed: the name and the number of units of each series.
    fn series(&self) -> Vec<(String, usize)>;
}

/// The units of a model that its playground can observe.
pub type UnitSeries<T> = fn(&Trained<T>) -> Vec<(String, usize)>;

struct Opened<T: Task, O> {
    trained: Trained<T>,
    player: Player<T, O>,
    series: UnitSeries<T>,
}

impl<T: Task, O: Settings> Playable for Opened<T, O>
where
    Trained<T>: Send + Sync,
{
    fn play(&self, play: Play, options: Table, answers: &mut Answers<'_>) -> Result<(), TrainError> {
        Ok((self.player)(&self.trained, play, O::from_table(options)?, answers)?)
    }

    fn series(&self) -> Vec<(String, usize)> {
        (self.series)(&self.trained)
    }
}

/// The playground of the task `T`.
pub(crate) struct Declared<T: Task> {
    pub playground: Playground,
    pub open: Opener<T>,
    pub series: UnitSeries<T>,
}

type Opener<T> = Box<dyn Fn(Trained<T>, UnitSeries<T>) -> Box<dyn Playable>>;

impl<T: Task> Declared<T> {
    pub fn new<O: Settings + 'static>(input: Input, optional: bool, note: &'static str, player: Player<T, O>) -> Self
    where
        Trained<T>: Send + Sync,
    {
        let playground = Playground { input, optional, options: O::default().described(), note };
        let open: Opener<T> = Box::new(move |trained, series| Box::new(Opened { trained, player, series }));
        Self { playground, open, series: |_| Vec::new() }
    }
}
