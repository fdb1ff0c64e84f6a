//! Names of built-in sets.

use super::*;

#[test]
fn the_source_is_this_crates_own() {
    let source = text("source").unwrap();
    assert!(source.contains("fn the_source_is_this_crates_own()"));
    assert!(source.starts_with("// "), "each file begins with its name");
}

#[test]
fn another_name_is_answered_with_the_names_there_are() {
    let error = text("sauce").unwrap_err().to_string();
    assert!(error.contains("sauce") && error.contains("source"), "{error}");
}
