//! The task of a file of settings.

use std::ffi::OsString;
use std::fs;

use super::with_task;

#[test]
fn the_task_of_the_file_follows_train_wherever_other_options_stand() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("min.toml");
    fs::write(&file, "task = \"chars\"\n").unwrap();
    let file = file.to_str().unwrap();
    let joined = format!("--config={file}");
    for (given, wanted) in [
        (vec!["train", "--config", file], vec!["train", "chars", "--config", file]),
        (vec!["-q", "train", &joined], vec!["-q", "train", "chars", &joined]),
        (vec!["-q", "--quiet", "train", "--config", file], vec!["-q", "--quiet", "train", "chars", "--config", file]),
        (vec!["train", "-q", "--config", file], vec!["train", "chars", "-q", "--config", file]),
        (vec!["-q", "train", "frames", "--config", file], vec!["-q", "train", "frames", "--config", file]),
        (vec!["-q", "train", "--resume", "run"], vec!["-q", "train", "--resume", "run"]),
        (vec!["-q", "sample", "train", "--config", file], vec!["-q", "sample", "train", "--config", file]),
        (vec!["-q"], vec!["-q"]),
    ] {
        let arguments = |words: &[&str]| [&["rekindle"][..], words].concat().into_iter().map(OsString::from).collect();
        let wanted: Vec<OsString> = arguments(&wanted);
        assert_eq!(with_task(arguments(&given)).unwrap(), wanted);
    }
}
