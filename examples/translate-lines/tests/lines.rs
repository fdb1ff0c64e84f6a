//! The example with a run that was hardly trained.

use assert_cmd::Command;
use rekindle_tests::Workplace;

#[test]
fn every_line_has_its_line_and_every_symbol_its_source() {
    let place = Workplace::new();
    let train = ["train", "translate", "--steps", "2", "--hidden", "8", "--embedding", "8", "--max-length", "12"];
    place.rekindle(&train).assert().success();
    let mut example = Command::new(env!("CARGO_BIN_EXE_translate-lines"));
    example.current_dir(place.path(".")).arg("runs/translate").write_stdin("march the third , twenty ten\n\nmay\n");
    let output = String::from_utf8(example.assert().success().get_output().stdout.clone()).unwrap();
    let lines: Vec<Vec<&str>> = output.lines().map(|line| line.split('\t').collect()).collect();
    assert!(lines.len() == 3 && lines.iter().all(|line| line.len() == 3), "{output}");
    assert!(lines[1][0].is_empty() && lines[1][2].is_empty(), "nothing is translated to nothing");
    assert_eq!(lines[0][0].chars().count(), lines[0][2].split(' ').filter(|pair| !pair.is_empty()).count(), "{output}");
    Command::new(env!("CARGO_BIN_EXE_translate-lines")).assert().code(1);
}
