//! The training loop, on every backend that is compiled in.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use rekindle_rnn::Cell;
use rekindle_settings::Sections;
use rekindle_train::TrainError;
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::{self, Which};
use rekindle_train::settings::{ClipKind, OptimizerKind, ScheduleKind};
use rekindle_train::task::{Task, Trained};
use rekindle_train::tasks::chars::{CharsSettings, CharsTask};
use rekindle_train::trainer::{EndReason, NewRun, StopSignal, Trainer};
use support::{devices, figures, resume, text, train_until, trainer};

#[test]
fn a_run_learns() {
    for device in devices() {
        let (folder, mut settings) = text();
        settings.training.steps = Some(150);
        settings.training.learning_rate = 0.02;
        let run = folder.path().join("run");
        let (outcome, watcher) = train_until(trainer(&settings, &run, &device), None);
        // The text has about 1.2 bits a character; one that knows only how often each comes needs 2.7 nats.
        let loss = outcome.evaluation.unwrap().loss.value;
        assert!(loss < 1.0, "{device:?}: {loss}");
        assert!(watcher.samples > 0);
        let curve = fs::read_to_string(run.join("pictures/learning-curve.svg")).unwrap();
        assert!(curve.contains("held out") && curve.contains("bits per symbol"));
    }
}

#[test]
fn a_run_of_one_backend_goes_on_with_another() {
    for pair in devices().windows(2) {
        let (folder, settings) = text();
        let [unbroken, moved] = ["unbroken", "moved"].map(|name| folder.path().join(name));
        train_until(trainer(&settings, &unbroken, &pair[0]), None);
        train_until(trainer(&settings, &moved, &pair[0]), Some(13));
        let (outcome, _) = train_until(resume(&settings, &moved, &pair[1]).unwrap(), None);
        assert_eq!(outcome.steps, 30);
        for ((a, _), (b, _)) in figures(&unbroken).iter().zip(figures(&moved)) {
            let (a, b): (f64, f64) = (a.parse().unwrap(), b.parse().unwrap());
            // Backends add in another order; seventeen steps of it leave the fourth digit alone.
            assert!((a - b).abs() < 1e-3, "{pair:?}: {a} and {b}");
        }
    }
}

fn damage(run: &Path, step: u64, file: &str, how: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let path: PathBuf = run.join(format!("checkpoints/step-{step:08}/{file}"));
    fs::write(&path, how(fs::read(&path).unwrap())).unwrap();
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_named() {
    let truncate = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() / 2);
        bytes
    };
    let flip = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    type Damage<'a> = &'a dyn Fn(Vec<u8>) -> Vec<u8>;
    let damages: [(&str, Damage); 4] =
        [("model.bpk", &truncate), ("model.bpk", &flip), ("optimizer.bpk", &truncate), ("training.json", &truncate)];
    let device = devices().remove(0);
    for (file, how) in damages {
        let (folder, settings) = text();
        let [unbroken, run] = ["unbroken", "run"].map(|name| folder.path().join(name));
        train_until(trainer(&settings, &unbroken, &device), None);
        train_until(trainer(&settings, &run, &device), None);
        damage(&run, 30, file, how);
        let (_, watcher) = train_until(resume(&settings, &run, &device).unwrap(), None);
        assert!(
            watcher.warnings.iter().any(|w| w.contains("step-00000030") && w.contains(file)),
            "{:?}",
            watcher.warnings
        );
        assert_eq!(figures(&run), figures(&unbroken));
    }
}

#[test]
fn a_run_without_a_whole_checkpoint_says_what_is_wrong_with_each() {
    let device = devices().remove(0);
    let (folder, settings) = text();
    let run = folder.path().join("run");
    train_until(trainer(&settings, &run, &device), None);
    for step in checkpoint::steps(&RunFolder::open(&run).unwrap()).unwrap() {
        damage(&run, step, "model.bpk", |_| Vec::new());
    }
    let error = resume(&settings, &run, &device).err().unwrap().to_string();
    assert!(error.contains("no usable checkpoint") && error.contains("step-00000030") && error.contains("model.bpk"));
}

#[test]
fn a_run_of_a_newer_version_is_refused() {
    let device = devices().remove(0);
    let (folder, settings) = text();
    let run = folder.path().join("run");
    train_until(trainer(&settings, &run, &device), None);
    damage(&run, 30, "training.json", |json| {
        String::from_utf8(json).unwrap().replace("\"format\": 1", "\"format\": 99").into_bytes()
    });
    assert!(matches!(resume(&settings, &run, &device).err(), Some(TrainError::NewerFormat { found: 99, .. })));
    let config = fs::read_to_string(run.join("config.toml")).unwrap().replace("format = 3", "format = 7");
    fs::write(run.join("config.toml"), config).unwrap();
    assert!(matches!(RunFolder::open(&run), Err(TrainError::NewerFormat { found: 7, .. })));
}

#[test]
fn the_last_checkpoints_and_the_best_are_kept() {
    let device = devices().remove(0);
    let (folder, mut settings) = text();
    settings.training.checkpoint_every = 4;
    settings.training.keep = 2;
    // After the first evaluation the rate is so high that no later one is better.
    settings.training.learning_rate = 0.01;
    settings.training.schedule = ScheduleKind::Decay;
    (settings.training.decay, settings.training.decay_after) = (1e3, 1);
    settings.training.clip = ClipKind::None;
    settings.training.explode_at = 0.0;
    settings.training.optimizer = OptimizerKind::Sgd;
    settings.data.batch_size = 16;
    let run = folder.path().join("run");
    let (outcome, _) = train_until(trainer(&settings, &run, &device), None);
    let best = outcome.best.unwrap().step;
    let steps = checkpoint::steps(&RunFolder::open(&run).unwrap()).unwrap();
    assert!(best < 28, "{best}");
    assert_eq!(steps, [best, 28, 30]);
    let opened = |which| checkpoint::load(&RunFolder::open(&run).unwrap(), which).unwrap().progress.step;
    assert_eq!([opened(Which::Best), opened(Which::Last), opened(Which::Step(28))], [best, 30, 28]);
}

#[test]
fn a_diverging_loss_stops_with_the_step_the_norms_and_the_last_good_checkpoint() {
    let device = devices().remove(0);
    let (folder, mut settings) = text();
    settings.model.recurrent.cell = Cell::RnnRelu;
    settings.training.clip = ClipKind::None;
    settings.training.optimizer = OptimizerKind::Sgd;
    settings.training.schedule = ScheduleKind::Constant;
    settings.training.learning_rate = 1e4;
    settings.training.checkpoint_every = 1;
    let trainer = trainer(&settings, &folder.path().join("run"), &device);
    let error = trainer.train(&mut (), &StopSignal::default()).unwrap_err();
    let TrainError::Diverged { step, last_checkpoint, gradient_norms, .. } = &error else { panic!("{error}") };
    assert_eq!(last_checkpoint.unwrap() + 1, *step);
    assert!(gradient_norms.iter().any(|(name, _)| name.contains("weight_hh")), "{error}");
}

#[test]
fn patience_ends_a_run_that_does_not_get_better() {
    let device = devices().remove(0);
    let (folder, mut settings) = text();
    settings.training.patience = Some(2);
    settings.training.eval_every = Some(2);
    settings.training.learning_rate = 1e-30;
    let (outcome, _) = train_until(trainer(&settings, &folder.path().join("run"), &device), None);
    assert_eq!((outcome.reason, outcome.steps), (EndReason::OutOfPatience, 6));
}

fn create(path: &Path, settings: &CharsSettings, replace: bool) -> Result<RunFolder, TrainError> {
    RunFolder::create(path, CharsTask::NAME, settings, &(), replace, |_| Ok(()))
}

#[test]
fn a_folder_with_something_else_in_it_is_never_replaced() {
    let (folder, settings) = text();
    let error = create(folder.path(), &settings, true).unwrap_err();
    assert!(matches!(error, TrainError::NotARunFolder { .. }), "{error}");
    assert!(folder.path().join("text.txt").exists());
    let run = folder.path().join("run");
    create(&run, &settings, false).unwrap();
    assert!(matches!(create(&run, &settings, false), Err(TrainError::RunExists { .. })));
    fs::write(run.join("metrics.jsonl"), "old").unwrap();
    fs::write(run.join("mine.txt"), "mine").unwrap();
    create(&run, &settings, true).unwrap();
    assert!(!run.join("metrics.jsonl").exists());
    assert_eq!(fs::read_to_string(run.join("mine.txt")).unwrap(), "mine", "a file of the user's stays");
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left beside the run: {names:?}");
}

#[test]
fn a_run_that_is_being_made_is_no_run_and_the_next_one_takes_its_place() {
    let (folder, settings) = text();
    let run = folder.path().join("run");
    let interrupted = RunFolder::create(&run, CharsTask::NAME, &settings, &(), false, |made| {
        // As a kill at this instant leaves it.
        assert!(matches!(RunFolder::open(made.path()), Err(TrainError::Unfinished { .. })));
        let copy = folder.path().join("copy");
        fs::create_dir(&copy).unwrap();
        for name in ["unfinished", "config.toml"] {
            fs::copy(made.path().join(name), copy.join(name)).unwrap();
        }
        Err(TrainError::Unfinished { path: made.path().to_owned() })
    });
    assert!(interrupted.is_err() && !run.exists());
    let partial = folder.path().join("run.partial");
    assert!(!partial.exists(), "what failed is taken away");
    fs::rename(folder.path().join("copy"), &partial).unwrap();
    create(&run, &settings, false).unwrap();
    assert!(!partial.exists() && RunFolder::open(&run).is_ok());
    // A folder of the user's is none of ours, whatever its name.
    let other = folder.path().join("other");
    fs::create_dir(folder.path().join("other.partial")).unwrap();
    fs::write(folder.path().join("other.partial/mine.txt"), "mine").unwrap();
    assert!(matches!(create(&other, &settings, false), Err(TrainError::NotARunFolder { .. })));
}

#[test]
fn a_replacement_that_is_stopped_at_any_instant_is_finished_by_the_next() {
    let (folder, settings) = text();
    let [run, replaced] = ["run", "run.replaced"].map(|name| folder.path().join(name));
    create(&run, &settings, false).unwrap();
    fs::write(run.join("mine.txt"), "mine").unwrap();
    // The old run has its new name, and the new one not yet its own.
    fs::rename(&run, &replaced).unwrap();
    create(&run, &settings, false).unwrap();
    assert!(run.join("mine.txt").exists() && !replaced.exists());
    // Both have theirs.
    create(&replaced, &settings, false).unwrap();
    fs::write(replaced.join("more.txt"), "mine").unwrap();
    fs::write(run.join("unfinished"), "").unwrap();
    RunFolder::open(&run).unwrap();
    create(&run, &settings, true).unwrap();
    for name in ["mine.txt", "more.txt", "config.toml"] {
        assert!(run.join(name).exists(), "{name}");
    }
    assert!(!replaced.exists() && !run.join("unfinished").exists());
}

#[test]
fn an_empty_folder_becomes_the_run_through_a_link_too() {
    let (folder, settings) = text();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    RunFolder::at(&empty).check_room(false).unwrap();
    assert!(empty.exists(), "a check changes nothing");
    create(&empty, &settings, false).unwrap();
    #[cfg(unix)]
    {
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        for replace in [false, true] {
            let run = create(&link, &settings, replace).unwrap();
            assert_eq!(run.path(), link);
            assert!(link.is_symlink() && RunFolder::open(&real).is_ok());
        }
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 4, "nothing is left beside the runs: {names:?}");
    }
}

#[test]
fn settings_come_back_from_the_run_folder_as_they_went_in() {
    let (folder, mut settings) = text();
    settings.data.pattern = Some("**/*.{c,h}".to_owned());
    settings.training.patience = Some(3);
    settings.model.recurrent.cell = Cell::LayerNormLstm;
    let run = create(&folder.path().join("run"), &settings, false).unwrap();
    assert_eq!(run.settings::<CharsSettings>(CharsTask::NAME).unwrap(), settings);
}

#[test]
fn a_changed_asset_is_refused_by_name() {
    let device = devices().remove(0);
    let (folder, settings) = text();
    let run = folder.path().join("run");
    train_until(trainer(&settings, &run, &device), None);
    let open = || Trained::<CharsTask>::open(&RunFolder::open(&run).unwrap(), Which::Best, &device).map(drop);
    open().unwrap();
    let vocabulary = run.join("vocab.json");
    let whole = fs::read_to_string(&vocabulary).unwrap();
    fs::write(&vocabulary, whole.replace("\"a\"", "\"z\"")).unwrap();
    let error = open().unwrap_err();
    assert!(matches!(&error, TrainError::Damaged { path, .. } if *path == vocabulary), "{error}");
    fs::remove_file(&vocabulary).unwrap();
    assert!(open().unwrap_err().to_string().contains("vocab.json"));
    fs::write(&vocabulary, &whole).unwrap();
    let index = fs::read_to_string(run.join("assets.json")).unwrap();
    fs::write(run.join("assets.json"), index.replace("\"format\": 1", "\"format\": 9")).unwrap();
    assert!(matches!(open().unwrap_err(), TrainError::NewerFormat { found: 9, .. }));
    fs::write(run.join("assets.json"), index.replace("vocab.json", "other.json")).unwrap();
    assert!(open().unwrap_err().to_string().contains("no vocab.json is listed"));
}

#[test]
fn settings_of_a_run_are_checked_whenever_it_is_opened() {
    let device = devices().remove(0);
    let (folder, settings) = text();
    let run = folder.path().join("run");
    train_until(trainer(&settings, &run, &device), None);
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    for (from, to, words) in [
        ("hidden = 8", "hidden = 0", "--hidden 0: must be at least 1"),
        ("hidden = 8", "hidden = \"wide\"", "--hidden wide: must be a whole number"),
        ("sample_temperature = 0.8", "sample_temperature = nan", "--sample-temperature NaN"),
        ("hidden = 8", "hiden = 8", "there is no setting `hiden`"),
        ("[sample]", "[smaple]", "there is no table [smaple]"),
    ] {
        assert!(config.contains(from), "{from}");
        fs::write(run.join("config.toml"), config.replace(from, to)).unwrap();
        let error = Trained::<CharsTask>::open(&RunFolder::open(&run).unwrap(), Which::Best, &device).unwrap_err();
        let TrainError::SettingIn { path, source } = &error else { panic!("{error:?}") };
        assert!(path.ends_with("config.toml") && source.to_string().starts_with(words), "{source}");
        assert!(resume(&settings, &run, &device).is_err());
    }
}

#[test]
fn a_run_goes_on_with_other_data_only_when_told() {
    let device = devices().remove(0);
    let (folder, settings) = text();
    let run = folder.path().join("run");
    train_until(trainer(&settings, &run, &device), Some(13));
    // As many bytes and characters as before, in another order.
    let path = folder.path().join("text.txt");
    let text: String = fs::read_to_string(&path).unwrap().chars().rev().collect();
    fs::write(&path, text).unwrap();
    let error = resume(&settings, &run, &device).err().unwrap();
    assert!(matches!(error, TrainError::OtherData { .. }) && error.to_string().contains("--other-data"), "{error}");
    let trainer = Trainer::<CharsTask>::resume(RunFolder::open(&run).unwrap(), |_| {}, true, &device).unwrap();
    assert_eq!(train_until(trainer, None).0.steps, 30);
    assert_eq!(
        train_until(resume(&settings, &run, &device).unwrap(), None).0.steps,
        30,
        "the other data is the run's now"
    );
}

#[test]
fn a_run_that_begins_with_other_weights_has_them_before_its_first_step() {
    let device = devices().remove(0);
    let (folder, settings) = text();
    let [source, run] = ["source", "run"].map(|name| folder.path().join(name));
    train_until(trainer(&settings, &source, &device), None);
    let task = CharsTask::open(&settings, None, &device).unwrap();
    let new = NewRun { out: run.clone(), init_from: Some(source.clone()), ..NewRun::default() };
    let interrupted = Trainer::create(task, &settings, &new, &device).unwrap();
    assert!(interrupted.summary().contains("symbols have weights"));
    drop(interrupted);
    let (outcome, _) = train_until(resume(&settings, &run, &device).unwrap(), Some(1));
    let first: f64 = figures(&run)[0].0.parse().unwrap();
    let last: f64 = figures(&source).last().unwrap().0.parse().unwrap();
    // A fresh model begins with the logarithm of the number of characters, 2.7.
    assert!(outcome.steps == 1 && (first - last).abs() < 0.3, "{first} after {last}");
}

#[test]
fn meaningless_settings_are_named() {
    let check = |name: &str, change: &dyn Fn(&mut CharsSettings)| {
        let mut settings = CharsSettings::default();
        change(&mut settings);
        let error = settings.validate().unwrap_err().to_string();
        assert!(error.contains(name), "{name}: {error}");
    };
    check("--layers 0", &|s| s.model.recurrent.layers = 0);
    check("--hidden 0", &|s| s.model.recurrent.hidden = 0);
    check("--dropout 1", &|s| s.model.recurrent.dropout = 1.0);
    check("embedding 0", &|s| (s.model.tied, s.model.embedding) = (true, 0));
    check("learning-rate 0", &|s| s.training.learning_rate = 0.0);
    check("learning-rate NaN", &|s| s.training.learning_rate = f64::NAN);
    check("clip-at -1", &|s| s.training.clip_at = -1.0);
    check("accumulate 0", &|s| s.training.accumulate = 0);
    check("keep 0", &|s| s.training.keep = 0);
    check("--sample-temperature -1", &|s| s.sample.sample_temperature = -1.0);
}

#[test]
fn an_evaluation_that_is_no_number_is_never_the_best() {
    let device = devices().remove(0);
    let (folder, mut settings) = text();
    let run = folder.path().join("run");
    settings.training.eval_every = Some(1);
    settings.training.learning_rate = 1e38;
    let error = trainer(&settings, &run, &device).train(&mut (), &StopSignal::default()).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
    let checkpoint = checkpoint::load(&RunFolder::open(&run).unwrap(), Which::Best).unwrap();
    assert_eq!((checkpoint.progress.best, checkpoint.progress.fruitless), (None, checkpoint.progress.step));
}

#[test]
fn a_flipped_bit_in_the_list_of_a_checkpoint_is_found() {
    let device = devices().remove(0);
    let (folder, settings) = text();
    let run = folder.path().join("run");
    train_until(trainer(&settings, &run, &device), None);
    let path = run.join("checkpoints/step-00000030/training.json");
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(7) {
        let mut other = whole.clone();
        other[at] ^= 1;
        fs::write(&path, &other).unwrap();
        let loaded = checkpoint::load(&RunFolder::open(&run).unwrap(), Which::Last).unwrap();
        assert!(loaded.progress.step == 20 && loaded.rejected.len() == 1, "byte {at}");
    }
}

#[test]
fn a_damaged_checkpoint_does_not_outlive_a_good_one() {
    let device = devices().remove(0);
    let (folder, mut settings) = text();
    let run = folder.path().join("run");
    (settings.training.eval_every, settings.training.keep) = (Some(7), 2);
    settings.training.checkpoint_every = 3;
    train_until(trainer(&settings, &run, &device), None);
    fs::write(run.join("checkpoints/step-00000030/model.bpk"), b"damaged").unwrap();
    settings.training.keep = 1;
    let (outcome, watcher) = train_until(resume(&settings, &run, &device).unwrap(), Some(29));
    assert!(outcome.steps == 29 && watcher.warnings.iter().any(|warning| warning.contains("damaged")));
    let run = RunFolder::open(&run).unwrap();
    assert!(checkpoint::steps(&run).unwrap().contains(&29));
    let last = checkpoint::load(&run, Which::Last).unwrap();
    assert!(last.progress.step == 29 && last.rejected.is_empty());
}

#[test]
fn an_evaluation_that_was_interrupted_is_done_when_the_run_is_resumed() {
    let device = devices().remove(0);
    let (folder, settings) = text();
    let [broken, whole] = ["broken", "whole"].map(|name| folder.path().join(name));
    // The stop is asked for at a step after which an evaluation is due.
    let (outcome, _) = train_until(trainer(&settings, &broken, &device), Some(20));
    assert_eq!((outcome.steps, outcome.reason), (20, EndReason::Stopped));
    let last = checkpoint::load(&RunFolder::open(&broken).unwrap(), Which::Last).unwrap();
    assert!(last.progress.interrupted && last.progress.best.is_some_and(|best| best.step == 10));
    let (outcome, _) = train_until(resume(&settings, &broken, &device).unwrap(), None);
    let (unbroken, _) = train_until(trainer(&settings, &whole, &device), None);
    assert_eq!(outcome, unbroken);
    assert_eq!(figures(&broken), figures(&whole));
}
