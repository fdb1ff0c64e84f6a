//! The example with a run that was hardly trained.

use assert_cmd::Command;
use rekindle_tests::Workplace;

#[test]
fn every_line_has_its_class_and_the_probability_of_it() {
    let place = Workplace::new();
    let shape = ["--hidden", "8", "--embedding", "8"];
    place.rekindle(&[&["train", "sentiment", "--steps", "2"], &shape[..]].concat()).assert().success();
    let mut example = Command::new(env!("CARGO_BIN_EXE_classify-lines"));
    let texts = "the film was not dull\n\na long evening\n";
    let output = example.current_dir(place.path(".")).arg("runs/sentiment").write_stdin(texts).assert().success();
    let found = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    let lines: Vec<Vec<&str>> = found.lines().map(|line| line.split('\t').collect()).collect();
    // An empty line is a text too.
    assert_eq!(lines.iter().map(|line| line[2]).collect::<Vec<_>>(), ["the film was not dull", "", "a long evening"]);
    for line in lines {
        assert!(["negative", "positive"].contains(&line[0]), "{found}");
        // The likelier of two classes.
        let probability: f64 = line[1].parse().unwrap();
        assert!((0.5..=1.0).contains(&probability), "{found}");
    }
    Command::new(env!("CARGO_BIN_EXE_classify-lines")).assert().code(1);
}
