//! Settings that are refused.

use rekindle_settings::Settings;

use super::*;

#[test]
fn one_column_for_both_languages_is_refused() {
    let error = PairSettings { source_column: 2, ..PairSettings::default() }.validate().unwrap_err().to_string();
    assert_eq!(error, "--target-column 2: must be another column than --source-column");
    PairSettings { source_column: 2, target_column: 1, ..PairSettings::default() }.validate().unwrap();
}
