//! Settings that are refused.

use std::fs;

use rekindle_settings::Settings;

use super::*;

#[test]
fn one_column_for_texts_and_labels_is_refused() {
    let mut settings = LabelledSettings { label_column: Some("a".to_owned()), ..LabelledSettings::default() };
    settings.files.text_column = Some("b".to_owned());
    settings.validate().unwrap();
    settings.files.text_column = Some("a".to_owned());
    let error = settings.validate().unwrap_err().to_string();
    assert_eq!(error, "--label-column a: must be another column than --text-column");
}

#[test]
fn a_folder_of_splits_does_not_serve_as_validation_texts() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train.tsv"), "good\t1\nbad\t0\n").unwrap();
    let dev = Some(folder.path().display().to_string());
    let error = LabelledSettings { dev, ..LabelledSettings::default() }.texts().unwrap_err().to_string();
    assert!(error.contains("splits") && error.contains("--dev") && error.ends_with("train.tsv"), "{error}");
}
