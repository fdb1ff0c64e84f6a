//! What is refused before the first run of a sweep.

use std::fs;
use std::path::Path;

use rekindle_settings::{Table, Tables, Value};

use super::{Choice, check_different, check_folders};

/// Choices of these learning rates.
fn rates(rates: &[f64]) -> Vec<Choice> {
    let choice = |&rate: &f64| Choice {
        values: vec![("learning-rate".to_owned(), Value::Float(rate))],
        settings: Tables { file: Table::new(), given: Table::new() },
    };
    rates.iter().map(choice).collect()
}

#[test]
fn values_that_are_given_twice_are_named_with_their_folder() {
    let folder = Path::new("sweep");
    check_different(&rates(&[0.001, 0.002]), folder).unwrap();
    let error = check_different(&rates(&[0.001, 0.002, 1e-3]), folder).unwrap_err().to_string();
    let place = folder.join("learning-rate=0.001");
    assert!(error.starts_with("learning-rate=0.001 ") && error.contains(&place.display().to_string()), "{error}");
}

#[test]
fn folders_that_hold_runs_or_other_files_are_named() {
    let place = tempfile::tempdir().unwrap();
    let choices = rates(&[0.001, 0.002]);
    let check = |replace| check_folders(&choices, place.path(), replace, None);
    check(false).unwrap();
    let second = place.path().join("learning-rate=0.002");
    fs::create_dir(&second).unwrap();
    check(false).unwrap();
    assert!(second.exists(), "an empty folder stays until its run is created");
    fs::write(second.join("config.toml"), "").unwrap();
    let error = check(false).unwrap_err().to_string();
    assert!(error.contains("learning-rate=0.002 already holds a run") && error.contains("--force"), "{error}");
    check(true).unwrap();
    fs::remove_file(second.join("config.toml")).unwrap();
    fs::write(second.join("mine"), "mine").unwrap();
    assert!(check(true).unwrap_err().to_string().contains("learning-rate=0.002 is not empty"));
}

#[test]
fn the_run_whose_weights_all_start_from_is_not_replaced() {
    let place = tempfile::tempdir().unwrap();
    let source = place.path().join("learning-rate=0.002");
    fs::create_dir(&source).unwrap();
    let check = |rates: &[f64]| check_folders(&self::rates(rates), place.path(), true, Some(&source));
    check(&[0.001, 0.003]).unwrap();
    assert!(check(&[0.001, 0.002]).unwrap_err().to_string().contains("give another --out"));
}
