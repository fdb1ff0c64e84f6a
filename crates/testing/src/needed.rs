//! Tests that need what a machine may not have.

/// Whether what a test needs is there. If not, this prints that the test is skipped because of `missing`.
///
/// # Panics
///
/// When it is not there, and the environment variable `variable` is `required`.
pub fn there(variable: &str, there: bool, missing: &str) -> bool {
    let required = std::env::var(variable).is_ok_and(|value| value == "required");
    assert!(there || !required, "{variable}=required, and {missing}");
    if !there {
        eprintln!("skipped: {missing}");
    }
    there
}
