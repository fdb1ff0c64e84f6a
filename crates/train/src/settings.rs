//! What the training loop is told, the same for every task.
//!
//! These structs are the command line's options, the tables of a TOML file and the `config.toml` of a run, all three.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// Settings of the loop. Every field has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSettings {
    /// Decides the first weights, the dropout and the samples; the same seed, backend and thread count give the same run
    #[cfg_attr(feature = "clap", arg(long, default_value_t = TrainingSettings::default().seed))]
    pub seed: u64,
    /// How many times to go through the training data
    #[cfg_attr(feature = "clap", arg(long, default_value_t = TrainingSettings::default().epochs))]
    pub epochs: u64,
    /// Stop after this many steps, whatever --epochs says
    #[cfg_attr(feature = "clap", arg(long))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// The rule that turns gradients into steps: adam, adamw, sgd, rmsprop, adagrad
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", default_value_t = TrainingSettings::default().optimizer))]
    pub optimizer: OptimizerKind,
    /// The size of a step at the start
    #[cfg_attr(feature = "clap", arg(long, visible_alias = "lr", value_name = "RATE", default_value_t = TrainingSettings::default().learning_rate))]
    pub learning_rate: f64,
    /// Momentum of sgd
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = TrainingSettings::default().momentum))]
    pub momentum: f64,
    /// Decay of the running mean of squares in rmsprop
    #[cfg_attr(feature = "clap", arg(long, value_name = "SHARE", default_value_t = TrainingSettings::default().rmsprop_decay))]
    pub rmsprop_decay: f64,
    /// Weight decay: decoupled for adamw, an L2 penalty for the others
    #[cfg_attr(feature = "clap", arg(long, value_name = "RATE", default_value_t = TrainingSettings::default().weight_decay))]
    pub weight_decay: f64,
    /// How the learning rate changes: constant, decay, cosine, plateau
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME", default_value_t = TrainingSettings::default().schedule))]
    pub schedule: ScheduleKind,
    /// Factor of the learning rate: per epoch after --decay-after (decay), per fruitless wait (plateau)
    #[cfg_attr(feature = "clap", arg(long, value_name = "FACTOR", default_value_t = TrainingSettings::default().decay))]
    pub decay: f64,
    /// Epochs at the full learning rate before it decays
    #[cfg_attr(feature = "clap", arg(long, value_name = "EPOCHS", default_value_t = TrainingSettings::default().decay_after))]
    pub decay_after: u64,
    /// Steps over which the learning rate rises from 0 at the start
    #[cfg_attr(feature = "clap", arg(long, value_name = "STEPS", default_value_t = TrainingSettings::default().warmup))]
    pub warmup: u64,
    /// Evaluations without a better loss before the plateau schedule lowers the learning rate
    #[cfg_attr(feature = "clap", arg(long, value_name = "EVALUATIONS", default_value_t = TrainingSettings::default().plateau_wait))]
    pub plateau_wait: u64,
    /// What is bounded in the gradients: none, value, tensor-norm, global-norm
    #[cfg_attr(feature = "clap", arg(long, value_name = "KIND", default_value_t = TrainingSettings::default().clip))]
    pub clip: ClipKind,
    /// The bound
    #[cfg_attr(feature = "clap", arg(long, value_name = "BOUND", default_value_t = TrainingSettings::default().clip_at))]
    pub clip_at: f64,
    /// Batches whose gradients are averaged into one step
    #[cfg_attr(feature = "clap", arg(long, value_name = "BATCHES", default_value_t = TrainingSettings::default().accumulate))]
    pub accumulate: u64,
    /// Steps between two lines of figures
    #[cfg_attr(feature = "clap", arg(long, value_name = "STEPS", default_value_t = TrainingSettings::default().print_every))]
    pub print_every: u64,
    /// Steps between two evaluations on the held-out part [default: once an epoch]
    #[cfg_attr(feature = "clap", arg(long, value_name = "STEPS"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eval_every: Option<u64>,
    /// Steps between two samples [default: once an epoch]
    #[cfg_attr(feature = "clap", arg(long, value_name = "STEPS"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_every: Option<u64>,
    /// Steps between two checkpoints, besides one after every evaluation
    #[cfg_attr(feature = "clap", arg(long, value_name = "STEPS", default_value_t = TrainingSettings::default().checkpoint_every))]
    pub checkpoint_every: u64,
    /// Checkpoints to keep, besides the best
    #[cfg_attr(feature = "clap", arg(long, value_name = "COUNT", default_value_t = TrainingSettings::default().keep))]
    pub keep: usize,
    /// Stop after this many evaluations without a better one
    #[cfg_attr(feature = "clap", arg(long, value_name = "EVALUATIONS"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
    /// Stop when the loss exceeds this many times the first step's; 0 for no such bound
    #[cfg_attr(feature = "clap", arg(long, value_name = "FACTOR", default_value_t = TrainingSettings::default().explode_at))]
    pub explode_at: f64,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            seed: 1,
            epochs: 6,
            steps: None,
            optimizer: OptimizerKind::Adam,
            learning_rate: 2e-3,
            momentum: 0.9,
            rmsprop_decay: 0.95,
            weight_decay: 0.0,
            schedule: ScheduleKind::Decay,
            decay: 0.97,
            decay_after: 10,
            warmup: 0,
            plateau_wait: 2,
            clip: ClipKind::GlobalNorm,
            clip_at: 5.0,
            accumulate: 1,
            print_every: 10,
            eval_every: None,
            sample_every: None,
            checkpoint_every: 1000,
            keep: 2,
            patience: None,
            explode_at: 3.0,
        }
    }
}

impl TrainingSettings {
    /// Checks the values that have no meaning.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] for the first one.
    pub fn validate(&self) -> Result<(), TrainError> {
        let positive = |name, value: f64| {
            if value > 0.0 && value.is_finite() { Ok(()) } else { setting(name, value, "a number above 0") }
        };
        let share = |name, value: f64| {
            if (0.0..1.0).contains(&value) { Ok(()) } else { setting(name, value, "a number from 0 to below 1") }
        };
        let count = |name, value: u64| if value > 0 { Ok(()) } else { setting(name, value, "1 or more") };
        positive("learning-rate", self.learning_rate)?;
        positive("clip-at", self.clip_at)?;
        positive("decay", self.decay)?;
        share("momentum", self.momentum)?;
        share("rmsprop-decay", self.rmsprop_decay)?;
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return setting("weight-decay", self.weight_decay, "0 or more");
        }
        if !(self.explode_at == 0.0 || self.explode_at > 1.0) {
            return setting("explode-at", self.explode_at, "0 or a number above 1");
        }
        count("accumulate", self.accumulate)?;
        count("print-every", self.print_every)?;
        count("checkpoint-every", self.checkpoint_every)?;
        count("keep", self.keep as u64)?;
        count("eval-every", self.eval_every.unwrap_or(1))?;
        count("sample-every", self.sample_every.unwrap_or(1))?;
        count("patience", self.patience.unwrap_or(1))?;
        count("steps", self.steps.unwrap_or(1))?;
        count("epochs", self.epochs)
    }
}

/// The error for a setting `name` that is `value` where `wanted` is wanted.
pub(crate) fn setting<T>(name: &'static str, value: impl fmt::Display, wanted: &'static str) -> Result<T, TrainError> {
    Err(TrainError::Setting { name, value: value.to_string(), wanted })
}

/// Checks that sizes, each with its name, are 1 or more.
pub(crate) fn at_least_one<const N: usize>(sizes: [(&'static str, usize); N]) -> Result<(), TrainError> {
    match sizes.into_iter().find(|(_, size)| *size == 0) {
        Some((name, _)) => setting(name, 0, "1 or more"),
        None => Ok(()),
    }
}

/// Checks that probabilities of dropping something, each with its name, leave something.
pub(crate) fn below_one<const N: usize>(shares: [(&'static str, f64); N]) -> Result<(), TrainError> {
    match shares.into_iter().find(|(_, share)| !(0.0..1.0).contains(share)) {
        Some((name, share)) => setting(name, share, "a number from 0 to below 1"),
        None => Ok(()),
    }
}

/// A list of names for the values of an enum: on the command line, in TOML, in messages.
macro_rules! names {
    ($(#[$doc:meta])* $kind:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $kind {
            $($(#[$variant_doc])* #[serde(rename = $name)] $variant),+
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $name),+ })
            }
        }

        impl FromStr for $kind {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(format!("possible values: {}", [$($name),+].join(", "))),
                }
            }
        }
    };
}

names! {
    /// The rule that turns gradients into steps.
    OptimizerKind {
        /// Kingma and Ba 2015 (arXiv 1412.6980).
        Adam = "adam",
        /// Adam with decoupled weight decay: Loshchilov and Hutter 2019 (arXiv 1711.05101).
        AdamW = "adamw",
        /// Stochastic gradient descent with momentum.
        Sgd = "sgd",
        /// Tieleman and Hinton 2012, lecture 6e of "Neural networks for machine learning"; char-rnn's choice.
        RmsProp = "rmsprop",
        /// Duchi et al. 2011; min-char-rnn's choice.
        Adagrad = "adagrad",
    }
}

names! {
    /// How the learning rate changes over a run. See [`Schedule`](crate::schedule::Schedule).
    ScheduleKind {
        /// Never.
        Constant = "constant",
        /// By a factor per epoch after a given epoch, as in char-rnn.
        Decay = "decay",
        /// Down a half cosine to 0 at the last step.
        Cosine = "cosine",
        /// By a factor whenever the evaluations stop getting better.
        Plateau = "plateau",
    }
}

names! {
    /// What is bounded in the gradients. See [`Clip`](crate::clipping::Clip).
    ClipKind {
        /// Nothing.
        None = "none",
        /// Every number, as in min-char-rnn.
        Value = "value",
        /// The norm of each parameter's gradient.
        TensorNorm = "tensor-norm",
        /// The norm of all gradients together, as PyTorch's `clip_grad_norm_`.
        GlobalNorm = "global-norm",
    }
}
