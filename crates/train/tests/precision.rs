//! Mixed precision: on a GPU a run has the losses of one in f32 to the precision of its products, and resumes to the
//! bit. A CPU refuses it.

mod support;

use rekindle_testing::cpus;
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::{self, Which};
use rekindle_train::settings::PrecisionKind;
use rekindle_train::task::Task;
use rekindle_train::tasks::chars::CharsTask;
use rekindle_train::trainer::{NewRun, Trainer};
use support::{devices, figures, resume, text, train_until, trainer};

#[test]
fn half_precision_learns_as_single_precision_does_and_resumes_exactly() {
    for device in &devices()[cpus().len()..] {
        for (precision, bound) in [(PrecisionKind::F16, 2e-3), (PrecisionKind::Bf16, 2e-2)] {
            let (folder, mut settings) = text();
            settings.training.steps = Some(12);
            let single = folder.path().join("single");
            train_until(trainer(&settings, &single, device), None);
            settings.training.precision = precision;
            let [unbroken, broken] = ["unbroken", "broken"].map(|name| folder.path().join(name));
            let task = CharsTask::open(&settings, None, device).unwrap();
            let new = NewRun { out: unbroken.clone(), ..NewRun::default() };
            let first = match Trainer::create(task, &settings, &new, device) {
                Ok(first) => first,
                Err(error) => {
                    assert!(error.to_string().contains("precision"), "{error}");
                    eprintln!("{device:?} has no {precision}: nothing is tested with it there");
                    continue;
                }
            };
            train_until(first, None);
            let losses = |run: &std::path::Path| -> Vec<f64> {
                figures(run).iter().filter_map(|(loss, _)| loss.parse().ok()).collect()
            };
            let (seen, wanted) = (losses(&unbroken), losses(&single));
            assert_eq!(seen.len(), wanted.len());
            assert_ne!(seen, wanted, "products of {precision} round differently");
            for (seen, wanted) in seen.iter().zip(&wanted) {
                assert!((seen - wanted).abs() < bound * wanted, "{device:?}, {precision}: {seen} and {wanted}");
            }
            train_until(trainer(&settings, &broken, device), Some(5));
            train_until(resume(&settings, &broken, device).unwrap(), None);
            assert_eq!(figures(&broken), figures(&unbroken), "{device:?}, {precision}");
            let progress = checkpoint::load(&RunFolder::open(&broken).unwrap(), Which::Last).unwrap().progress;
            let scale = progress.loss_scale.map(|scale| (scale.factor >= 1.0, scale.steps > 0));
            assert_eq!(scale, (precision == PrecisionKind::F16).then_some((true, true)));
        }
    }
}

#[test]
fn a_cpu_refuses_half_precision() {
    for device in cpus() {
        let (folder, mut settings) = text();
        settings.training.precision = PrecisionKind::F16;
        let task = CharsTask::open(&settings, None, &device).unwrap();
        let new = NewRun { out: folder.path().join("run"), ..NewRun::default() };
        let error = Trainer::create(task, &settings, &new, &device).err().expect("it is refused").to_string();
        assert!(error.contains("precision") && error.contains("f32"), "{error}");
        assert!(!folder.path().join("run").exists(), "nothing is left behind");
    }
}
