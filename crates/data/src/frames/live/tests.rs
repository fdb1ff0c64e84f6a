//! Frames as lines.

use std::num::NonZeroUsize;

use super::*;
use crate::frames::{Classes, Normalization, Standardization};

fn schema(format: FrameFormat) -> FrameSchema {
    FrameSchema {
        format,
        columns: Some(vec!["x".into(), "y".into()]),
        classes: Classes::new(vec!["a".into(), "b".into()]),
        changes: None,
        normalization: Normalization::default(),
        transitions: None,
        standardization: Some(Standardization { mean: vec![1.0, 0.0], deviation: vec![2.0, 1.0] }),
    }
}

#[test]
fn features_are_standardised() {
    let schema = schema(FrameFormat::Features { width: 2 });
    assert_eq!(schema.live().unwrap().frame(" 5, -1 ", "standard input", 1).unwrap(), [2.0, -1.0]);
}

#[test]
fn changes_are_those_of_the_last_frames_and_the_first_frame_has_none() {
    for (frames, wanted) in [(1, [[-0.5, 0.0], [1.0, 0.0], [-1.5, 1.0]]), (2, [[-0.5, 0.0], [1.0, 0.0], [0.0, 1.0]])] {
        let changes = NonZeroUsize::new(frames);
        let schema = FrameSchema { changes, ..schema(FrameFormat::Features { width: 2 }) };
        let mut live = schema.live().unwrap();
        assert_eq!(["5,-1", "8,-1", "6,0"].map(|line| live.frame(line, "standard input", 1).unwrap()), wanted);
    }
}

#[test]
fn a_line_that_is_no_frame_is_named() {
    let schema = schema(FrameFormat::Features { width: 2 });
    for (line, wanted) in [
        ("1", "standard input, line 7: 1 feature, and the model reads 2"),
        ("1,2,3", "standard input, line 7: 3 features"),
        ("1,high", "standard input, line 7: `high` in the column `y`"),
        ("nan,2", "standard input, line 7: `nan` in the column `x`"),
    ] {
        let error = schema.live().unwrap().frame(line, "standard input", 7).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    let pixels = FrameFormat::Pixels { channels: 1, height: 4, width: 4 };
    assert!(
        FrameSchema { format: pixels, ..schema }.live().unwrap().frame("no-such.png", "standard input", 1).is_err()
    );
}
