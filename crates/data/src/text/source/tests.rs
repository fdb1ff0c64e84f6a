//! Sources and their files.

use std::fs;

use super::*;

/// The kind of a failure.
fn kind<T: fmt::Debug>(result: Result<T, DataError>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn a_source_is_read_from_its_command_line_form() {
    let folder = tempfile::tempdir().unwrap();
    let comma = folder.path().join("a,b.txt");
    fs::write(&comma, "x").unwrap();

    let parse = |text: &str| TextSource::parse(text).unwrap();
    assert_eq!(parse("builtin:source"), TextSource::Builtin("source".into()));
    assert_eq!(parse("no/such.txt"), TextSource::File("no/such.txt".into()));
    assert_eq!(parse("a.txt,b.txt"), TextSource::Files(vec!["a.txt".into(), "b.txt".into()]));
    assert_eq!(parse(comma.to_str().unwrap()), TextSource::File(comma.clone()));
    assert_eq!(
        parse(folder.path().to_str().unwrap()),
        TextSource::Folder { path: folder.path().into(), pattern: "**/*".into() }
    );
    for text in ["builtin:source", "a.txt", "a.txt,b.txt"] {
        assert_eq!(parse(text).to_string(), text);
    }
    for text in ["", ",", "a.txt,", ",b.txt"] {
        assert!(kind(TextSource::parse(text)) == ErrorKind::Setting, "{text:?}");
    }
}

#[test]
fn a_folder_gives_its_matching_files_in_order_without_hidden_ones() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.c", "a.h", "z/a.c", "z/note.md", ".git/x.c", "z/.hidden.c"] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    let source = TextSource::parse(folder.path().to_str().unwrap()).unwrap();
    let names = |pattern: &str| -> Vec<String> {
        let files = source.clone().with_pattern(pattern).unwrap().files().unwrap();
        let below = files.iter().map(|file| file.strip_prefix(folder.path()).unwrap());
        below.map(|file| file.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("**/*"), ["a.h", "b.c", "z/a.c", "z/note.md"]);
    assert_eq!(names("**/*.{c,h}"), ["a.h", "b.c", "z/a.c"]);
    assert_eq!(names("*.c"), ["b.c", "z/a.c"]);
    assert_eq!(names("z/*"), ["z/a.c", "z/note.md"]);
}

#[test]
fn patterns_that_cannot_work_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = TextSource::parse(folder.path().to_str().unwrap()).unwrap();
    assert!(kind(source.clone().with_pattern("*.{c")) == ErrorKind::Setting);
    for long in ["{".repeat(100_000), "a".repeat(5000)] {
        assert!(kind(source.clone().with_pattern(&long)) == ErrorKind::Setting);
    }
    // Valid, and far deeper than a regular expression may be.
    let deep = source.clone().with_pattern(&("{".repeat(2000) + "a" + &"}".repeat(2000)));
    drop(deep.and_then(|deep| deep.files()));
    assert!(kind(source.files()) == ErrorKind::NotFound);
    let file = TextSource::File("a.txt".into());
    assert!(kind(file.with_pattern("*.c")) == ErrorKind::Setting);
    let gone = TextSource::Folder { path: folder.path().join("gone"), pattern: "*".into() };
    assert!(kind(gone.files()) == ErrorKind::NotFound);
}
