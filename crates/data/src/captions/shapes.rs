//! Generated images: one or two coloured shapes on a grid of three by three places.
//!
//! ```text
//! caption = shape | shape "and" shape        in reading order: from the top, then from the left
//! shape   = "a" colour form "at the" place
//! colour  = "red" | "green" | "blue" | "yellow"
//! form    = "circle" | "square" | "triangle"
//! place   = "top left" | "top" | "top right" | "left" | "centre" | "right" | "bottom left" | "bottom" | "bottom right"
//! ```

use image::{Rgb, RgbImage};
use rand::RngExt;

use super::generated::{self, COLOURS};
use super::read::CaptionedImage;
use crate::Split;
use crate::batches::epoch_rng;

/// The name after `builtin:`.
pub const NAME: &str = "shapes";

/// Places per row, and rows.
pub const GRID: usize = 3;

const FORMS: [&str; 3] = ["circle", "square", "triangle"];
const PLACES: [&str; GRID * GRID] =
    ["top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right"];

const TRAIN: u64 = 6000;

/// A shape of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    colour: usize,
    form: usize,
    /// Its place: row by row, from the top left.
    pub place: usize,
}

impl Shape {
    /// Its name in the caption, without the place: `red circle`.
    pub fn name(self) -> [&'static str; 2] {
        [COLOURS[self.colour].0, FORMS[self.form]]
    }
}

/// All images, each a function of its number only.
pub(super) fn all() -> Split<Vec<CaptionedImage>> {
    generated::all(NAME, TRAIN, caption)
}

/// The number of an image, from its name.
pub fn number(name: &str) -> Option<u64> {
    generated::number(NAME, name)
}

/// The shapes of an image, in reading order.
pub fn shapes(number: u64) -> Vec<Shape> {
    let mut rng = epoch_rng(number, 0);
    let mut shapes: Vec<Shape> = Vec::new();
    for _ in 0..rng.random_range(1..=2) {
        let mut pick = |count: usize| rng.random_range(0..count);
        let shape = Shape { colour: pick(COLOURS.len()), form: pick(FORMS.len()), place: pick(PLACES.len()) };
        if shapes.iter().all(|other| other.place != shape.place) {
            shapes.push(shape);
        }
    }
    shapes.sort_by_key(|shape| shape.place);
    shapes
}

/// The caption of an image.
pub fn caption(number: u64) -> String {
    let said = |shape: Shape| {
        let [colour, form] = shape.name();
        format!("a {colour} {form} at the {}", PLACES[shape.place])
    };
    shapes(number).into_iter().map(said).collect::<Vec<_>>().join(" and ")
}

/// An image of `side` by `side` pixels.
pub(super) fn picture(number: u64, side: usize) -> RgbImage {
    // Separate from the shapes' random numbers, so that an image is the same at every size but for its noise.
    let mut rng = epoch_rng(number, 1);
    let cell = side as f32 / GRID as f32;
    let drawn: Vec<(Shape, [f32; 2], f32)> = shapes(number)
        .into_iter()
        .map(|shape| {
            let radius = cell * rng.random_range(0.3..0.42);
            let room = cell / 2.0 - radius;
            let mut middle = |cell_index: usize| (cell_index as f32 + 0.5) * cell + rng.random_range(-room..=room);
            let centre = [middle(shape.place % GRID), middle(shape.place / GRID)];
            (shape, centre, radius)
        })
        .collect();
    RgbImage::from_fn(side as u32, side as u32, |x, y| {
        let at = [x as f32 + 0.5, y as f32 + 0.5];
        let hit = drawn.iter().find(|(shape, centre, radius)| covers(shape.form, at, *centre, *radius));
        let colour = hit.map_or([40; 3], |(shape, ..)| COLOURS[shape.colour].1);
        Rgb(colour.map(|value| value.saturating_add(rng.random_range(0..20))))
    })
}

/// Whether a form of this radius around `centre` covers the point.
fn covers(form: usize, at: [f32; 2], centre: [f32; 2], radius: f32) -> bool {
    let [x, y] = [at[0] - centre[0], at[1] - centre[1]].map(|distance| distance / radius);
    match FORMS[form] {
        "circle" => x.hypot(y) <= 1.0,
        "square" => x.abs().max(y.abs()) <= 0.9,
        // The base is at the bottom, the tip at the top.
        _ => y <= 0.9 && 2.0 * x.abs() <= (y + 1.0) * 0.95,
    }
}
