//! Runs exported as ONNX: files, metadata, errors, and in onnxruntime what the guide's own code gives.

use std::fs;
use std::path::Path;
use std::process::Command;

use predicates::str::contains;
use rekindle_testing::onnxruntime;
use rekindle_tests::Workplace;
use serde_json::Value;

/// The code blocks of this language in the guide, in order.
fn code(language: &str) -> Vec<String> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/onnx.md");
    let guide = fs::read_to_string(guide).unwrap();
    let blocks = guide.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(&format!("{language}\n")).map(str::to_owned)).collect()
}

/// What a program prints.
fn run(place: &Workplace, python: &Path, code: &str) -> String {
    fs::write(place.path("program.py"), code).unwrap();
    let output = Command::new(python).arg("program.py").current_dir(place.path("")).output().unwrap();
    assert!(output.status.success(), "{code}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_task_is_exported_as_graphs_with_its_settings_and_assets() {
    let place = Workplace::new();
    for task in place.tasks() {
        place.rekindle(&["train", &task, "--out", &task, "--steps", "1", "--hidden", "8"]).assert().success();
        let exported = place.json(&["export", &task, "--format", "onnx", "--json"]);
        let graphs = exported["graphs"].as_array().unwrap();
        assert!(!graphs.is_empty(), "{task}");
        let config = fs::read(place.path(&task).join("export/config.json")).unwrap();
        let config: Value = serde_json::from_slice(&config).unwrap();
        assert_eq!(config["graphs"], exported["graphs"], "{task}");
        for graph in graphs {
            let file = graph["file"].as_str().unwrap();
            let bytes = fs::read(place.path(&task).join("export").join(file)).unwrap();
            let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            for name in ["inputs", "outputs"].iter().flat_map(|list| graph[list].as_array().unwrap()) {
                assert!(holds(name.as_str().unwrap()), "{task}: {name}");
            }
            for text in [&task[..], "checkpoint_step", "\"hidden\":8"] {
                assert!(holds(text), "{task}: {text}");
            }
            for asset in config["beside"].as_array().unwrap() {
                assert!(holds(asset.as_str().unwrap()), "{task}: {asset}");
            }
        }
        // Graphs are not imported, and weights in place of them are.
        let folder = format!("{task}/export");
        place.failure(&["import", &folder, "--out", "back"], 1, &["ONNX", "--format safetensors"]);
    }
}

#[test]
fn an_unknown_opset_and_one_without_onnx_are_refused() {
    let place = Workplace::new();
    place
        .rekindle(&["train", "chars", "--data", "text.txt", "--out", "run", "--steps", "1", "--batch-size", "4"])
        .assert()
        .success();
    for (version, code) in [("12", 2), ("22", 2), ("-1", 2), ("new", 2)] {
        let wanted = format!("opset {version}: must be 13 to 21");
        place.failure(&["export", "run", "--format", "onnx", "--opset", version], code, &[&wanted]);
    }
    place.failure(&["export", "run", "--opset", "17"], 1, &["--opset 17", "--format onnx"]);
    assert!(!place.path("run/export").exists());
    place
        .rekindle(&["export", "run", "--format", "onnx", "--opset", "13"])
        .assert()
        .success()
        .stdout(contains("model.onnx"));
}

#[test]
fn the_guides_program_continues_a_text_as_the_command_does() {
    let Some(python) = onnxruntime() else { return };
    let place = Workplace::new();
    let train = [
        "train",
        "chars",
        "--data",
        "text.txt",
        "--out",
        "runs/model",
        "--steps",
        "60",
        "--hidden",
        "32",
        "--batch-size",
        "4",
    ];
    place.rekindle(&train).assert().success();
    place.rekindle(&["export", "runs/model", "--format", "onnx"]).assert().success();
    let mut written =
        place.rekindle(&["sample", "runs/model", "--prime", "fn ", "--temperature", "0", "--length", "200", "--quiet"]);
    let written = String::from_utf8(written.assert().success().get_output().stdout.clone()).unwrap();
    let program = code("python")[0].replace("\"The \"", "\"fn \"");
    assert_eq!(run(&place, &python, &program).trim_end(), written.trim_end());
}

#[test]
fn the_guides_program_translates_as_the_command_does() {
    let Some(python) = onnxruntime() else { return };
    let place = Workplace::new();
    let train = ["train", "translate", "--out", "runs/de-en", "--steps", "120", "--hidden", "32", "--embedding", "16"];
    place.rekindle(&train).assert().success();
    place.rekindle(&["export", "runs/de-en", "--format", "onnx"]).assert().success();
    let sentence = "the third of may , nineteen ninety one";
    let predicted = place.json(&["predict", "runs/de-en", sentence, "--beam", "1", "--json"]);
    // The guide leaves out how words become numbers, and numbers a text.
    let program = format!(
        "import json, numpy as np, onnxruntime as ort\n\
         found = ort.InferenceSession('runs/de-en/export/encoder.onnx').get_modelmeta().custom_metadata_map\n\
         languages = json.loads(found['vocab.json'])\n\
         tokens = [languages['source']['vocabulary'].index(word) for word in '{sentence}'.split()]\n\
         {}\n\
         print(''.join(languages['target']['vocabulary'][token] for token in written if token != end))",
        code("python")[1]
    );
    let translation = predicted[0]["translations"][0]["text"].as_str().unwrap();
    assert!(!translation.is_empty(), "{predicted}");
    assert_eq!(run(&place, &python, &program).trim_end(), translation);
}
