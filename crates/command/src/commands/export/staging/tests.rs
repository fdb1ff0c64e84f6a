//! Folders that are there whole or not at all.

use std::fs;
use std::path::Path;

use super::Staging;

/// A folder with two files of this text that is not yet there.
fn staged(target: &Path, text: &str) -> Staging {
    let staging = Staging::new(target).unwrap();
    for name in ["weights", "config"] {
        fs::write(staging.path().join(name), text).unwrap();
    }
    staging
}

fn text(target: &Path, name: &str) -> String {
    fs::read_to_string(target.join(name)).unwrap()
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn files_appear_when_all_are_there_and_replace_those_of_before() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("within/export");
    for new in ["first", "second"] {
        let staging = staged(&target, new);
        assert_eq!(target.exists(), new == "second");
        if new == "second" {
            assert_eq!((text(&target, "weights"), text(&target, "config")), ("first".into(), "first".into()));
        }
        staging.publish("config", &[]).unwrap();
        assert_eq!((text(&target, "weights"), text(&target, "config")), (new.into(), new.into()));
        assert_eq!(count(&place.path().join("within")), 1, "nothing else is left");
    }
}

#[test]
fn what_is_not_published_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    drop(staged(&place.path().join("export"), "text"));
    assert_eq!(count(place.path()), 0);
}

#[test]
fn files_of_others_stay() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("mine"), "mine").unwrap();
    staged(place.path(), "first").publish("config", &[]).unwrap();
    staged(place.path(), "second").publish("config", &[]).unwrap();
    assert_eq!((text(place.path(), "mine"), text(place.path(), "config")), ("mine".into(), "second".into()));
    assert_eq!(count(place.path()), 3);
}

#[test]
fn files_of_an_earlier_export_go_and_those_of_others_stay() {
    for mine in [false, true] {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("export");
        staged(&target, "first").publish("config", &[]).unwrap();
        for name in ["old", "unnamed"].into_iter().take(1 + usize::from(mine)) {
            fs::write(target.join(name), name).unwrap();
        }
        // A name without a file, and a folder, are left alone.
        let earlier = ["old", "missing", "weights", "folder"].map(str::to_owned);
        if mine {
            fs::create_dir(target.join("folder")).unwrap();
        }
        staged(&target, "second").publish("config", &earlier).unwrap();
        assert_eq!((text(&target, "weights"), text(&target, "config")), ("second".into(), "second".into()));
        assert!(!target.join("old").exists());
        assert_eq!((target.join("unnamed").exists(), target.join("folder").exists()), (mine, mine));
        assert_eq!(count(place.path()), 1, "nothing else is left");
    }
}
