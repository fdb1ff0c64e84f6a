//! The embedded catalogue, and broken ones.

use std::fs;

use rstest::rstest;

use super::*;

const GOOD: &str = r#"
    [[entry]]
    name = "letters"
    task = "chars"
    description = "letters"
    licence = "none"
    source = "nobody"
    [[entry.files]]
    path = "a/b.txt"
    url = "http://example.org/b.txt"
    bytes = 3
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"#;

#[test]
fn the_embedded_catalogue_is_in_order() {
    let text = include_str!("catalogue.toml");
    let catalogue = Catalogue::parse("catalogue.toml", text).unwrap();
    assert_eq!(catalogue, Catalogue::embedded());
    assert!(catalogue.find("tiny-shakespeare").is_ok());
}

#[test]
fn a_set_is_present_when_its_files_have_their_sizes() {
    let catalogue = Catalogue::parse("good", GOOD).unwrap();
    let entry = catalogue.find("letters").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = entry.local_path(&entry.files[0], folder.path());
    assert_eq!(path, folder.path().join("letters/a/b.txt"));
    assert!(!entry.is_present(folder.path()));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "ab").unwrap();
    assert!(!entry.is_present(folder.path()));
    fs::write(&path, "abc").unwrap();
    assert!(entry.is_present(folder.path()));
}

#[test]
fn a_name_that_is_not_in_it_is_answered_with_those_that_are() {
    let error = Catalogue::parse("good", GOOD).unwrap().find("digits").unwrap_err();
    let message = error.to_string();
    assert!(message.contains("digits") && message.contains("letters"), "{message}");
}

#[rstest]
#[case::climbs_out("a/b.txt", "../b.txt", "path")]
#[case::absolute("a/b.txt", "/b.txt", "path")]
#[case::not_plain("a/b.txt", "b c.txt", "path")]
#[case::no_address("http://example.org", "file://example.org", "url")]
#[case::short_hash("ba7816bf", "ba", "sha256")]
#[case::upper_case_hash("ba7816bf", "BA7816BF", "sha256")]
#[case::odd_name("\"letters\"\n    task", "\"let/ters\"\n    task", "plain name")]
fn an_entry_that_cannot_work_is_refused(#[case] from: &str, #[case] to: &str, #[case] reason: &str) {
    let toml = GOOD.replace(from, to);
    assert_ne!(toml, GOOD);
    let error = Catalogue::parse("bad.toml", &toml).unwrap_err().to_string();
    assert!(error.contains("bad.toml") && error.contains(reason), "{error}");
}

#[test]
fn a_catalogue_with_one_name_twice_or_no_files_or_no_toml_is_refused() {
    let twice = Catalogue::parse("x", &format!("{GOOD}{GOOD}")).unwrap_err();
    assert!(twice.to_string().contains("twice"), "{twice}");
    let (head, _) = GOOD.split_once("[[entry.files]]").unwrap();
    let none = Catalogue::parse("x", &format!("{head}files = []")).unwrap_err();
    assert!(none.to_string().contains("no files"), "{none}");
    for toml in ["[[entry", "entry = 3", head, &GOOD.replace("bytes = 3", "bytes = -3")] {
        let result = Catalogue::parse("x", toml);
        assert!(result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Format), "{toml}");
    }
}
