use super::*;

fn schedule(kind: ScheduleKind, change: impl FnOnce(&mut TrainingSettings)) -> Schedule {
    let mut settings = TrainingSettings { schedule: kind, learning_rate: 1.0, ..TrainingSettings::default() };
    change(&mut settings);
    Schedule::new(&settings, 10, 200)
}

#[test]
fn decay_leaves_the_first_epochs_alone() {
    let schedule = schedule(ScheduleKind::Decay, |s| (s.decay, s.decay_after) = (0.5, 10));
    assert_eq!(schedule.learning_rate(0), 1.0);
    assert_eq!(schedule.learning_rate(99), 1.0);
    assert_eq!(schedule.learning_rate(100), 0.5);
    assert_eq!(schedule.learning_rate(110), 0.25);
}

/// torch-rnn halves the rate at the end of every fifth epoch.
#[test]
fn decay_may_come_every_few_epochs() {
    let schedule = schedule(ScheduleKind::Decay, |s| (s.decay, s.decay_after, s.decay_every) = (0.5, 1, 5));
    for (epoch, rate) in [(0, 1.0), (4, 1.0), (5, 0.5), (9, 0.5), (10, 0.25), (19, 0.125)] {
        assert_eq!(schedule.learning_rate(10 * epoch), rate, "epoch {epoch}");
    }
}

#[test]
fn cosine_rises_over_the_warm_up_and_ends_at_zero() {
    let schedule = schedule(ScheduleKind::Cosine, |s| s.warmup = 20);
    assert_eq!(schedule.learning_rate(0), 0.05);
    assert_eq!(schedule.learning_rate(19), 1.0);
    assert_eq!(schedule.learning_rate(20), 1.0);
    assert!((schedule.learning_rate(110) - 0.5).abs() < 1e-12);
    assert!(schedule.learning_rate(200).abs() < 1e-12);
}

#[test]
fn plateau_lowers_after_the_wait_and_forgets_when_it_gets_better() {
    let mut schedule = schedule(ScheduleKind::Plateau, |s| (s.decay, s.plateau_wait) = (0.5, 1));
    for (objective, rate) in [(3.0, 1.0), (3.0, 1.0), (2.0, 1.0), (2.5, 1.0), (2.5, 0.5), (2.5, 0.5), (2.5, 0.25)] {
        schedule.observe(objective);
        assert_eq!(schedule.learning_rate(7), rate);
    }
}

#[test]
fn a_restored_schedule_goes_on_as_the_old_one() {
    let mut old = schedule(ScheduleKind::Plateau, |s| s.plateau_wait = 1);
    old.observe(1.0);
    old.observe(1.0);
    let mut new = schedule(ScheduleKind::Plateau, |s| s.plateau_wait = 1);
    new.restore(old.plateau());
    old.observe(1.0);
    new.observe(1.0);
    assert_eq!(old.learning_rate(3), new.learning_rate(3));
    assert!(new.learning_rate(3) < 1.0);
}
