//! A generated data set: small shapes that move in images.
//!
//! An image of 16 by 16 grey pixels wraps around at its edges like a torus. On dim noise, one bright shape of 3 by 3
//! stands still or moves left, right, up or down, by 2 or 4 pixels a frame. Every frame is labelled with the step into
//! it: `still`, or its direction, with `-faster` once the shape has sped up since it took that direction. A shape that
//! started at full speed has not sped up.
//!
//! The shape is equally likely to be anywhere, whatever it does, so that a single frame does not determine its label.
//! Two frames determine direction and speed; whether the shape has sped up takes memory of its initial speed.

use rand::{Rng, RngExt};

use super::{Classes, Clip, FrameFormat, Frames};
use crate::batches::epoch_rng;
use crate::split::Part;

/// Height and width of an image.
pub(super) const SIZE: usize = 16;
/// Height and width of a shape.
pub(super) const SIDE: usize = 3;
/// Frames of a clip.
const FRAMES: usize = 40;
/// The brightest background pixel.
pub(super) const NOISE: u8 = 40;
/// The darkest pixel of a shape.
pub(super) const DIM: u8 = 140;

const CLASSES: [&str; 9] =
    ["still", "left", "left-faster", "right", "right-faster", "up", "up-faster", "down", "down-faster"];

/// Pixels per frame of a slow shape; a fast one moves twice as far.
const SPEED: usize = 2;

/// The step of a slow shape in each direction, in rows and columns.
const STEPS: [(usize, usize); 4] = [(0, SIZE - SPEED), (0, SPEED), (SIZE - SPEED, 0), (SPEED, 0)];

/// A square, a cross, a ring and a corner.
pub(super) const SHAPES: [[u8; SIDE * SIDE]; 4] = [
    [1, 1, 1, 1, 1, 1, 1, 1, 1],
    [0, 1, 0, 1, 1, 1, 0, 1, 0],
    [1, 1, 1, 1, 0, 1, 1, 1, 1],
    [1, 0, 0, 1, 0, 0, 1, 1, 1],
];

/// The generator. Every clip is a function of its split and number only.
#[derive(Clone, Copy, Debug)]
pub struct MovingShapes;

impl MovingShapes {
    /// The name: `builtin:moving-shapes`.
    pub const NAME: &'static str = "moving-shapes";

    /// The frame format: `[1, 16, 16]`.
    pub const FORMAT: FrameFormat = FrameFormat::Pixels { channels: 1, height: SIZE, width: SIZE };

    /// The labels.
    pub fn classes() -> Classes {
        Classes::new(CLASSES.map(str::to_owned).to_vec())
    }

    /// Number of clips in a split.
    pub fn count(part: Part) -> usize {
        match part {
            Part::Train => 4000,
            Part::Validation | Part::Test => 100,
        }
    }

    /// All clips of a split.
    pub fn clips(part: Part) -> Vec<Clip> {
        (0..Self::count(part)).map(|number| Self::clip(part, number)).collect()
    }

    /// A clip of a split, by its number from 0.
    pub fn clip(part: Part, number: usize) -> Clip {
        // Each split has its own random stream: 0, 1 or 2.
        let mut rng = epoch_rng(number as u64, part as u64);
        let shape = &SHAPES[rng.random_range(0..SHAPES.len())];
        let brightness = rng.random_range(DIM..=u8::MAX);
        let (mut row, mut column) = (rng.random_range(0..SIZE), rng.random_range(0..SIZE));
        let mut values = Vec::with_capacity(FRAMES * SIZE * SIZE);
        let mut labels = Vec::with_capacity(FRAMES);
        for (label, steps, direction) in motion(&mut rng) {
            let (down, right) = STEPS[direction];
            (row, column) = ((row + steps * down) % SIZE, (column + steps * right) % SIZE);
            labels.push(label);
            draw(&mut values, shape, brightness, (row, column), &mut rng);
        }
        let frames = Frames::Pixels { size: SIZE * SIZE, values };
        Clip { name: format!("{}/{number}", part.name()), frames, labels: Some(labels), whole_clip: false }
    }
}

/// The motion in each frame of a clip: its label, and the step in rows and columns.
fn motion(rng: &mut impl Rng) -> Vec<(u32, usize, usize)> {
    let mut frames = Vec::with_capacity(FRAMES);
    let mut direction = rng.random_range(0..STEPS.len());
    // The first frame has no step into it, so the shape rests.
    let mut rests = true;
    while frames.len() < FRAMES {
        if rests {
            let length = rng.random_range(1..4);
            frames.extend(std::iter::repeat_n((0, 0, direction), length));
        }
        // Another direction, so that full speed is never confused with that of the previous move.
        direction = (direction + rng.random_range(1..STEPS.len())) % STEPS.len();
        let label = 1 + 2 * direction as u32;
        if rng.random_bool(0.75) {
            let slow = rng.random_range(2..6);
            frames.extend(std::iter::repeat_n((label, 1, direction), slow));
            let fast = rng.random_range(3..9);
            frames.extend(std::iter::repeat_n((label + 1, 2, direction), fast));
        } else {
            let fast = rng.random_range(3..9);
            frames.extend(std::iter::repeat_n((label, 2, direction), fast));
        }
        rests = rng.random_bool(0.15);
    }
    frames.truncate(FRAMES);
    frames
}

fn draw(
    values: &mut Vec<u8>,
    shape: &[u8; SIDE * SIDE],
    brightness: u8,
    (row, column): (usize, usize),
    rng: &mut impl Rng,
) {
    let start = values.len();
    values.extend((0..SIZE * SIZE).map(|_| rng.random_range(0..NOISE)));
    for (index, _) in shape.iter().enumerate().filter(|(_, pixel)| **pixel == 1) {
        let (row, column) = ((row + index / SIDE) % SIZE, (column + index % SIDE) % SIZE);
        values[start + row * SIZE + column] = brightness;
    }
}
