use super::*;

#[test]
fn a_shape_reads_back_from_its_name() {
    let others = "sample-gru-1x256 train-rnn-3x7-b64-t1 caption-lstm-1x4-b2-t3 sentiment-gru-1x4-b2-t3-packed \
        draw-lstm-1x4-w2 draw-lstm-1x4-b1-t2-r3";
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
    assert!("train-lstm-1x2-packed".parse::<Shape>().unwrap_err().to_string().contains("only texts"));
    assert!("draw-gru-1x2".parse::<Shape>().unwrap_err().to_string().contains("one LSTM layer"));
    assert!("draw-lstm-2x2".parse::<Shape>().unwrap_err().to_string().contains("one LSTM layer"));
    assert!("draw-lstm-1x2-r29".parse::<Shape>().unwrap_err().to_string().contains("at most 28"));
    assert!("train-lstm-1x2-r2".parse::<Shape>().unwrap_err().to_string().contains("only DRAW"));
    assert!("train-lstm-0x2".parse::<Shape>().unwrap_err().to_string().contains("above 0"));
}

#[test]
fn the_texts_of_a_classifier_have_many_lengths_and_only_their_words_count() {
    let shape: Shape = "sentiment-lstm-1x4-b50-t400".parse().unwrap();
    let lengths = shape.lengths();
    assert_eq!((lengths.len(), lengths[0]), (50, 400));
    assert!(lengths.iter().all(|length| (40..=400).contains(length)) && lengths.iter().any(|&length| length < 80));
    assert_eq!(shape.tokens(3), 3 * lengths.iter().sum::<usize>());
}

#[test]
fn every_task_with_a_pytorch_side_is_among_the_default_shapes() {
    let shapes = Shape::defaults();
    assert!(Work::ALL.iter().all(|work| shapes.iter().any(|shape| shape.work == *work)));
}
