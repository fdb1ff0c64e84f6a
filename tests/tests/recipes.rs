//! Every recipe in `recipes/`, whichever these are: it is read whole, and trains. A new recipe is tested here without a
//! line of its own.

use std::fs;
use std::path::{Path, PathBuf};

use predicates::str::contains;
use rekindle_tests::Workplace;
use toml::{Table, Value};

/// Options that make a recipe's run short, with the settings that they replace.
const SHORT: [(&str, &str); 2] = [("--hidden", "8"), ("--steps", "2")];

fn recipes() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("recipes");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 5, "{paths:?}");
    paths
}

fn table(path: &Path) -> Table {
    fs::read_to_string(path).unwrap().parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The settings of a file: table, key and value.
fn settings(file: &Table) -> Vec<(String, String, Value)> {
    let tables = file.iter().filter_map(|(name, table)| Some((name, table.as_table()?)));
    let settings = tables.flat_map(|(name, table)| table.iter().map(move |(key, value)| (name, key, value)));
    settings.map(|(name, key, value)| (name.clone(), key.clone(), value.clone())).collect()
}

/// Tiny data of the format that a recipe's task reads, and its path.
fn data(place: &Workplace, recipe: &Table) -> String {
    let write = |name: &str, text: String| fs::write(place.path(name), text).unwrap();
    let texts = recipe.get("data").is_some_and(|data| data.get("format").is_some());
    match recipe["task"].as_str().unwrap() {
        "chars" if !texts => {
            write("long.txt", "To be, or not to be, that is the question:\n".repeat(1000));
            "long.txt".to_owned()
        }
        "chars" | "sentiment" => {
            write("texts.tsv", "sentence\tlabel\n".to_owned() + &"a fine film\t1\na dull film\t0\n".repeat(1000));
            "texts.tsv".to_owned()
        }
        "translate" => {
            fs::create_dir_all(place.path("pairs")).unwrap();
            let of = |key: &str| recipe["data"][key].as_str().unwrap();
            for (language, text) in [(of("source_lang"), "ein Hund rennt .\n"), (of("target_lang"), "a dog runs .\n")] {
                write(&format!("pairs/train.{language}"), text.repeat(60));
                write(&format!("pairs/val.{language}"), text.repeat(4));
            }
            "pairs".to_owned()
        }
        other => panic!("a recipe of {other} needs tiny data here"),
    }
}

#[test]
fn every_recipe_trains_with_all_of_its_settings() {
    for path in recipes() {
        let (place, recipe) = (Workplace::new(), table(&path));
        let (file, data) = (path.display().to_string(), data(&place, &recipe));
        let short = SHORT.iter().flat_map(|&(option, value)| [option, value]);
        let train = ["train", "--config", &file, "--data", &data, "--out", "run"].into_iter().chain(short);
        let train: Vec<&str> = train.collect();
        place.rekindle(&train).assert().success().stderr(contains("done: 2 steps"));
        let config = table(&place.path("run/config.toml"));
        assert_eq!(config["task"], recipe["task"], "{file}");
        for (table, key, value) in settings(&recipe) {
            if !SHORT.iter().any(|(option, _)| *option == format!("--{key}")) {
                assert_eq!(config[&table].get(&key), Some(&value), "{file}: {table}.{key}");
            }
        }
        assert_eq!(place.losses("run").last().unwrap().0, 2, "{file}");
    }
}

#[test]
fn a_recipe_has_only_settings_that_are_not_the_defaults_and_no_paths() {
    let place = Workplace::new();
    for path in recipes() {
        let (file, recipe) = (path.display(), table(&path));
        let sections = place.json(&["settings", recipe["task"].as_str().unwrap(), "--json"]);
        for (table, key, value) in settings(&recipe) {
            let mut declared = sections.as_array().unwrap().iter().filter(|section| section["table"] == *table);
            let fields = declared.next().unwrap_or_else(|| panic!("{file}: [{table}]"))["settings"].as_array().unwrap();
            let field = fields.iter().find(|field| field["key"] == *key).unwrap_or_else(|| panic!("{file}: {key}"));
            assert_ne!(field["default"], serde_json::to_value(&value).unwrap(), "{file}: {key} is the default");
            assert!(value.as_str().is_none_or(|text| !text.contains(['/', '\\'])), "{file}: {key} is a path");
        }
    }
}

#[test]
fn every_recipe_stands_in_the_documentation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/recipes.md");
    let page = fs::read_to_string(page).unwrap();
    for path in recipes() {
        let name = path.file_name().unwrap().display().to_string();
        assert!(page.contains(&format!("recipes/{name}")), "docs/recipes.md does not have {name}");
    }
}

#[test]
fn options_win_over_a_recipe() {
    let place = Workplace::new();
    fs::write(place.path("small.toml"), "task = \"chars\"\n[model]\nhidden = 8\nlayers = 3\n").unwrap();
    for (config, layers) in [(&["--config=small.toml"][..], "2"), (&["--config", "small.toml"], "1")] {
        let train = [&["train", "--steps", "1"], config, &["--layers", layers, "--out", "run", "--force"]].concat();
        place.rekindle(&train).assert().success();
        let config = table(&place.path("run/config.toml"));
        assert_eq!(config["model"]["layers"].to_string(), layers);
        assert_eq!(config["model"]["hidden"].to_string(), "8");
    }
    // The task is named too.
    place.rekindle(&["train", "chars", "--config", "small.toml", "--steps", "1", "--dry-run"]).assert().success();
    // And the help is that of the task.
    let help = place.rekindle(&["train", "--config", "small.toml", "--help"]).assert().success();
    help.stdout(contains("--sequence-length"));
}

#[test]
fn a_recipe_with_a_mistake_is_named_with_its_line() {
    let place = Workplace::new();
    let head = "# Why.\ntask = \"chars\"\n\n";
    for (text, words) in [
        ("[model]\nhiden = 5\n", ["wrong.toml, line 5", "`hiden`"]),
        ("[modle]\nhidden = 5\n", ["wrong.toml, line 4", "[modle]"]),
        ("[model]\nlayers = 2\nhidden = \"many\"\n", ["wrong.toml, line 6", "--hidden many: must be a whole number"]),
        ("[model\n", ["wrong.toml", "line 4"]),
    ] {
        fs::write(place.path("wrong.toml"), format!("{head}{text}")).unwrap();
        place.failure(&["train", "--config", "wrong.toml", "--data", "text.txt"], 1, &words);
        place.failure(&["train", "chars", "--config", "wrong.toml", "--data", "text.txt", "--dry-run"], 1, &words);
    }
    fs::write(place.path("good.toml"), format!("{head}[model]\nhidden = 5\n")).unwrap();
    // An option is not a line of the file.
    place.failure(&["train", "--config", "good.toml", "--hidden", "0"], 1, &["settings of good.toml", "--hidden 0"]);
    place.failure(&["train", "frames", "--config", "good.toml"], 1, &["good.toml", "`chars`", "`frames`"]);
    place.failure(&["train", "--config", "godo.toml"], 1, &["cannot read godo.toml", "good.toml, wrong.toml"]);
    place.failure(&["train", "--config", "none/good.toml"], 1, &["cannot read none/good.toml"]);
    place.failure(&["train", "--config"], 2, &["--config"]);
    place.failure(&["train", "--config", "good.toml", "--resume", "run"], 2, &["--config", "--resume"]);
    for (text, words) in [
        ("[model]\nhidden = 5\n", ["none.toml", "task = \"NAME\""]),
        ("task = \"char\"\n", ["none.toml", "there is no task `char`"]),
        ("task = 3\n", ["none.toml", "must be the name of a task"]),
    ] {
        fs::write(place.path("none.toml"), text).unwrap();
        place.failure(&["train", "--config", "none.toml"], 1, &words);
    }
    assert!(!place.path("runs").exists());
}

#[test]
fn the_printed_settings_of_a_task_are_a_file_to_train_with() {
    let place = Workplace::new();
    let printed = place.rekindle(&["settings", "sentiment"]).assert().success().get_output().stdout.clone();
    fs::write(place.path("s.toml"), printed).unwrap();
    let short = ["--hidden", "8", "--batch-size", "8", "--steps", "1", "--out", "run"];
    // Also with an option before the command.
    for train in [&["train", "--config", "s.toml"][..], &["-q", "train", "--force", "--config", "s.toml"]] {
        place.rekindle(&[train, &short].concat()).assert().success();
        assert_eq!(table(&place.path("run/config.toml"))["task"].as_str(), Some("sentiment"));
    }
}
