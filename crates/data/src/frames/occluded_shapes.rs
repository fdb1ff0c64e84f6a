//! A generated data set: shapes that pass behind a bar and may come out as another shape.
//!
//! An image of 16 by 16 grey pixels has a bar of 6 pixels across it, upright or level. One bright
//! shape of 3 by 3 after the other enters at an end of the image, moves by 1 or 2 pixels a frame
//! until the bar hides it, waits there, and comes out on the other side. Behind the bar, its form
//! is drawn anew. Every frame is labelled with the form that went behind the bar last, or `nothing`
//! before the first.
//!
//! The forms are drawn independently of each other, of the motion and of the bar. So the form that
//! a frame shows, on its way in or out, says nothing about the frame's label: of the four forms all
//! are equally likely. A model must know which shapes go in and which come out, and remember
//! the last that went in until the next has.

use rand::{Rng, RngExt};

use super::moving_shapes::{DIM, MovingShapes, NOISE, SHAPES, SIDE, SIZE};
use super::{Classes, Clip, FrameFormat, Frames};
use crate::batches::epoch_rng;
use crate::split::Part;

/// Frames of a clip.
const FRAMES: usize = 40;
/// Width of the bar.
const BAR: usize = 6;
/// The darkest and the brightest bar.
const BAR_BRIGHTNESS: [u8; 2] = [70, 110];
/// The first class is for the frames before a shape went behind the bar, the others are the forms of [`SHAPES`].
const CLASSES: [&str; 5] = ["nothing", "square", "cross", "ring", "corner"];

/// The generator. Every clip is a function of its split and number only.
#[derive(Clone, Copy, Debug)]
pub struct OccludedShapes;

/// The shape in a frame, and the frame's label.
struct Moment {
    /// The index of its form in [`SHAPES`].
    form: usize,
    /// The pixel after the shape's last in the direction of motion: 0 before the image, and `SIZE + SIDE` after it.
    along: usize,
    /// The shape's first pixel across that direction.
    across: usize,
    label: u32,
}

impl OccludedShapes {
    /// The name: `builtin:occluded-shapes`.
    pub const NAME: &'static str = "occluded-shapes";

    /// The frame format: `[1, 16, 16]`.
    pub const FORMAT: FrameFormat = MovingShapes::FORMAT;

    /// The labels.
    pub fn classes() -> Classes {
        Classes::new(CLASSES.map(str::to_owned).to_vec())
    }

    /// Number of clips in a split.
    pub fn count(part: Part) -> usize {
        MovingShapes::count(part)
    }

    /// All clips of a split.
    pub fn clips(part: Part) -> Vec<Clip> {
        (0..Self::count(part)).map(|number| Self::clip(part, number)).collect()
    }

    /// A clip of a split, by its number from 0.
    pub fn clip(part: Part, number: usize) -> Clip {
        // Each split has its own random stream: 0, 1 or 2.
        let mut rng = epoch_rng(number as u64, part as u64);
        let upright = rng.random_bool(0.5);
        let bar = rng.random_range(SIZE / 4..=SIZE - SIZE / 4 - BAR);
        let bar_brightness = rng.random_range(BAR_BRIGHTNESS[0]..=BAR_BRIGHTNESS[1]);
        let brightness = rng.random_range(DIM..=u8::MAX);
        let mut values = Vec::with_capacity(FRAMES * SIZE * SIZE);
        let mut labels = Vec::with_capacity(FRAMES);
        for moment in moments(bar, &mut rng) {
            labels.push(moment.label);
            values.extend((0..SIZE * SIZE).map(|pixel| {
                let (row, column) = (pixel / SIZE, pixel % SIZE);
                let (along, across) = if upright { (column, row) } else { (row, column) };
                let noise = rng.random_range(0..NOISE);
                if (bar..bar + BAR).contains(&along) {
                    bar_brightness + noise / 4
                } else if moment.covers(along, across, upright) {
                    brightness
                } else {
                    noise
                }
            }));
        }
        let frames = Frames::Pixels { size: SIZE * SIZE, values };
        Clip { name: format!("{}/{number}", part.name()), frames, labels: Some(labels), whole_clip: false }
    }
}

impl Moment {
    /// Whether the shape, were there no bar, covers a pixel.
    fn covers(&self, along: usize, across: usize, upright: bool) -> bool {
        let along = (along + SIDE).checked_sub(self.along).filter(|&along| along < SIDE);
        let across = across.checked_sub(self.across).filter(|&across| across < SIDE);
        let Some((along, across)) = along.zip(across) else { return false };
        let (row, column) = if upright { (across, along) } else { (along, across) };
        SHAPES[self.form][row * SIDE + column] == 1
    }
}

/// The frames of a clip whose bar begins at this pixel.
fn moments(bar: usize, rng: &mut impl Rng) -> Vec<Moment> {
    let end = SIZE + SIDE;
    let hidden = bar + SIDE..=bar + BAR;
    let mut moments: Vec<Moment> = Vec::with_capacity(FRAMES);
    let mut label = 0;
    while moments.len() < FRAMES {
        let mut form = rng.random_range(0..SHAPES.len());
        let across = rng.random_range(0..=SIZE - SIDE);
        let (speed, back) = (rng.random_range(1..=2), rng.random_bool(0.5));
        // The first shape of a clip is in the image from the start, the others come from outside of it.
        let start = if moments.is_empty() { SIDE } else { 0 };
        let mut at = start + rng.random_range(0..speed);
        let mut has_gone_in = false;
        while at < end {
            // Motion backwards mirrors the image, and with it the bar.
            let along = if back { end - at } else { at };
            let mut frames = 1;
            if hidden.contains(&along) && !has_gone_in {
                has_gone_in = true;
                label = 1 + form as u32;
                form = rng.random_range(0..SHAPES.len());
                frames += rng.random_range(2..=8);
            }
            moments.extend((0..frames).map(|_| Moment { form, along, across, label }));
            at += speed;
        }
        // Nothing is in the image.
        let gap = rng.random_range(0..=2);
        moments.extend((0..gap).map(|_| Moment { form, along: end, across, label }));
    }
    moments.truncate(FRAMES);
    moments
}
