//! A new run is not made in the place of what it is made from.

use std::fs;
use std::path::Path;

use super::check_apart;

#[test]
fn a_run_is_apart_from_what_it_is_made_from() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let check = |out: &str, input: &str| check_apart(&at(out), [at("other").as_path(), at(input).as_path()]);
    fs::create_dir_all(at("runs/a/export")).unwrap();
    fs::create_dir_all(at("runs/b")).unwrap();
    fs::write(at("runs/a/export/model.safetensors"), "weights").unwrap();
    for (out, input, relation) in [
        ("runs/a", "runs/a", "is"),
        ("runs/./a", "runs/a", "is"),
        ("runs/b/../a", "runs/a", "is"),
        ("runs/a", "runs/a/export", "contains"),
        ("runs/a", "runs/a/export/model.safetensors", "contains"),
        ("runs", "runs/a", "contains"),
        ("runs/a/new/deeper", "runs/a", "is inside of"),
    ] {
        let error = check(out, input).unwrap_err().to_string();
        assert!(error.contains(&format!("it {relation} {}", at(input).display())), "{out}, {input}: {error}");
    }
    for out in ["runs/a-2", "runs/new", "a", "runs/export"] {
        check(out, "runs/a").unwrap();
        check(out, "runs/a/export").unwrap();
    }
    check_apart(Path::new("new"), [at("runs/a").as_path()]).unwrap();
}

#[test]
#[cfg(unix)]
fn a_link_to_a_run_is_that_run() {
    let place = tempfile::tempdir().unwrap();
    let (run, link) = (place.path().join("run"), place.path().join("link"));
    fs::create_dir(&run).unwrap();
    std::os::unix::fs::symlink(&run, &link).unwrap();
    for [out, input] in [[&run, &link], [&link, &run]] {
        assert!(check_apart(out, [input.as_path()]).is_err());
    }
}
