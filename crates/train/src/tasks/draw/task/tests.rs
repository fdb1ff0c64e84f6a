use std::fs;

use super::*;
use crate::event::{Event, Observer};
use crate::settings::ScheduleKind;
use crate::trainer::{EndReason, NewRun, StopSignal, Trainer};

#[derive(Default)]
struct Warnings(Vec<String>);

impl Observer for Warnings {
    fn observe(&mut self, event: &Event<'_>) {
        if let Event::Warning { message } = event {
            self.0.push((*message).to_owned());
        }
    }
}

/// Trains a small model on 8 images of one grey level for 4 steps. Returns the end, and the warnings.
fn train(change: impl Fn(&mut DrawSettings)) -> (EndReason, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("grey");
    let header = [0x803_u32, 8, 3, 3].into_iter().flat_map(u32::to_be_bytes);
    fs::write(&images, header.chain([128; 8 * 9]).collect::<Vec<u8>>()).unwrap();
    let mut settings = DrawSettings::default();
    settings.data.data = images.to_str().unwrap().to_owned();
    (settings.data.test_share, settings.data.hold_out.validation_share) = (0.0, 0.0);
    settings.data.batch_size = 4;
    (settings.model.glimpses, settings.model.hidden, settings.model.latent) = (2, 4, 2);
    settings.training.steps = Some(4);
    change(&mut settings);
    let device = rekindle_testing::cpus().remove(0);
    let task = DrawTask::open(&settings, None, &device).unwrap();
    let new = NewRun { out: folder.path().join("run"), ..NewRun::default() };
    let trainer = Trainer::create(task, &settings, &new, &device).unwrap();
    let mut warnings = Warnings::default();
    let outcome = trainer.train(&mut warnings, &StopSignal::default()).unwrap();
    (outcome.reason, warnings.0)
}

#[test]
fn a_negative_bound_on_a_density_is_not_an_explosion() {
    // The first canvas is grey: the density of every pixel is above 1.
    let end = train(|settings| {
        settings.model.gaussian = Some(0.2);
        settings.data.binarize = rekindle_data::images::Binarization::None;
    });
    assert_eq!(end, (EndReason::Finished, Vec::new()));
}

#[test]
fn options_that_need_evaluations_are_named_once_without_validation_data() {
    let (_, warnings) = train(|settings| {
        settings.training.schedule = ScheduleKind::Plateau;
        settings.training.patience = Some(1);
        settings.training.average.average_wait = Some(1);
        settings.training.eval_every = Some(1);
    });
    let options = "--schedule plateau, --patience, --average-wait";
    assert_eq!(warnings, [format!("there is no validation data: without effect: {options}")]);
    let (_, warnings) = train(|settings| {
        settings.training.patience = Some(1);
        settings.data.hold_out.validation_share = 0.2;
    });
    assert_eq!(warnings, [""; 0]);
}
