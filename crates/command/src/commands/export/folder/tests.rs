//! Which folders an export is written to.

use std::fs;

use serde_json::json;

use super::{CONFIG, FORMAT, check_files, check_no_run, earlier_files};

#[test]
fn the_folder_of_a_run_is_refused() {
    let place = tempfile::tempdir().unwrap();
    check_no_run(&place.path().join("missing")).unwrap();
    fs::create_dir(place.path().join("checkpoints")).unwrap();
    check_no_run(place.path()).unwrap();
    fs::write(place.path().join("config.toml"), "").unwrap();
    let error = check_no_run(place.path()).unwrap_err().to_string();
    assert!(error.contains("holds a run") && error.contains(&place.path().display().to_string()), "{error}");
}

#[test]
fn only_files_of_an_earlier_export_are_replaced() {
    let place = tempfile::tempdir().unwrap();
    let (staged, folder) = (place.path().join("staged"), place.path().join("folder"));
    fs::create_dir(&staged).unwrap();
    for name in [CONFIG, "vocab.json"] {
        fs::write(staged.join(name), "new").unwrap();
    }
    check_files(&staged, &folder).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine"), "mine").unwrap();
    check_files(&staged, &folder).unwrap();

    fs::write(folder.join("vocab.json"), "{}").unwrap();
    let error = check_files(&staged, &folder).unwrap_err().to_string();
    assert!(error.contains("vocab.json") && error.contains(&folder.display().to_string()), "{error}");
    for other in ["{}", "no JSON", r#"{"format": "another"}"#] {
        fs::write(folder.join(CONFIG), other).unwrap();
        assert!(check_files(&staged, &folder).is_err(), "{other}");
    }
    fs::write(folder.join(CONFIG), format!(r#"{{"format": "{FORMAT}"}}"#)).unwrap();
    check_files(&staged, &folder).unwrap();
}

#[test]
fn an_export_names_its_files() {
    let place = tempfile::tempdir().unwrap();
    let named = |description: serde_json::Value| {
        fs::write(place.path().join(CONFIG), description.to_string()).unwrap();
        earlier_files(place.path())
    };
    assert!(earlier_files(place.path()).is_empty());
    let weights = json!({"format": FORMAT, "weights": "model.json", "beside": ["vocab.json", "images.json"]});
    assert_eq!(named(weights), ["vocab.json", "images.json", "model.json"]);
    let graphs = json!({"format": FORMAT, "graphs": [{"file": "encoder.onnx"}, {"file": "decoder.onnx"}]});
    assert_eq!(named(graphs), ["encoder.onnx", "decoder.onnx"]);
    assert!(named(json!({"weights": "model.json"})).is_empty(), "of another program");
    // Only files of the folder itself.
    let others = ["../vocab.json", "/vocab.json", "a/b", "a/", ".", "..", "", ".hidden"];
    assert!(named(json!({"format": FORMAT, "weights": "../model.json", "beside": others, "graphs": [3]})).is_empty());
}
