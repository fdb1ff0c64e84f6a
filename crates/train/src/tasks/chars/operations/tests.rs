//! Options of evaluations.

use std::fs;

use rekindle_data::{DataError, ErrorKind};
use rstest::rstest;

use super::*;

#[rstest]
#[case::split(None, TextFormat::Plain, None, None, None)]
#[case::pattern_of_split(None, TextFormat::Plain, Some("*"), None, Some("use them with --data"))]
#[case::column_of_split(None, TextFormat::Texts, None, Some("1"), Some("use them with --data"))]
#[case::folder(Some("."), TextFormat::Plain, Some("*"), None, None)]
#[case::table(Some("a.csv"), TextFormat::Texts, None, Some("1"), None)]
#[case::pattern_of_texts(Some("."), TextFormat::Texts, Some("*"), None, Some("--pattern *: must be left out"))]
#[case::column_of_plain(Some("a"), TextFormat::Plain, None, Some("1"), Some("--text-column 1: must be left out"))]
fn options_that_would_be_ignored_are_refused(
    #[case] data: Option<&str>,
    #[case] format: TextFormat,
    #[case] pattern: Option<&str>,
    #[case] column: Option<&str>,
    #[case] wanted: Option<&str>,
) {
    let on = data.map_or(On::Split(Split::Test), |data| On::Data(data.to_owned()));
    let reading = Reading { pattern: pattern.map(str::to_owned), text_column: column.map(str::to_owned) };
    let error = reading.check(&on, format).err().map(|error| error.to_string());
    assert_eq!(error.is_some(), wanted.is_some(), "{error:?}");
    assert!(error.iter().all(|error| error.contains(wanted.unwrap())), "{error:?}");
}

#[test]
fn a_folder_of_splits_is_not_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train.tsv"), "good\t1\n").unwrap();
    let on = On::Data(folder.path().display().to_string());
    let error = Reading::default().check(&on, TextFormat::Texts).unwrap_err();
    assert_eq!(error.downcast_ref::<DataError>().map(DataError::kind), Some(ErrorKind::Setting), "{error}");
    Reading::default().check(&on, TextFormat::Plain).unwrap();
}
