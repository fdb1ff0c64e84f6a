//! `sentiment` from training to explained classes.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use rekindle_tests::Workplace;

/// A training of a few seconds.
fn train(place: &Workplace, more: &[&str]) -> assert_cmd::assert::Assert {
    let options = ["train", "sentiment", "--hidden", "16", "--embedding", "16", "--out", "run"];
    place.rekindle(&[&options[..], more].concat()).assert()
}

#[test]
fn reviews_are_learnt_judged_classified_and_explained() {
    let place = Workplace::new();
    let options = ["--epochs", "4", "--learning-rate", "0.01", "--dropout", "0.1", "--word-dropout", "0"];
    train(&place, &[&options[..], &["--embedding-dropout", "0"]].concat())
        .success()
        .stderr(contains("texts to train on: negative").and(contains("accuracy")).and(contains("rekindle eval run")));
    for file in ["config.toml", "vocab.json", "metrics.jsonl", "pictures/confusion.svg", "pictures/learning-curve.svg"]
    {
        assert!(place.path("run").join(file).exists(), "{file}");
    }
    let eval = place.json(&["eval", "run", "--json"]);
    assert!(eval["accuracy"].as_f64().unwrap() > 0.95, "{eval}");
    assert_eq!(eval["count"], 400);
    assert_eq!(eval["confusion"].as_array().unwrap().len(), 2);
    place.rekindle(&["eval", "run"]).assert().success().stdout(contains("macro f1").and(contains("predicted")));

    let text = "the film was not dull and the <popcorn> was good";
    let answers = place.json(&["predict", "run", text, "", "--json"]);
    assert_eq!(answers[0]["class"], "positive", "{answers}");
    let probabilities = answers[0]["probabilities"].as_object().unwrap();
    let sum: f64 = probabilities.values().map(|p| p.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{answers}");
    place.rekindle(&["predict", "run", ""]).assert().success().stderr(contains("text 1 has no word"));

    fs::write(place.path("lines.txt"), "the story was awful\nthe movie was lovely\n").unwrap();
    let wanted = predicates::str::is_match("(?s)^negative\t.*awful\npositive\t.*lovely\n$").unwrap();
    place.rekindle(&["predict", "run", "--file", "lines.txt"]).assert().success().stdout(wanted.clone());
    let lines = fs::read_to_string(place.path("lines.txt")).unwrap();
    place.rekindle(&["predict", "run"]).write_stdin(lines).assert().success().stdout(wanted);

    place
        .rekindle(&["predict", "run", text, "--explain", "--html", "page.html"])
        .assert()
        .success()
        .stdout(predicates::str::is_match(r"not\[[+-]\d\.\d\d\] dull\[").unwrap());
    let page = fs::read_to_string(place.path("page.html")).unwrap();
    assert!(page.contains("dull</span>") && !page.contains("<popcorn>"), "{page}");

    // Options of one task on a run of another; a label and a column that are not there.
    place.rekindle(&["eval", "run", "--sequence-length", "9"]).assert().code(1).stderr(contains("`chars`"));
    fs::write(place.path("other.tsv"), "good\tneutral\n").unwrap();
    let other = ["eval", "run", "--data", "other.tsv"];
    place.rekindle(&other).assert().code(1).stderr(contains("`neutral`").and(contains("negative, positive")));
    let column = [&other[..], &["--text-column", "review"]].concat();
    place.rekindle(&column).assert().code(1).stderr(contains("`review`").and(contains("good, neutral")));
    place.rekindle(&["eval", "run", "--part", "test"]).assert().code(1).stderr(contains("no test split"));
}

#[test]
fn data_that_nothing_can_be_learnt_from_leaves_no_run() {
    let place = Workplace::new();
    let cases = [
        ("one.tsv", "good\t1\nfine\t1\n", "at least two classes"),
        ("fields.tsv", "good\t1\nbad\n", "fields.tsv, line 2"),
        ("broken.tsv.gz", "good\t1\n", "gzip"),
        ("columns.csv", "a,b,c,d\n1,2,3,4\n", "--text-column"),
    ];
    for (name, content, wanted) in cases {
        fs::write(place.path(name), content).unwrap();
        train(&place, &["--data", name, "--validation-share", "0.5"]).code(1).stderr(contains(wanted));
    }
    assert!(!place.path("run").exists());
}

#[test]
fn a_table_of_three_classes_is_learnt_on_each_cpu_backend() {
    for backend in Workplace::new().cpu_backends() {
        let place = Workplace::new();
        let rows: String = (0..60)
            .map(|row| format!("{},\"number {row}, {}\"\n", row % 3, ["nought", "one", "two"][row % 3]))
            .collect();
        fs::write(place.path("numbers.csv"), format!("which,what\n{rows}")).unwrap();
        let options = ["--data", "numbers.csv", "--text-column", "what", "--label-column", "which", "--epochs", "60"];
        train(&place, &[&options[..], &["--learning-rate", "0.02", "--backend", backend]].concat()).success();
        let eval = place.json(&["eval", "run", "--data", "numbers.csv", "--json"]);
        assert!(eval["accuracy"].as_f64().unwrap() > 0.9, "{backend}: {eval}");
    }
}
