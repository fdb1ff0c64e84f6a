//! The imports for writing a task: `use rekindle_train::prelude::*`.

pub use burn::tensor::{Device, Tensor, TensorData};
pub use rekindle_data::counted;
pub use rekindle_models::host::{DeviceError, numbers};
pub use rekindle_settings::{SettingError, settings};
pub use serde_json::{Value, json};

pub use crate::epoch::OfEpoch;
pub use crate::error::TaskError;
pub use crate::files::sha256;
pub use crate::group::Share;
pub use crate::groups::{
    HoldOutSettings, LONGEST, SearchSettings, ShownSettings, TextFileSettings, VocabularySettings, WORKERS,
};
pub use crate::inside::{Activations, Feature, Recorder};
pub use crate::operation::{
    Evaluate, Import, Inputs, Observe, On, Operate, Operations, Output, Predict, Sample, Split,
};
pub use crate::playground::{Answers, Input, Play};
pub use crate::report::Report;
pub use crate::run::assets::{AssetReader, AssetWriter, Assets};
pub use crate::seeds::{seeded, stream};
pub use crate::settings::TrainingSettings;
pub use crate::task::{BatchLoss, DataInfo, Preparation, Task, Trained};
pub use crate::trainer::check_stop;
