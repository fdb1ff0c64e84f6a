use super::*;

#[test]
fn a_resumed_log_forgets_later_steps_and_a_line_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    fs::write(&path, b"{\"step\":1}\n\xff{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"step\":1,\"lo").unwrap();
    let mut log = MetricsLog::open(path.clone(), 2).unwrap();
    log.line(json!({"step": 3})).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n");
}

#[test]
fn the_time_of_training_goes_on_where_the_kept_lines_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let lines = "{\"step\":1,\"seconds\":60.5}\n{\"step\":2}\n{\"step\":3,\"seconds\":99.0}\n";
    fs::write(&path, lines).unwrap();
    let seconds = MetricsLog::open(path, 2).unwrap().seconds();
    assert!((60.5..70.0).contains(&seconds), "{seconds}");
}
