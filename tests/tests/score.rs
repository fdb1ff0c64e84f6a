//! `rekindle score`: other programs' numbers, from files.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;
use serde_json::{Value, json};

/// What sacrebleu and the COCO evaluation computed.
fn fixture(name: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/metrics/tests/fixtures");
    serde_json::from_str(&fs::read_to_string(format!("{folder}/{name}.json")).unwrap()).unwrap()
}

fn lines(texts: &Value) -> String {
    texts.as_array().unwrap().iter().map(|text| format!("{}\n", text.as_str().unwrap())).collect()
}

fn near(ours: &Value, theirs: &Value) {
    let (ours, theirs) = (ours.as_f64().unwrap(), theirs.as_f64().unwrap());
    assert!((ours - theirs).abs() < 1e-9, "{ours} for {theirs}");
}

/// Two systems and two sets of references.
fn systems() -> (Workplace, Value) {
    let (place, fixture) = (Workplace::new(), fixture("significance"));
    for (name, texts) in [
        ("ours", &fixture["systems"][0]),
        ("theirs", &fixture["systems"][1]),
        ("a.ref", &fixture["references"][0]),
        ("b.ref", &fixture["references"][1]),
    ] {
        fs::write(place.path(name), lines(texts)).unwrap();
    }
    (place, fixture)
}

#[test]
fn two_systems_have_the_numbers_of_sacrebleu() {
    let (place, fixture) = systems();
    let report = place.json(&["score", "ours", "--refs", "a.ref", "b.ref", "--against", "theirs", "--json"]);
    let wanted = fixture["results"].as_array().unwrap();
    assert_eq!(report["scores"].as_array().unwrap().len(), wanted.len());
    for (score, wanted) in report["scores"].as_array().unwrap().iter().zip(wanted) {
        assert_eq!((&score["name"], &score["signature"]), (&wanted["metric"], &wanted["signature"]));
        near(&score["score"], &wanted["scores"][0]);
        near(&score["against"]["score"], &wanted["scores"][1]);
        near(&score["against"]["p"], &wanted["p"]);
    }
    place
        .rekindle(&["score", "ours", "--refs", "a.ref", "b.ref", "--against", "theirs"])
        .assert()
        .success()
        .stdout(
            contains("61.33 ± 4.34")
                .and(contains("+8.00"))
                .and(contains("0.0040"))
                .and(contains("BLEU|nrefs:2|bs:1000|")),
        )
        .stderr("60 sentences\n");
}

#[test]
fn texts_may_be_lower_cased_tokenised_and_read_from_standard_input() {
    let place = Workplace::new();
    fs::write(place.path("ref"), "The Cat Sat On The Mat\n").unwrap();
    let score = |more: &[&str]| {
        let arguments = [&["score", "-", "--refs", "ref", "--json", "--metric", "bleu,exact"], more].concat();
        let output = place.rekindle(&arguments).write_stdin("the cat sat on the mat").assert().success();
        let report: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
        report["scores"].as_array().unwrap().clone()
    };
    assert_eq!(score(&[])[1]["score"], 0.0);
    let lower = score(&["--lowercase", "--tokenize", "char"]);
    assert_eq!((&lower[0]["score"], &lower[1]["score"]), (&json!(100.0), &json!(100.0)));
    assert_eq!(lower[0]["signature"], "nrefs:1|case:lc|eff:no|tok:char|smooth:exp|version:2.6.0");
    let names: Vec<Value> = score(&["--tokenize", "ptb"]).into_iter().map(|figure| figure["name"].clone()).collect();
    assert_eq!(names, ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "exact"]);
}

#[test]
fn results_of_coco_have_the_numbers_of_its_evaluation() {
    let (place, fixture) = (Workplace::new(), fixture("captions"));
    let (mut results, mut annotations) = (Vec::new(), Vec::new());
    for (id, image) in fixture["images"].as_array().unwrap().iter().enumerate() {
        results.push(json!({"image_id": id, "caption": image["candidate"]}));
        let captions = image["references"].as_array().unwrap();
        annotations.extend(captions.iter().map(|caption| json!({"image_id": id, "caption": caption})));
    }
    annotations.push(json!({"image_id": 9999, "caption": "of another image"}));
    fs::write(place.path("results.json"), Value::Array(results).to_string()).unwrap();
    fs::write(place.path("val.json"), json!({"annotations": annotations}).to_string()).unwrap();
    let score = ["score", "results.json", "--refs", "val.json"];
    let report = place.json(&[&score[..], &["--json"]].concat());
    let figure = |name: &str| {
        let scores = report["scores"].as_array().unwrap();
        scores.iter().find(|score| score["name"] == name).unwrap_or_else(|| panic!("no {name}"))["score"].clone()
    };
    for (n, wanted) in fixture["bleu"].as_array().unwrap().iter().enumerate() {
        near(&figure(&format!("BLEU-{}", n + 1)), wanted);
    }
    near(&figure("ROUGE-L"), &fixture["rouge_l"]);
    near(&figure("CIDEr-D"), &fixture["cider_d"]);
    near(&figure("METEOR"), &fixture["meteor_exact_stem"]);
    place.rekindle(&score).assert().success().stderr(contains("results.json: 1 image of the references"));
}

#[test]
fn meteor_takes_tables_of_synonyms_and_paraphrases() {
    let (place, fixture) = (Workplace::new(), fixture("meteor"));
    let captions = fixture["captions"].as_array().unwrap();
    let text = |caption: &Value| format!("{}\n", caption.as_str().unwrap());
    let hypotheses: String = captions.iter().map(|caption| text(&caption["candidate"])).collect();
    // Of several references one is best; here each text has its first one only.
    let references: String = captions.iter().map(|caption| text(&caption["references"][0])).collect();
    fs::create_dir(place.path("words")).unwrap();
    for (name, text) in [
        ("hyp", &hypotheses[..]),
        ("ref", &references),
        ("words/english.exceptions", fixture["exceptions"].as_str().unwrap()),
        ("words/english.synsets", fixture["synsets"].as_str().unwrap()),
        ("paraphrases", fixture["paraphrases"].as_str().unwrap()),
    ] {
        fs::write(place.path(name), text).unwrap();
    }
    let score = |more: &[&str]| {
        let score = ["score", "hyp", "--refs", "ref", "--metric", "meteor", "--json"];
        let figure = place.json(&[&score[..], more].concat())["scores"][0].clone();
        (figure["score"].as_f64().unwrap(), figure["signature"].as_str().unwrap().to_owned())
    };
    let plain = score(&[]);
    let synonyms = score(&["--synonyms", "words"]);
    let all = score(&["--synonyms", "words", "--paraphrases", "paraphrases"]);
    assert!(plain.0 < synonyms.0 && synonyms.0 < all.0, "{plain:?} {synonyms:?} {all:?}");
    assert!(
        plain.1.ends_with("stages:exact,stem") && all.1.ends_with("stages:exact,stem,synonym,paraphrase"),
        "{all:?}"
    );
    fs::write(place.path("words/english.synsets"), "man\none\n").unwrap();
    let wrong = |more: &[&str], words: &[&str]| {
        place.failure(&[&["score", "hyp", "--refs", "ref"], more].concat(), 1, words);
    };
    wrong(&["--metric", "meteor", "--synonyms", "words"], &["words", "line 2", "numbers"]);
    wrong(&["--metric", "meteor", "--synonyms", "nowhere"], &["nowhere", "english.exceptions"]);
    wrong(&["--metric", "meteor", "--paraphrases", "ref"], &["ref", "line 1", "probability"]);
    wrong(&["--metric", "bleu", "--synonyms", "words"], &["--metric meteor"]);
}

#[test]
fn a_long_line_of_one_word_is_scored() {
    let place = Workplace::new();
    fs::write(place.path("long"), "a ".repeat(500)).unwrap();
    let report = place.json(&["score", "long", "--refs", "long", "--metric", "meteor,ter", "--json"]);
    assert_eq!((&report["scores"][0]["score"], &report["scores"][1]["score"]), (&json!(1.0), &json!(0.0)), "{report}");
}

#[test]
fn what_cannot_be_scored_is_named_with_its_line() {
    let place = Workplace::new();
    for (name, text) in [
        ("two", "a\nb\n"),
        ("three", "a\nb\nc\n"),
        ("gap", "a\n\nc\n"),
        ("ref.json", "{\"annotations\": [\n {\"image_id\": 1, \"caption\": \"a\"}\n]}"),
        ("broken.json", "[\n {\"image_id\": 1,\n}]"),
        ("none.json", "{\"images\": []}"),
    ] {
        fs::write(place.path(name), text).unwrap();
    }
    let fails = |hypotheses: &str, references: &[&str], words: &[&str]| {
        place.failure(&[&["score", hypotheses, "--refs"], references].concat(), 1, words);
    };
    fails("two", &["three"], &["three, line 3", "no such line in two"]);
    fails("three", &["two"], &["three, line 3", "no such line in two"]);
    fails("three", &["three", "two"], &["three, line 3", "no such line in two"]);
    fails("three", &["gap"], &["gap, line 2", "empty"]);
    fails("missing", &["three"], &["missing: no such file"]);
    fails("broken.json", &["ref.json"], &["broken.json", "COCO's results", "line 3"]);
    fails("two", &["none.json"], &["none.json", "COCO's annotations", "annotations"]);
    place.failure(&["score", "two"], 2, &["--refs"]);
    for option in ["--seed", "--resamples"] {
        place.failure(&["score", "two", "--refs", "two", option, "9"], 2, &["--against"]);
        place.rekindle(&["score", "two", "--refs", "two", "--against", "two", option, "9"]).assert().success();
    }
    place.failure(&["score", "two", "--refs", "two", "--metric", "blue"], 2, &["blue", "chrf", "rouge-l"]);
}
