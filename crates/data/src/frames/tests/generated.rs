//! The built-in sets.

use super::*;
use crate::frames::{Clip, Frames, MovingShapes, OccludedShapes, Part};

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

#[test]
fn occluded_shapes_are_the_same_every_time_and_their_parts_differ() {
    let clip = OccludedShapes::clip(Part::Train, 3);
    assert_eq!(clip, OccludedShapes::clip(Part::Train, 3));
    assert_ne!(clip.frames, OccludedShapes::clip(Part::Test, 3).frames);
    assert_ne!(clip.frames, OccludedShapes::clip(Part::Train, 4).frames);
    let set = open("builtin:occluded-shapes").unwrap();
    assert_eq!((set.train.len(), set.validation.len(), set.test.len()), (4000, 100, 100));
    assert_eq!(set.schema.classes.names(), ["nothing", "square", "cross", "ring", "corner"]);
    let single = source("builtin:occluded-shapes/3").clips(&reader(), &set.schema, true).unwrap();
    assert_eq!(single, [OccludedShapes::clip(Part::Test, 3)]);
    let other = source("builtin:moving-shapes/3").clips(&reader(), &set.schema, true);
    assert_says(other, &["builtin:moving-shapes", "still", "nothing, square"]);
}

/// The bright pixels of a frame, in rows and columns from the first of them, and whether these touch the bar; none when
/// no pixel is bright.
fn shape(frame: &[u8]) -> Option<(Vec<(usize, usize)>, bool)> {
    let bright: Vec<(usize, usize)> = (0..256).filter(|&p| frame[p] >= 140).map(|p| (p / 16, p % 16)).collect();
    let top = bright.iter().map(|pixel| pixel.0).min()?;
    let left = bright.iter().map(|pixel| pixel.1).min()?;
    let is_bar = |row: usize, column: usize| row < 16 && column < 16 && (70..130).contains(&frame[row * 16 + column]);
    let by_bar = bright.iter().any(|&(row, column)| {
        is_bar(row + 1, column)
            || is_bar(row, column + 1)
            || row > 0 && is_bar(row - 1, column)
            || column > 0 && is_bar(row, column - 1)
    });
    Some((bright.into_iter().map(|(row, column)| (row - top, column - left)).collect(), by_bar))
}

/// The class of a form that is wholly in sight; none for a part of one.
fn form(pixels: &[(usize, usize)]) -> Option<u32> {
    const FORMS: [&str; 4] = ["111111111", "010111010", "111101111", "100100111"];
    let text: String = (0..9).map(|p| if pixels.contains(&(p / 3, p % 3)) { '1' } else { '0' }).collect();
    let whole = pixels.iter().any(|pixel| pixel.0 == 2) && pixels.iter().any(|pixel| pixel.1 == 2);
    FORMS.iter().position(|&form| whole && form == text).map(|form| 1 + form as u32)
}

fn frames_and_labels(clip: &Clip) -> Vec<(&[u8], u32)> {
    let Frames::Pixels { size, values } = &clip.frames else { unreachable!("the set is one of pixels") };
    values.chunks(*size).zip(clip.labels.clone().unwrap()).collect()
}

#[test]
fn labels_of_occluded_shapes_follow_from_the_frames_so_far() {
    for number in 0..300 {
        let clip = OccludedShapes::clip(Part::Train, number);
        let (mut label, mut whole, mut before) = (0, None, None);
        for (t, (frame, wanted)) in frames_and_labels(&clip).into_iter().enumerate() {
            let now = shape(frame);
            match (&before, &now) {
                // Out of sight beside the bar: it has gone in.
                (Some((_, true)), None) => label = whole.expect("it was seen as a whole before"),
                (_, Some((pixels, _))) => whole = form(pixels).or(whole),
                _ => {}
            }
            assert_eq!(label, wanted, "clip {number}, frame {t}");
            before = now;
        }
    }
}

#[test]
fn a_frame_of_occluded_shapes_says_nothing_about_its_form() {
    // By the form in sight (0 for none or a part of one): how often each label.
    let mut counts = [[0_usize; 5]; 5];
    for clip in OccludedShapes::clips(Part::Train) {
        for (frame, label) in frames_and_labels(&clip) {
            let seen = shape(frame).and_then(|(pixels, _)| form(&pixels)).unwrap_or(0);
            counts[seen as usize][label as usize] += 1;
        }
    }
    for (seen, counts) in counts.iter().enumerate() {
        let forms: usize = counts[1..].iter().sum();
        let total = (forms + counts[0]) as f64;
        assert!((counts[0] as f64 / total) < 0.25, "seen {seen}: {counts:?}");
        for &count in &counts[1..] {
            let share = count as f64 / forms as f64;
            // Some 1,500 passes or more for each form in sight: a share of 1/4 has a standard deviation of 0.01.
            assert!((share - 0.25).abs() < 0.04, "seen {seen}: {counts:?}");
        }
    }
}
