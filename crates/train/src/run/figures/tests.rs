use std::fs;
use std::io::Write;

use super::*;

/// A folder with `config.toml` and nothing else.
fn run() -> (tempfile::TempDir, RunFolder) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), "format = 2\ntask = \"chars\"\nrekindle = \"0.1.0\"\n").unwrap();
    let run = RunFolder::open(folder.path()).unwrap();
    (folder, run)
}

fn step(step: u64) -> String {
    let loss = 10.0 / step as f64;
    format!(
        "{{\"kind\":\"step\",\"step\":{step},\"epoch\":{},\"loss\":{loss},\"seconds\":{step}}}\n",
        step as f64 / 10.0
    )
}

fn evaluation(step: u64, loss: f64, best: bool) -> String {
    format!(
        "{{\"kind\":\"evaluation\",\"step\":{step},\"epoch\":1.0,\"loss\":{loss},\"accuracy\":0.5,\
         \"higher\":[\"accuracy\"],\"best\":{best},\"seconds\":1.5}}\n"
    )
}

#[test]
fn lines_are_read_as_they_are_added_and_half_lines_wait_for_their_end() {
    let (folder, run) = run();
    let mut followed = Followed::default();
    assert!(!followed.update(&run).unwrap());
    let path = folder.path().join("metrics.jsonl");
    fs::write(&path, step(1) + &step(2)[..20]).unwrap();
    assert!(followed.update(&run).unwrap());
    assert_eq!((followed.steps, followed.training.points(10).len()), (1, 1));
    assert!(!followed.update(&run).unwrap());
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    write!(file, "{}not JSON\n{}{}", &step(2)[20..], evaluation(2, 4.0, true), evaluation(3, 5.0, false)).unwrap();
    assert!(followed.update(&run).unwrap());
    assert_eq!((followed.steps, followed.training.points(10).len(), followed.fruitless), (3, 2, 1));
    assert_eq!(
        followed.best.as_ref().unwrap().figures,
        BTreeMap::from([("accuracy".into(), 0.5), ("loss".into(), 4.0)])
    );
    assert_eq!((followed.seconds, &followed.higher[..]), (Some(1.5), &["accuracy".to_owned()][..]));
}

#[test]
fn a_file_that_was_replaced_or_removed_is_read_anew() {
    let (folder, run) = run();
    let path = folder.path().join("metrics.jsonl");
    let mut followed = Followed::default();
    fs::write(&path, (1..=5).map(step).collect::<String>()).unwrap();
    followed.update(&run).unwrap();
    fs::write(&path, step(1)).unwrap();
    assert!(followed.update(&run).unwrap());
    assert_eq!((followed.steps, followed.training.points(10).len()), (1, 1));
    fs::remove_file(&path).unwrap();
    assert!(followed.update(&run).unwrap());
    assert_eq!(followed.steps, 0);
}

#[test]
fn memory_does_not_grow_with_the_run() {
    let (folder, run) = run();
    let lines: String = (1..=5000).map(|number| evaluation(number, 1.0, false)).collect();
    let strange: String = (0..100).map(|figure| format!(",\"figure{figure}\":1.0")).collect();
    let last = format!("{{\"kind\":\"evaluation\",\"step\":1,\"epoch\":1.0{strange}}}\n");
    fs::write(folder.path().join("metrics.jsonl"), lines + &"x".repeat(LONGEST as usize + 5) + "\n" + &last).unwrap();
    let mut followed = Followed::default();
    followed.update(&run).unwrap();
    assert_eq!((followed.recent.len(), followed.evaluations.len(), followed.steps), (RECENT, FIGURES, 5000));
}
