use std::fs;
use std::path::PathBuf;

use rstest::rstest;
use tempfile::TempDir;

use super::*;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let paths = files.iter().map(|(name, text)| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    });
    let paths = paths.collect();
    (folder, paths)
}

#[test]
fn lines_have_the_references_of_all_files() {
    let (_folder, paths) = folder(&[("a", "A b\nC\n"), ("b", "a B\r\nc d\r\n"), ("hyp", "\nx")]);
    let outputs = References::open(&paths[..2]).unwrap().outputs(&paths[2]).unwrap();
    assert_eq!(outputs.hypotheses, ["", "x"], "a system may write nothing");
    assert_eq!(outputs.references, [["A b", "a B"], ["C", "c d"]]);
}

#[test]
fn results_may_be_of_some_images_only() {
    let annotations = r#"{"images": [{"id": 1}], "annotations": [{"id": 5, "image_id": 1, "caption": "A dog."},
        {"image_id": 2, "caption": "A cat."}, {"image_id": 1, "caption": "One dog."}, {"image_id": "x", "caption": "X"}]}"#;
    let results = r#"[{"image_id": "x", "caption": "y"}, {"image_id": 1, "caption": "dog", "score": 0.5}]"#;
    let (_folder, paths) = folder(&[("val.JSON", annotations), ("results.json", results)]);
    let outputs = References::open(&paths[..1]).unwrap().outputs(&paths[1]).unwrap();
    assert_eq!(outputs.hypotheses, ["dog", "y"], "in the order of the images");
    assert_eq!(outputs.references, [vec!["A dog.", "One dog."], vec!["X"]]);
    assert_eq!(outputs.without_output, 1);
}

const ONE: &str = r#"{"annotations": [{"image_id": 1, "caption": "a"}]}"#;

#[rstest]
#[case::few_outputs(&[("ref", "a\nb\nc\n"), ("hyp", "a\nb\n")], "ref, line 3: there is no such line in", "2 lines")]
#[case::many_outputs(&[("ref", "a\n"), ("hyp", "a\nb\n")], "hyp, line 2: there is no such line in", "1 line")]
#[case::empty_reference(&[("ref", "a\n \nc\n"), ("hyp", "a\nb\nc\n")], "ref, line 2: this reference is empty", "")]
#[case::nothing(&[("ref", ""), ("hyp", "")], "ref: the file is empty", "")]
#[case::not_json(&[("ref.json", "{\"annotations\":\n[1]}"), ("hyp", "a")], "ref.json: not COCO's annotations", "line 2")]
#[case::other_json(&[("ref.json", "[]"), ("hyp", "[]")], "ref.json: not COCO's annotations", "")]
#[case::no_caption(&[("ref.json", ONE), ("hyp", "[\n{\"image_id\": 1}]")], "hyp: not COCO's results", "`caption` at line 2")]
#[case::empty_caption(&[("ref.json", r#"{"annotations": [{"image_id": 7, "caption": " "}]}"#), ("hyp", "[]")],
    "ref.json, annotation 1 (image 7): this reference is empty", "")]
#[case::unknown(&[("ref.json", ONE), ("hyp", r#"[{"image_id": 8, "caption": "a"}]"#)], "hyp, result 1: image 8", "ref.json")]
#[case::twice(&[("ref.json", ONE), ("hyp", r#"[{"image_id": 1, "caption": "a"}, {"image_id": 1, "caption": "a"}]"#)],
    "hyp, result 2: image 1 has two captions", "")]
#[case::no_results(&[("ref.json", ONE), ("hyp", "[]")], "hyp: there are no results", "")]
#[case::no_annotations(&[("ref.json", r#"{"annotations": []}"#), ("hyp", "[]")], "ref.json: there are no annotations", "")]
fn what_cannot_be_scored_is_named(#[case] files: &[(&str, &str)], #[case] wanted: &str, #[case] also: &str) {
    let (_folder, paths) = folder(files);
    let error = References::open(&paths[..1]).and_then(|references| references.outputs(&paths[1])).unwrap_err();
    let error = error.to_string();
    assert!(error.contains(wanted) && error.contains(also), "{error}");
}

#[test]
fn files_of_references_have_equal_numbers_of_lines() {
    let (_folder, paths) = folder(&[("a", "x\ny\n"), ("b", "x\n"), ("c.json", ONE)]);
    let error = References::open(&paths[..2]).unwrap_err().to_string();
    assert!(error.contains("a, line 2: there is no such line in") && error.contains("b, which has 1 line"), "{error}");
    let error = References::open(&[paths[0].clone(), paths[2].clone()]).unwrap_err().to_string();
    assert!(error.contains("c.json: COCO's annotations are one file"), "{error}");
}
