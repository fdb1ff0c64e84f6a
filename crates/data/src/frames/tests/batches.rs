//! Batches: which frames stand where, and who reads them.

use std::sync::Arc;

use rstest::rstest;

use super::*;
use crate::frames::{Chunk, Clip, FrameFormat, FrameLoader, Frames, Layout, TrainingPlan};

const FORMAT: FrameFormat = FrameFormat::Features { width: 1 };

/// A clip whose frames are `100 n, 100 n + 1, ..`, of classes `0, 1, 2, ..`.
fn clip(number: usize, length: usize) -> Clip {
    let values = (0..length).map(|t| (100 * number + t) as f32).collect();
    let labels = Some((0..length as u32).collect());
    Clip { name: number.to_string(), frames: Frames::Features { width: 1, values }, labels, whole_clip: false }
}

fn chunks(layout: &Layout) -> Vec<Vec<Option<Chunk>>> {
    (0..layout.batches()).map(|k| layout.batch(k).collect()).collect()
}

#[test]
fn a_whole_clip_stays_in_its_row_and_begins_once() {
    let layout = Layout::whole_clips(&[2, 7, 3], 2, 3);
    assert_eq!((layout.batch_size(), layout.time()), (2, 3));
    let chunk = |clip, start, len| Some(Chunk { clip, start, len, begins: start == 0 });
    let wanted =
        [vec![chunk(1, 0, 3), chunk(2, 0, 3)], vec![chunk(1, 3, 3), chunk(0, 0, 2)], vec![chunk(1, 6, 1), None]];
    assert_eq!(chunks(&layout), wanted);
}

#[rstest]
fn an_epoch_reads_every_frame_once_and_always_has_as_many_batches(
    #[values(1, 3, 50)] batch_size: usize,
    #[values(1, 4, 100)] time: usize,
) {
    let lengths = vec![9, 1, 4, 30, 12];
    let plan = TrainingPlan::new(lengths.clone(), batch_size, time, 7);
    let mut orders = Vec::new();
    for epoch in 0..4 {
        let layout = plan.epoch(epoch);
        assert_eq!(layout, plan.epoch(epoch), "a layout is a function of seed and epoch");
        assert_eq!(layout.batches(), plan.batches());
        let mut seen: Vec<Vec<usize>> = lengths.iter().map(|&length| vec![0; length]).collect();
        for (k, batch) in chunks(&layout).into_iter().enumerate() {
            for chunk in batch.into_iter().flatten() {
                seen[chunk.clip][chunk.start..chunk.start + chunk.len].iter_mut().for_each(|count| *count += 1);
                assert_eq!(chunk.begins, chunk.start == 0 || k == 0);
            }
        }
        assert!(seen.iter().flatten().all(|&count| count == 1));
        orders.push(layout);
    }
    assert!(orders.windows(2).any(|pair| pair[0] != pair[1]), "epochs differ");
}

#[rstest]
fn a_batch_has_the_frames_labels_and_lengths_of_its_chunks(#[values(0, 2)] workers: usize) {
    let clips = vec![clip(0, 2), clip(1, 7), clip(2, 3)];
    let layout = Arc::new(Layout::whole_clips(&[2, 7, 3], 2, 3));
    let mut loader = FrameLoader::new(clips, FORMAT, workers);
    // In any order, as a resumed run asks for them.
    for k in [1, 0, 1, 2, 2, 0] {
        let batch = loader.batch(&layout, k).unwrap();
        match k {
            0 => {
                assert_eq!(batch.frames, [100.0, 101.0, 102.0, 200.0, 201.0, 202.0]);
                assert_eq!((&batch.begins[..], &batch.previous[..]), (&[0, 1][..], &[None, None][..]));
            }
            1 => {
                assert_eq!(batch.frames, [103.0, 104.0, 105.0, 0.0, 1.0, 0.0]);
                assert_eq!(batch.labels, [3, 4, 5, 0, 1, 0]);
                assert_eq!(batch.lengths, [3, 2]);
                assert_eq!((&batch.begins[..], &batch.previous[..]), (&[1][..], &[Some(2), None][..]));
            }
            _ => {
                assert_eq!((batch.time, &batch.frames[..]), (1, &[106.0, 0.0][..]));
                assert_eq!((batch.lengths, batch.places), (vec![1, 0], vec![Some((1, 6)), None]));
            }
        }
    }
}

#[test]
fn a_frame_that_cannot_be_read_ahead_is_an_error_of_its_own_batch() {
    let files = Files::new();
    let good = files.path("good.png");
    image::GrayImage::new(2, 2).save(&good).unwrap();
    let paths = vec![good.clone(), good, files.path("missing.png")];
    let clip = Clip { name: "film".into(), frames: Frames::Images(paths), labels: None, whole_clip: false };
    let format = FrameFormat::Pixels { channels: 1, height: 2, width: 2 };
    let mut loader = FrameLoader::new(vec![clip], format, 2);
    let layout = Arc::new(Layout::whole_clips(&[3], 1, 1));
    assert!(loader.batch(&layout, 0).is_ok() && loader.batch(&layout, 1).is_ok());
    assert_says(loader.batch(&layout, 2), &["missing.png"]);
}
