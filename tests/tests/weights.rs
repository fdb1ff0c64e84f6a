//! Weights of other programs in, and out for them.

use std::collections::BTreeMap;
use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;
use rekindle_weights::{Rename, WeightFile, WeightTensor, rename};
use serde_json::Value;

/// A checkpoint of PyTorch, from `crates/weights/tests/fixtures/make.py`.
const CHECKPOINT: &[u8] = include_bytes!("../../crates/weights/tests/fixtures/char-lm.pt");
/// What that script prints: the loss in nats over windows of `text.txt`.
const LOSS: f64 = 2.939175;

fn with_checkpoint() -> Workplace {
    let place = Workplace::new();
    fs::write(place.path("model.pt"), CHECKPOINT).unwrap();
    place
}

fn json(place: &Workplace, arguments: &[&str]) -> Value {
    place.json(&[arguments, &["--json"]].concat())
}

fn failure(place: &Workplace, arguments: &[&str], words: &[&str]) {
    place.failure(arguments, 1, words);
}

/// The tensors of the checkpoint's model, by the names that they have here.
fn tensors_of_pytorch() -> BTreeMap<String, WeightTensor> {
    let mut tensors = WeightFile::from_bytes("model.pt", CHECKPOINT).unwrap().into_tensors();
    tensors.retain(|name, _| name.starts_with("model_state_dict."));
    let names = [("model_state_dict", ""), ("encoder", "embedding"), ("lstm", "rnn"), ("decoder", "output")];
    rename(tensors, &names.map(|(old, new)| Rename::new(old, new))).unwrap()
}

#[test]
fn a_model_of_pytorch_has_its_loss_here_and_goes_back_to_the_bit() {
    let place = with_checkpoint();
    let import = ["import", "model.pt", "--task", "chars", "--out", "run", "--data", "text.txt"];
    let imported = json(&place, &import);
    assert_eq!((&imported["symbols"], &imported["outside"]), (&19.into(), &33.into()), "{imported}");
    assert_eq!((&imported["model"]["cell"], &imported["model"]["hidden"]), (&"lstm".into(), &6.into()), "{imported}");

    let windows = ["eval", "run", "--data", "text.txt", "--sequence-length", "16", "--window-stride", "3"];
    let judged = json(&place, &windows);
    // Seven digits were printed; the sums are taken in another order.
    assert!((judged["loss_nats"].as_f64().unwrap() - LOSS).abs() < 1e-5, "{judged}");
    assert_eq!(judged["predicted"], 16 * ((45 * 60 - 17) / 3 + 1), "{judged}");
    place.rekindle(&["eval", "run"]).assert().success().stdout(contains("text.txt"));
    place.rekindle(&["sample", "run", "--length", "20"]).assert().success();

    place.rekindle(&["export", "run"]).assert().success().stdout("run/export/model.safetensors\n");
    let exported = WeightFile::open(place.path("run/export/model.safetensors")).unwrap();
    assert_eq!(*exported.tensors(), tensors_of_pytorch());
    let config: Value = serde_json::from_slice(&fs::read(place.path("run/export/config.json")).unwrap()).unwrap();
    assert_eq!((&config["task"], &config["model"]["layers"]), (&"chars".into(), &2.into()), "{config}");
    assert!(place.path("run/export/vocab.json").exists());

    // And in again: the export has the names that are deduced without any help.
    let again = ["import", "run/export/model.safetensors", "--vocab", "run/export/vocab.json", "--task", "chars"];
    place.rekindle(&again).assert().success().stdout(contains("runs/chars").and(contains("11 applied")));
    assert_eq!(json(&place, &[&["eval", "runs/chars"], &windows[2..]].concat())["loss_nats"], judged["loss_nats"]);
}

#[test]
fn tied_weights_behind_a_projection_go_out_and_in() {
    let place = Workplace::new();
    let shape = ["--tied", "--hidden", "8", "--embedding", "5", "--batch-size", "4", "--steps", "3"];
    let train = ["train", "chars", "--data", "text.txt", "--out", "run"];
    place.rekindle(&[&train[..], &shape].concat()).assert().success();
    place.rekindle(&["export", "run"]).assert().success();
    let import = ["import", "run/export/model.safetensors", "--vocab", "run/export/vocab.json", "--task", "chars"];
    let imported = json(&place, &[&import[..], &["--out", "again"]].concat());
    let model = &imported["model"];
    assert_eq!((&model["tied"], &model["embedding"], &model["hidden"]), (&true.into(), &5.into(), &8.into()));
    let loss = |run: &str| json(&place, &["eval", run, "--data", "text.txt"])["loss_nats"].clone();
    assert_eq!(loss("again"), loss("run"));
    let written =
        |run: &str| place.rekindle(&["sample", run, "--seed", "3"]).assert().success().get_output().stdout.clone();
    assert_eq!(written("again"), written("run"));
}

#[test]
fn weights_as_json_have_the_bits_of_the_others() {
    let place = with_checkpoint();
    place.rekindle(&["import", "model.pt", "--task", "chars", "--out", "run"]).assert().success();
    place.rekindle(&["export", "run", "--format", "json", "--out", "written"]).assert().success();
    let written: Value = serde_json::from_slice(&fs::read(place.path("written/model.json")).unwrap()).unwrap();
    for (name, tensor) in tensors_of_pytorch() {
        let shape: Vec<usize> = serde_json::from_value(written[&name]["shape"].clone()).unwrap();
        let values: Vec<f32> = serde_json::from_value(written[&name]["values"].clone()).unwrap();
        assert_eq!(WeightTensor::new(shape, values).unwrap(), tensor, "{name}");
    }
}

#[test]
fn every_tensor_is_shown_with_its_size() {
    let place = with_checkpoint();
    let file = json(&place, &["inspect", "model.pt"]);
    assert_eq!((&file["tables"]["vocabulary"], &file["tensors"][0]["shape"]), (&19.into(), &vec![19].into()), "{file}");
    place.rekindle(&["inspect", "model.pt"]).assert().success().stdout(contains("model_state_dict.lstm.weight_ih_l0"));

    failure(&place, &["inspect", "model.pt", "--checkpoint", "last"], &["--checkpoint last", "model.pt is a file"]);

    place.rekindle(&["import", "model.pt", "--task", "chars", "--out", "run"]).assert().success();
    place.rekindle(&["inspect", "run", "--checkpoint", "last"]).assert().success();
    let run = json(&place, &["inspect", "run"]);
    assert_eq!((&run["task"], &run["checkpoint_step"]), (&"chars".into(), &0.into()), "{run}");
    let count: usize = tensors_of_pytorch().values().map(|tensor| tensor.values().len()).sum();
    assert_eq!(run["count"], count, "{run}");
    let bias = run["tensors"].as_array().unwrap().iter().find(|tensor| tensor["name"] == "output.bias").unwrap();
    let norm = tensors_of_pytorch()["output.bias"].norm();
    assert!((bias["norm"].as_f64().unwrap() - norm).abs() < 1e-12, "{bias}");
    place.rekindle(&["inspect", "run"]).assert().success().stdout(contains("rnn.weight_hh_l1"));
}

/// `model` and `ema` of an LSTM and a linear layer with `bias=False`, from the same script, and the loss of `ema` that
/// it prints: windows of 10 over a text of two lines, 20 times.
const NO_BIAS: &[u8] = include_bytes!("../../crates/weights/tests/fixtures/no-bias.pt");
const LOSS_WITHOUT_BIASES: f64 = 1.611398;

#[test]
fn a_model_without_biases_has_its_loss_here_and_one_of_two_is_chosen() {
    let place = Workplace::new();
    fs::write(place.path("model.pt"), NO_BIAS).unwrap();
    fs::write(place.path("lines.txt"), "abcd\nabdc\n".repeat(20)).unwrap();
    let import = ["import", "model.pt", "--task", "chars", "--out", "run"];
    failure(&place, &import, &["several recurrent networks", "ema.rnn.weight_ih_l0", "--key"]);
    failure(&place, &[&import[..], &["--key", "emu"]].concat(), &["emu", "ema.rnn.weight_ih_l0"]);
    let imported = json(&place, &[&import[..], &["--key", "ema"]].concat());
    let biases = ["ih_l0", "hh_l0", "ih_l1", "hh_l1"].map(|name| format!("rnn.bias_{name}"));
    let zeros = [&biases[..], &["output.bias".to_owned()]].concat();
    assert_eq!((&imported["zeros"], &imported["outside"]), (&serde_json::json!(zeros), &0.into()), "{imported}");
    let windows = ["--data", "lines.txt", "--sequence-length", "10", "--window-stride", "10"];
    let loss = json(&place, &[&["eval", "run"], &windows[..]].concat())["loss_nats"].as_f64().unwrap();
    // Seven digits were printed; the sums are taken in another order.
    assert!((loss - LOSS_WITHOUT_BIASES).abs() < 1e-5, "{loss}");
    let shown = json(&place, &["inspect", "model.pt", "--key", "ema"]);
    assert_eq!(shown["tensors"].as_array().unwrap().len(), 6, "{shown}");
}

#[test]
fn a_tensor_that_is_not_read_is_named_and_blocks_no_others() {
    let place = Workplace::new();
    fs::write(place.path("kinds.pt"), include_bytes!("../../crates/weights/tests/fixtures/kinds.pt")).unwrap();
    let shown = json(&place, &["inspect", "kinds.pt"]);
    assert_eq!(shown["unread"].as_object().unwrap().len(), 11, "{shown}");
    let lines = contains("sparse").and(contains("not read: a sparse tensor")).and(contains("last"));
    place.rekindle(&["inspect", "kinds.pt"]).assert().success().stdout(lines);
}

#[test]
fn a_whole_module_is_imported() {
    let place = Workplace::new();
    fs::write(place.path("model.pt"), include_bytes!("../../crates/weights/tests/fixtures/whole-lstm.pt")).unwrap();
    fs::write(place.path("vocab.json"), r#"["a", "b", "c", "d", "e"]"#).unwrap();
    let import = ["import", "model.pt", "--task", "chars", "--vocab", "vocab.json", "--out", "run"];
    place.rekindle(&import).assert().success().stdout(contains("11 applied, 0 missing, 0 unused"));
}

#[test]
fn two_exports_of_a_run_have_the_same_bytes_and_leave_other_files() {
    let place = with_checkpoint();
    place.rekindle(&["import", "model.pt", "--task", "chars", "--out", "run"]).assert().success();
    fs::create_dir(place.path("b")).unwrap();
    fs::write(place.path("b/mine"), "mine").unwrap();
    for folder in ["a", "b", "a"] {
        place.rekindle(&["export", "run", "--out", folder]).assert().success();
    }
    for name in ["model.safetensors", "config.json", "vocab.json"] {
        let bytes = |folder: &str| fs::read(place.path(folder).join(name)).unwrap();
        assert!(bytes("a") == bytes("b"), "{name}");
    }
    assert_eq!(fs::read_dir(place.path("a")).unwrap().count(), 3);
    assert_eq!(fs::read_to_string(place.path("b/mine")).unwrap(), "mine");
    // An export that fails leaves the last one, whole.
    fs::remove_file(place.path("run/vocab.json")).unwrap();
    place.rekindle(&["export", "run", "--out", "a"]).assert().code(1);
    assert_eq!(fs::read_dir(place.path("a")).unwrap().count(), 3);
}

/// A run of every task can be looked into and taken elsewhere.
#[test]
fn runs_of_every_task_are_exported() {
    let place = Workplace::new();
    let tiny = ["--steps", "1", "--hidden", "4"];
    for (task, more, names) in [
        ("draw", &[][..], ["encoder.weight_hh_l0", "images.json"]),
        ("frames", &[][..], ["rnn.weight_hh_l0", "vocab.json"]),
        ("sentiment", &["--embedding", "4"][..], ["rnn.weight_hh_l0_reverse", "vocab.json"]),
    ] {
        place.rekindle(&[&["train", task, "--out", task], &tiny[..], more].concat()).assert().success();
        place.rekindle(&["inspect", task]).assert().success().stdout(contains(names[0]));
        place.rekindle(&["export", task]).assert().success();
        let exported = WeightFile::open(place.path(task).join("export/model.safetensors")).unwrap();
        assert!(exported.tensors().contains_key(names[0]), "{task}");
        assert!(place.path(task).join("export").join(names[1]).exists(), "{task}");
    }
}

#[test]
fn what_cannot_be_imported_is_named_and_leaves_nothing_behind() {
    let place = with_checkpoint();
    fs::write(place.path("text.pt"), "not weights").unwrap();
    fs::write(place.path("cut.pt"), &CHECKPOINT[..CHECKPOINT.len() / 2]).unwrap();
    fs::write(place.path("vocab.json"), r#"["a", "b"]"#).unwrap();
    let import = |file: &'static str, more: &[&'static str], words: &[&str]| {
        failure(&place, &[&["import", file, "--task", "chars", "--out", "run"], more].concat(), words);
    };
    import("missing.pt", &[], &["missing.pt"]);
    import("text.pt", &[], &["text.pt", "torch.save"]);
    import("cut.pt", &[], &["cut.pt", "cut short"]);
    import("model.pt", &["--vocab", "vocab.json"], &["model.pt", "19 symbols", "2"]);
    import("model.pt", &["--key-map", "gru=rnn"], &["gru", "model_state_dict.lstm.weight_ih_l0"]);
    import("model.pt", &["--cell", "gru"], &["weight_ih_l0", "no gru"]);
    import("model.pt", &["--data", "text.txt", "--train-share", "2"], &["2"]);
    import("model.pt", &["--data", "nowhere.txt"], &["nowhere.txt"]);
    // A bias of another name leaves a layer without one.
    let renamed = ["--key-map", "model_state_dict.decoder.bias=model_state_dict.shift"];
    import("model.pt", &renamed, &["output", "with a bias"]);
    assert!(!place.path("run").exists());
    failure(&place, &["inspect", "text.txt"], &["text.txt"]);
    failure(&place, &["export", "."], &["not a run"]);
    place.rekindle(&["import", "model.pt"]).assert().code(2).stderr(contains("--task"));
}

#[test]
fn parameters_that_are_missing_are_drawn_where_that_is_allowed() {
    let place = with_checkpoint();
    let named = ["model_state_dict.decoder=model_state_dict.output", "model_state_dict.output.bias=shift"];
    let import =
        ["import", "model.pt", "--task", "chars", "--key-map", named[0], "--key-map", named[1], "--out", "run"];
    failure(&place, &import, &["missing: output.bias", "10 applied"]);
    let imported = json(&place, &[&import[..], &["--allow-partial"]].concat());
    assert_eq!(imported["missing"], serde_json::json!(["output.bias"]), "{imported}");
}

#[test]
fn an_imported_run_says_that_it_knows_no_text() {
    let place = with_checkpoint();
    place.rekindle(&["import", "model.pt", "--task", "chars", "--out", "run"]).assert().success();
    failure(&place, &["eval", "run"], &["--data"]);
    failure(&place, &["train", "--resume", "run"], &["--init-from"]);
    let sizes = ["--hidden", "6", "--embedding", "5", "--batch-size", "4", "--sequence-length", "8", "--steps", "1"];
    let train = ["train", "chars", "--data", "text.txt", "--init-from", "run", "--out", "more"];
    place.rekindle(&[&train[..], &sizes].concat()).assert().success().stderr(contains("19 of 19 symbols have weights"));
}

#[test]
fn an_export_replaces_earlier_exports_only() {
    let place = Workplace::new();
    let small = ["train", "chars", "--data", "text.txt", "--hidden", "8", "--steps", "1", "--batch-size", "4"];
    for out in ["run", "other"] {
        place.rekindle(&[&small[..], &["--out", out]].concat()).assert().success();
    }
    let vocabulary = fs::read(place.path("other/vocab.json")).unwrap();
    for folder in ["run", "other"] {
        place.failure(&["export", "run", "--out", folder], 1, &[folder, "holds a run"]);
    }
    assert_eq!(fs::read(place.path("other/vocab.json")).unwrap(), vocabulary);

    fs::create_dir(place.path("mine")).unwrap();
    fs::write(place.path("mine/vocab.json"), "mine").unwrap();
    for format in ["safetensors", "json", "onnx"] {
        place.failure(&["export", "run", "--out", "mine", "--format", format], 1, &["mine", "vocab.json", "--out"]);
        assert_eq!(fs::read_dir(place.path("mine")).unwrap().count(), 1, "{format}");
        // In any order, into any folder of an earlier export.
        for out in [&[][..], &["--out", "weights"]] {
            for _ in 0..2 {
                place.rekindle(&[&["export", "run", "--format", format], out].concat()).assert().success();
            }
        }
    }
}

#[test]
fn an_export_leaves_no_file_of_an_earlier_one_of_another_format() {
    let place = Workplace::new();
    for task in ["chars", "translate"] {
        let train = ["train", task, "--hidden", "8", "--steps", "1", "--batch-size", "4", "--out", task];
        place.rekindle(&train).assert().success();
    }
    let names = |folder: &str| {
        let entries = fs::read_dir(place.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    for mine in [false, true] {
        let out = format!("export-{mine}");
        if mine {
            fs::create_dir(place.path(&out)).unwrap();
            fs::write(place.path(&out).join("mine"), "mine").unwrap();
        }
        for (run, format) in [
            ("chars", "safetensors"),
            ("chars", "json"),
            ("translate", "onnx"),
            ("chars", "onnx"),
            ("translate", "safetensors"),
            ("chars", "safetensors"),
        ] {
            place.rekindle(&["export", run, "--format", format, "--out", &out]).assert().success();
            let alone = format!("alone-{run}-{format}");
            place.rekindle(&["export", run, "--format", format, "--out", &alone]).assert().success();
            let mut found = names(&out);
            found.retain(|name| name != "mine");
            assert_eq!(found, names(&alone), "{run}, {format}");
        }
        assert_eq!(place.path(&out).join("mine").exists(), mine);
    }
}

#[test]
#[cfg(unix)]
fn an_export_to_the_working_directory_leaves_it_the_same_folder() {
    use std::os::unix::fs::MetadataExt;

    let place = Workplace::new();
    let small = ["train", "chars", "--data", "text.txt", "--hidden", "8", "--steps", "1", "--batch-size", "4"];
    place.rekindle(&[&small[..], &["--out", "run"]].concat()).assert().success();
    fs::create_dir(place.path("here")).unwrap();
    let number = || fs::metadata(place.path("here")).unwrap().ino();
    let before = number();
    for _ in 0..2 {
        let mut export = place.process(&["export", "../run", "--out", "."]);
        assert!(export.current_dir(place.path("here")).output().unwrap().status.success());
        assert!(place.path("here/model.safetensors").exists());
        assert_eq!(number(), before);
    }
}
