//! Names of built-in sets.

use super::*;
use crate::captions::{CaptionOptions, CaptionSet};
use crate::frames::FrameSource;
use crate::images::{ImageReader, ImageSet};
use crate::labelled::LabelledSource;

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

#[test]
fn every_built_in_set_is_listed_under_its_task() {
    let pairs = PairSource {
        data: "builtin:nothing".to_owned(),
        languages: [String::new(), String::new()],
        columns: [1, 2],
        validation_share: 0.5,
    };
    let error_of = |task: &str| match task {
        "caption" => CaptionSet::open("builtin:nothing", &CaptionOptions::default()).unwrap_err(),
        "chars" => text("nothing").unwrap_err(),
        "draw" => ImageSet::open("builtin:nothing", &ImageReader::default()).unwrap_err(),
        "frames" => FrameSource::parse("builtin:nothing", None).unwrap_err(),
        "sentiment" => LabelledSource::parse("builtin:nothing").unwrap_err(),
        "translate" => pairs.training().unwrap_err(),
        other => panic!("no set of {other} is known here"),
    };
    let sets = sets();
    for BuiltinSet { name, task, description } in &sets {
        assert!(name.starts_with(PREFIX) && !description.is_empty(), "{name}");
        // The error lists the names that the task knows.
        let names: Vec<&str> =
            sets.iter().filter(|set| set.task == *task).map(|set| &set.name[PREFIX.len()..]).collect();
        let error = error_of(task).to_string();
        assert!(error.ends_with(&format!("there is: {}", names.join(", "))), "{error}");
    }
}
