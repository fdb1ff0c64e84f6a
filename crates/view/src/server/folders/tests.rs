use super::*;

/// A run of which nothing but its presence matters.
fn run(path: &Path) {
    fs::create_dir_all(path).unwrap();
    fs::write(path.join(CONFIG), "").unwrap();
}

#[test]
fn runs_are_found_at_any_depth_with_names_of_their_own() {
    let place = tempfile::tempdir().unwrap();
    for path in ["a/chars", "a/old/chars", "b/chars", ".hidden/chars", "b/chars/within", "alone"] {
        run(&place.path().join(path));
    }
    let folders = Folders::open(&["a", "b", "alone"].map(|name| place.path().join(name))).unwrap();
    let runs = folders.runs();
    let names: Vec<&str> = runs.iter().map(|run| &run.name[..]).collect();
    let full = |path: &str| fs::canonicalize(place.path().join(path)).unwrap().display().to_string();
    assert_eq!(names, [&full("a/chars"), "old/chars", "alone", &full("b/chars")].map(|name| name));
    let mut ids: Vec<&str> = runs.iter().map(|run| &run.id[..]).collect();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    assert!(ids.iter().all(|id| id.len() == ID && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    assert_eq!(folders.runs(), runs, "ids stay");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = Folders::open(&["nowhere".into()]).unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_out_of_the_folders() {
    use std::os::unix::fs::symlink;
    let place = tempfile::tempdir().unwrap();
    let (inside, outside) = (place.path().join("inside"), place.path().join("outside"));
    run(&outside.join("secret"));
    run(&inside.join("own"));
    symlink(outside.join("secret"), inside.join("link")).unwrap();
    symlink(inside.join("own"), inside.join("again")).unwrap();
    let folders = Folders::open(std::slice::from_ref(&inside)).unwrap();
    assert_eq!(folders.runs().iter().map(|run| &run.name[..]).collect::<Vec<_>>(), ["own"]);
    assert!(!folders.hold(&inside.join("link")) && folders.hold(&inside.join("again")));
    let own = fs::canonicalize(inside.join("own")).unwrap();
    assert_eq!(folders.link_out(&own), None);
    fs::create_dir_all(own.join("checkpoints/step-1")).unwrap();
    symlink("/etc/hostname", own.join("checkpoints/step-1/model.bpk")).unwrap();
    assert_eq!(folders.link_out(&own), Some(own.join("checkpoints/step-1/model.bpk")));
    assert!(!folders.hold_file(&own.join("checkpoints/step-1/model.bpk")));
    assert!(!folders.hold_file(&own), "a folder is no file");
    assert!(!folders.hold(&inside.join("../outside/secret")));
    // A folder that was given may itself be a link.
    symlink(&outside, place.path().join("given")).unwrap();
    assert_eq!(Folders::open(&[place.path().join("given")]).unwrap().runs().len(), 1);
}
