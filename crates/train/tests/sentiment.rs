//! `sentiment` on every backend that is compiled in: it learns the built-in reviews, and resumes exactly. Burn's random
//! numbers are shared by all threads of a process, so what draws from them is one test.

mod support;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use rekindle_settings::{Sections, SettingError};
use rekindle_train::run::RunFolder;
use rekindle_train::run::checkpoint::Which;
use rekindle_train::task::{Task, Trained};
use rekindle_train::tasks::sentiment::{SentimentSettings, SentimentTask};
use rekindle_train::trainer::{EndReason, NewRun, Outcome, Trainer};
use support::{Watcher, devices, figures};

fn settings() -> SentimentSettings {
    let mut settings = SentimentSettings::default();
    (settings.model.recurrent.hidden, settings.model.embedding) = (16, 16);
    settings.training.print_every = 1;
    settings
}

fn trainer(settings: &SentimentSettings, path: &Path, device: &Device) -> Trainer<SentimentTask> {
    let task = SentimentTask::open(settings, None, device).unwrap();
    let new = NewRun { out: path.to_owned(), ..NewRun::default() };
    Trainer::create(task, settings, &new, device).unwrap()
}

fn train(trainer: Trainer<SentimentTask>, stop_after: Option<u64>) -> Outcome {
    let mut watcher = Watcher { stop_after, ..Watcher::default() };
    let signal = watcher.signal.clone();
    trainer.train(&mut watcher, &signal).unwrap()
}

#[test]
fn the_built_in_reviews_are_learnt_and_a_resumed_run_has_the_losses_of_an_unbroken_one() {
    for device in devices() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings();
        settings.training.steps = Some(100);
        let [unbroken, broken] = ["unbroken", "broken"].map(|name| folder.path().join(name));
        train(trainer(&settings, &unbroken, &device), None);
        // 72 batches are an epoch.
        assert_eq!(train(trainer(&settings, &broken, &device), Some(75)).reason, EndReason::Stopped);
        let run = RunFolder::open(&broken).unwrap();
        let resumed = Trainer::<SentimentTask>::resume(run, |_| {}, false, &device).unwrap();
        assert_eq!(train(resumed, None).reason, EndReason::Finished);
        assert_eq!(figures(&broken), figures(&unbroken), "{device:?}");

        let path = folder.path().join("learnt");
        settings.training.steps = Some(288);
        settings.training.learning_rate = 0.01;
        let model = &mut settings.model;
        (model.recurrent.dropout, model.embedding_dropout, model.word_dropout) = (0.1, 0.0, 0.0);
        let outcome = train(trainer(&settings, &path, &device), None);
        // The classes differ without doubt.
        assert!(outcome.best.unwrap().objective < 0.02, "{outcome:?}");
        assert!(fs::read_to_string(path.join("pictures/confusion.svg")).unwrap().contains("positive"));

        let run = RunFolder::open(&path).unwrap();
        let trained = Trained::<SentimentTask>::open(&run, Which::Best, &device).unwrap();
        let texts = ["the film was not very dull and the popcorn was stale.", "the story was awful.", ""];
        let found = trained.classify(&texts).unwrap();
        assert_eq!([trained.class(found[0].class), trained.class(found[1].class)], ["positive", "negative"]);
        assert!(found[2].empty && !found[0].empty);
        let (explained, parts) = trained.explain(texts[0]);
        assert_eq!(explained.class, found[0].class);
        assert_eq!(parts.iter().map(|(part, _)| *part).collect::<String>(), texts[0]);
        // A model that is on a device with autodiff already explains a text in the same way.
        let trained = Trained::<SentimentTask>::open(&run, Which::Best, &device.clone().autodiff()).unwrap();
        assert_eq!(trained.explain(texts[0]), (explained, parts));
    }
}

#[test]
fn settings_without_meaning_are_named() {
    let check = |name: &str, change: &dyn Fn(&mut SentimentSettings)| {
        let mut settings = SentimentSettings::default();
        change(&mut settings);
        let error = settings.validate().unwrap_err().to_string();
        assert!(error.contains(name), "{name}: {error}");
    };
    check("--hidden 0", &|s| s.model.recurrent.hidden = 0);
    check("--max-length 0", &|s| s.data.max_length = 0);
    check("--batch-size 0", &|s| s.data.batch_size = 0);
    check("--word-dropout 1", &|s| s.model.word_dropout = 1.0);
    check("--embedding-dropout NaN", &|s| s.model.embedding_dropout = f64::NAN);
    check("--learning-rate 0", &|s| s.training.learning_rate = 0.0);
}

#[test]
fn vectors_of_another_width_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings();
    let path = folder.path().join("vectors.txt");
    fs::write(&path, "film 1 2 3\n").unwrap();
    settings.data.embeddings = Some(path);
    let error = SentimentTask::open(&settings, None, &devices()[0]).unwrap_err();
    let setting = error.downcast_ref::<SettingError>();
    assert!(matches!(setting, Some(SettingError::Invalid { option, .. }) if option == "embedding"), "{error}");
    settings.model.embedding = 3;
    let task = SentimentTask::open(&settings, None, &devices()[0]).unwrap();
    assert!(task.data().summary.contains("1 of"), "{}", task.data().summary);
}

#[test]
fn a_first_line_that_may_be_a_header_is_in_the_summary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tweets.csv");
    fs::write(&path, format!("tweet,target\n{}", "good film,pos\nbad film,neg\n".repeat(9))).unwrap();
    let mut settings = settings();
    settings.data.data = path.display().to_string();
    let task = SentimentTask::open(&settings, None, &devices()[0]).unwrap();
    let warning = format!("warning: {}, line 1: no other line has the label `target`", path.display());
    assert!(task.data().summary.contains(&warning), "{}", task.data().summary);
}
