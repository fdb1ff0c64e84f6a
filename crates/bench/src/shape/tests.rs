use super::*;

#[test]
fn a_shape_reads_back_from_its_name() {
    let others = "sample-gru-1x256 train-rnn-3x7-b64-t1 caption-lstm-1x4-b2-t3";
    for name in DEFAULTS.split(' ').chain(others.split(' ')) {
        assert_eq!(name.parse::<Shape>().unwrap().to_string(), name);
    }
}

#[test]
fn a_name_that_is_no_shape_is_refused_by_name() {
    for name in " train train-lstm train-lstm-256 train-elman-1x2 read-lstm-1x2 train-lstm-1x2-q3".split(' ') {
        let error = name.parse::<Shape>().unwrap_err().to_string();
        assert!(error.contains("invalid shape") && error.contains("rnn, lstm or gru"), "{name}");
    }
    assert!("translate-lstm-1x3".parse::<Shape>().unwrap_err().to_string().contains("even"));
    assert!("train-lstm-1x2-apart".parse::<Shape>().unwrap_err().to_string().contains("only captions"));
    assert!("train-lstm-0x2".parse::<Shape>().unwrap_err().to_string().contains("above 0"));
}
