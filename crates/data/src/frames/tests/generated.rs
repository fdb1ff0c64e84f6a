//! The built-in set.

use super::*;
use crate::frames::{Frames, MovingShapes, Part};

#[test]
fn the_built_in_set_is_the_same_every_time_and_its_parts_differ() {
    let clip = MovingShapes::clip(Part::Train, 3);
    assert_eq!(clip, MovingShapes::clip(Part::Train, 3));
    assert_ne!(clip.frames, MovingShapes::clip(Part::Test, 3).frames);
    assert_ne!(clip.frames, MovingShapes::clip(Part::Train, 4).frames);
    let set = open("builtin:moving-shapes").unwrap();
    assert_eq!((set.train.len(), set.validation.len(), set.test.len()), (4000, 100, 100));
    let single = source("builtin:moving-shapes/3").clips(&reader(), &set.schema, true).unwrap();
    assert_eq!(single, [MovingShapes::clip(Part::Test, 3)]);
}

#[test]
fn no_class_is_much_more_frequent_than_the_others() {
    let mut counts = [0_usize; 9];
    for clip in MovingShapes::clips(Part::Train) {
        clip.labels.unwrap().into_iter().for_each(|label| counts[label as usize] += 1);
    }
    let total: usize = counts.iter().sum();
    let most = *counts.iter().max().unwrap() as f64 / total as f64;
    // A model that sees one frame alone can do no better than this.
    assert!(most < 0.15, "{most} of {counts:?}");
}

/// Where the pixels of the shape are.
fn bright(frame: &[u8]) -> Vec<bool> {
    frame.iter().map(|&pixel| pixel >= 140).collect()
}

#[test]
fn labels_say_how_the_shape_moved() {
    for number in 0..20 {
        let clip = MovingShapes::clip(Part::Validation, number);
        let Frames::Pixels { size, values } = &clip.frames else { unreachable!("the set is one of pixels") };
        let frames: Vec<_> = values.chunks(*size).map(bright).collect();
        let labels = clip.labels.unwrap();
        for (t, pair) in frames.windows(2).enumerate() {
            let shifted = |down: usize, right: usize| {
                (0..256).all(|p| pair[1][(p / 16 + down) % 16 * 16 + (p % 16 + right) % 16] == pair[0][p])
            };
            let [fast, step] = match labels[t + 1] {
                0 => [shifted(0, 0); 2],
                1 | 2 => [shifted(0, 12), shifted(0, 14)],
                3 | 4 => [shifted(0, 4), shifted(0, 2)],
                5 | 6 => [shifted(12, 0), shifted(14, 0)],
                _ => [shifted(4, 0), shifted(2, 0)],
            };
            let faster = labels[t + 1] > 0 && labels[t + 1].is_multiple_of(2);
            assert!(fast || (!faster && step), "clip {number}, frame {}", t + 1);
        }
    }
}
