//! Settings of the training loop, the same for every task.
//!
//! A group of settings is declared once: see [`rekindle_settings`].

use rekindle_settings::{Field, Sections, SettingError, Settings, names, settings};

pub use crate::average::AverageSettings;
pub use crate::depth::DepthSettings;
pub use crate::precision::PrecisionKind;

/// All settings of a run of a task, including those of the loop. [`run_settings!`](crate::run_settings!) implements
/// it.
pub trait RunSettings: Sections {
    /// The settings of the loop.
    fn training(&self) -> &TrainingSettings;

    /// The settings of the loop, mutable.
    fn training_mut(&mut self) -> &mut TrainingSettings;
}

/// Declares all settings of a run: [`sections!`](rekindle_settings::sections!) with `training` as one of them.
#[macro_export]
macro_rules! run_settings {
    ($(#[$($attribute:tt)*])* $visibility:vis struct $name:ident { $($sections:tt)* }) => {
        $crate::rekindle_settings::sections! { $(#[$($attribute)*])* $visibility struct $name { $($sections)* } }

        impl $crate::settings::RunSettings for $name {
            fn training(&self) -> &$crate::settings::TrainingSettings {
                &self.training
            }

            fn training_mut(&mut self) -> &mut $crate::settings::TrainingSettings {
                &mut self.training
            }
        }
    };
}

settings! {
    /// Settings of the loop.
    #[check(Self::consistent)]
    pub struct TrainingSettings {
        /// Seed of the first weights, the dropout and the samples; the same seed, backend and thread count give the
        /// same run
        seed: u64 = 1 => at_least(0);
        /// Passes over the training data
        epochs: u64 = 6 => at_least(1);
        /// Stop after this many steps, whatever --epochs says
        steps: Option<u64> => at_least(1);
        /// Optimizer
        optimizer: OptimizerKind = OptimizerKind::Adam => value("NAME").choices(OptimizerKind::NAMES.iter().copied());
        /// Learning rate at the start
        learning_rate: f64 = 2e-3 => value("RATE").above(0).alias("lr");
        /// Momentum of sgd
        momentum: f64 = 0.9 => value("SHARE").at_least(0).below(1).used_with("optimizer", ["sgd"]);
        /// Decay of the running mean of squares in rmsprop
        rmsprop_decay: f64 = 0.95 => value("SHARE").at_least(0).below(1).used_with("optimizer", ["rmsprop"]);
        /// Weight decay: decoupled for adamw, an L2 penalty for the others
        weight_decay: f64 => value("RATE").at_least(0);
        /// Schedule of the learning rate
        schedule: ScheduleKind = ScheduleKind::Decay => value("NAME").choices(ScheduleKind::NAMES.iter().copied());
        /// Factor of the learning rate: per --decay-every after --decay-after (decay), per --plateau-wait (plateau)
        decay: f64 = 0.97 => value("FACTOR").above(0).used_with("schedule", ["decay", "plateau"]);
        /// Epochs at the full learning rate before it decays
        decay_after: u64 = 10 => value("EPOCHS").at_least(0).used_with("schedule", ["decay"]);
        /// Epochs between two decays
        decay_every: u64 = 1 => value("EPOCHS").at_least(1).used_with("schedule", ["decay"]);
        /// Steps over which the learning rate rises from 0 at the start
        warmup: u64 => value("STEPS").at_least(0);
        /// Evaluations without a better loss before the plateau schedule lowers the learning rate
        plateau_wait: u64 = 2 => value("EVALUATIONS").at_least(0).used_with("schedule", ["plateau"]);
        /// Gradient clipping: of every value, of the norm of each parameter's gradient, or of the norm of all together
        clip: ClipKind = ClipKind::GlobalNorm => value("KIND").choices(ClipKind::NAMES.iter().copied());
        /// Largest gradient norm, or largest value with --clip value
        clip_at: f64 = 5.0 => value("BOUND").above(0).used_with("clip", ["value", "tensor-norm", "global-norm"]);
        /// Precision of products in training, on a GPU that has it; weights, states, sums and the optimizer stay f32
        precision: PrecisionKind = PrecisionKind::F32 => value("TYPE").choices(PrecisionKind::NAMES.iter().copied());
        /// Batches whose gradients are averaged into one step
        accumulate: u64 = 1 => value("BATCHES").at_least(1);
        /// With several ranks, steps between two means of their weights: 1 sums gradients at every step; above 1 each
        /// rank trains by itself in between (local SGD), which is another algorithm
        sync_every: u64 = 1 => value("STEPS").at_least(1);
        /// With several ranks, show for each how long it computed and how long it waited for the others
        report_ranks: bool;
        /// How layers at other depths are trained.
        @flatten depth: DepthSettings;
        /// A mean of the weights.
        @flatten average: AverageSettings;
        /// Steps between two lines of figures
        print_every: u64 = 10 => value("STEPS").at_least(1);
        /// Write the norms of each layer's weights, gradient and update to metrics.jsonl, every --print-every steps
        watch_gradients: bool;
        /// Write event files for TensorBoard beside metrics.jsonl
        tensorboard: bool;
        /// Steps between two evaluations on the validation split
        eval_every: Option<u64> => value("STEPS").at_least(1).unset("once an epoch");
        /// Steps between two samples
        sample_every: Option<u64> => value("STEPS").at_least(1).unset("once an epoch");
        /// Steps between two checkpoints, besides one after every evaluation
        checkpoint_every: u64 = 1000 => value("STEPS").at_least(1);
        /// Checkpoints to keep, besides the best
        keep: usize = 2 => value("COUNT").at_least(1);
        /// Stop after this many evaluations without a better one
        patience: Option<u64> => value("EVALUATIONS").at_least(1);
        /// Stop when the loss exceeds this many times the first step's; 0 for no such bound
        explode_at: f64 = 3.0 => value("FACTOR").at_least(0);
    }
}

settings! {
    /// Settings of the data of a run that may change when it is resumed.
    pub struct ResumedData {
        /// The data, where it has moved
        data: Option<String> => value("PATH").unset("as before");
        /// Items in a batch
        batch_size: Option<usize> => value("COUNT").at_least(1).unset("as before");
    }
}

/// The settings that may change when a run is resumed, by table of `config.toml`. The seed and the optimizer may not:
/// the steps done so far depend on them.
pub fn resumable() -> [(&'static str, Vec<Field>); 2] {
    let mut training = TrainingSettings::default().described();
    training.retain(|field| !["seed", "optimizer"].contains(&field.key));
    for field in &mut training {
        (field.default, field.unset) = (None, Some("as before"));
    }
    [("data", ResumedData::default().described()), ("training", training)]
}

impl TrainingSettings {
    fn consistent(&self) -> Result<(), SettingError> {
        if self.explode_at > 0.0 && self.explode_at <= 1.0 {
            return Err(SettingError::invalid("explode-at", self.explode_at, "0 or greater than 1"));
        }
        Ok(())
    }
}

names! {
    /// An optimizer.
    pub enum OptimizerKind {
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

impl OptimizerKind {
    /// Number of values that it keeps per parameter.
    pub fn moments(self) -> usize {
        match self {
            Self::Adam | Self::AdamW => 2,
            Self::Sgd | Self::RmsProp | Self::Adagrad => 1,
        }
    }
}

names! {
    /// How the learning rate changes over a run. See [`Schedule`](crate::schedule::Schedule).
    pub enum ScheduleKind {
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
    /// What gradient clipping bounds. See [`Clip`](crate::clipping::Clip).
    pub enum ClipKind {
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
