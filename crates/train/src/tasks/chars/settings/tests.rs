//! Settings that are refused.

use rekindle_settings::Settings;
use rstest::rstest;

use super::*;

#[rstest]
#[case(0.95, 0.1, Some("--train-share 0.95: must be such that it and --validation-share 0.1 add up to at most 1"))]
#[case(0.0, 0.1, Some("--train-share 0"))]
#[case(0.95, 0.05, None)]
#[case(0.7, 0.3, None)]
fn shares_add_up_to_one_at_most(#[case] train: f64, #[case] validation: f64, #[case] wanted: Option<&str>) {
    let mut settings = TextSettings { train_share: train, ..TextSettings::default() };
    settings.hold_out.validation_share = validation;
    let error = settings.validate().map_err(|error| error.to_string());
    match (error, wanted) {
        (Err(error), Some(wanted)) => assert!(error.starts_with(wanted), "{error}"),
        (found, wanted) => assert_eq!(found.is_ok(), wanted.is_none(), "{found:?}"),
    }
}

#[test]
fn an_encoding_needs_the_format_that_it_is_for() {
    let mut settings = TextSettings::default();
    settings.files.encoding = "windows-1252".parse().unwrap();
    // A run of an older version that has one still opens.
    settings.validate().unwrap();
    let error = settings.check_used().unwrap_err().to_string();
    assert!(error.starts_with("--encoding windows-1252: must be given with --format texts"), "{error}");
    settings.format = TextFormat::Texts;
    settings.check_used().unwrap();
}

#[test]
fn a_text_of_a_person_has_the_form_of_the_format_whatever_the_unit() {
    let mut settings = TextSettings::default();
    assert_eq!(settings.form("It's\nGOOD"), "It's\nGOOD");
    settings.format = TextFormat::Texts;
    for unit in [Unit::Char, Unit::Byte, Unit::Word, Unit::Bpe] {
        settings.units = unit;
        assert_eq!(settings.form("It's\nGOOD"), " it 's\n good", "{unit}");
    }
}
