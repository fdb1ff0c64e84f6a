//! Exact resume. Burn's random numbers are shared by all threads of a process, and dropout draws from them: this test
//! has a program of its own, so that no other test draws in between.

mod support;

use rekindle_train::settings::ScheduleKind;
use rekindle_train::trainer::EndReason;
use support::{answers, devices, figures, resume, text, train_until, trainer};

/// Everything that has a state of its own: dropout, an optimizer with means, a plateau, accumulation across an epoch's
/// end, a mean of the weights, a hidden state.
#[test]
fn resumed_run_has_the_losses_of_an_unbroken_one() {
    for device in devices() {
        let (folder, mut settings) = text();
        settings.model.recurrent.dropout = 0.3;
        settings.training.accumulate = 3;
        settings.training.schedule = ScheduleKind::Plateau;
        settings.training.plateau_wait = 0;
        settings.training.average.ema = Some(0.8);
        let [unbroken, broken] = ["unbroken", "broken"].map(|name| folder.path().join(name));
        train_until(trainer(&settings, &unbroken, &device), None);
        let (outcome, _) = train_until(trainer(&settings, &broken, &device), Some(13));
        assert_eq!((outcome.reason, outcome.steps), (EndReason::Stopped, 13));
        let (outcome, _) = train_until(resume(&settings, &broken, &device).unwrap(), None);
        assert_eq!((outcome.reason, outcome.steps), (EndReason::Finished, 30));
        assert_eq!(figures(&broken), figures(&unbroken), "{device:?}");
        assert_eq!(answers(&broken, &device), answers(&unbroken, &device), "{device:?}");
    }
}
