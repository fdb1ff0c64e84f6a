//! Settings of `adding`.

use rekindle_models::settings::RecurrentSettings;

use crate::settings::ScheduleKind;
use crate::prelude::*;

crate::run_settings! {
    /// Settings of `adding`.
    pub struct AddingSettings {
        /// The sequences.
        data: SequenceSettings => "Sequences";
        /// The model.
        model: RecurrentSettings = RecurrentSettings { hidden: 64, ..RecurrentSettings::default() } => "Model";
        /// The loop.
        training: TrainingSettings = TrainingSettings {
            epochs: 30,
            clip_at: 1.0,
            schedule: ScheduleKind::Constant,
            // An error that is 0.17 at first may be several times that for a step.
            explode_at: 0.0,
            ..TrainingSettings::default()
        } => "Training";
    }
}

settings! {
    /// Which sequences.
    pub struct SequenceSettings {
        /// Time steps of a sequence
        length: usize = 100 => value("STEPS").at_least(2);
        /// Sequences of an epoch; each epoch has new ones
        sequences: usize = 5000 => value("COUNT").at_least(1);
        /// Sequences of the validation split, and of the test split
        held_out: usize = 1000 => value("COUNT").at_least(1);
        /// Sequences in a batch
        batch_size: usize = 50 => value("COUNT").at_least(1);
    }
}
