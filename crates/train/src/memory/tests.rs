use rekindle_models::settings::RecurrentSettings;
use rekindle_testing::cpus;

use super::*;
use crate::tasks::adding::{AddingSettings, AddingTask};

fn estimate(settings: &AddingSettings, device: &Device) -> Estimate {
    Estimate::of(&AddingTask::open(settings, None, device).unwrap(), settings, device)
}

#[test]
fn a_model_is_measured_without_being_made() {
    let settings = AddingSettings::default();
    for device in cpus() {
        let estimate = estimate(&settings, &device);
        let parameters = AddingTask::model(&settings, &(), 1, &device).num_params();
        assert_eq!(estimate.parameters, parameters);
        // Adam: a weight, a gradient and two moments.
        assert_eq!(estimate.weights + estimate.optimizer, 16.0 * parameters as f64);
        estimate.check(&device).unwrap();
    }
}

#[test]
fn what_is_too_large_is_refused_with_its_parts() {
    let model = RecurrentSettings { hidden: 1_000_000, ..RecurrentSettings::default() };
    let settings = AddingSettings { model, ..AddingSettings::default() };
    for device in cpus() {
        let estimate = estimate(&settings, &device);
        assert_eq!(estimate.parameters, 4 * 1_000_000 * (2 + 1_000_000 + 2) + 1_000_001);
        let error = estimate.check(&device).unwrap_err().to_string();
        assert!(error.contains("4000017000001 parameters") && error.contains("at least 64."), "{error}");
    }
}
