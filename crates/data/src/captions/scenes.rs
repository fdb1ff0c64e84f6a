//! Generated scenes: groups of coloured things along a path, described from its lit end to the
//! other.
//!
//! ```text
//! caption  = group | group relation caption
//! group    = "a" colour form | "two" colour forms | "three" colour forms
//! colour   = "red" | "green" | "blue" | "yellow"
//! form     = "circle" | "cross" | "triangle"
//! forms    = "circles" | "crosses" | "triangles"
//! relation = "left of" | "right of" | "above" | "below"        of the next group
//! ```
//!
//! Three to five groups lie on a grid of three by three places. Neighbours on the path are
//! neighbours on the grid, and no other two groups are. The ground of the first group's place is
//! lighter than that of the others. So every image has exactly one right caption, and any place can
//! come next to any of its neighbours in it.

use image::{Rgb, RgbImage};
use rand::{Rng, RngExt};

use super::generated::{self, COLOURS};
use super::read::CaptionedImage;
use crate::Split;
use crate::batches::epoch_rng;

/// The name after `builtin:`.
pub const NAME: &str = "scenes";

/// Places per row, and rows.
pub const GRID: usize = 3;

/// Slots per row of a place, and rows. A thing fills one.
const SLOTS: usize = 2;

const COUNTS: [&str; 3] = ["a", "two", "three"];
/// The forms, for one and for several.
const FORMS: [[&str; 2]; 3] = [["circle", "circles"], ["cross", "crosses"], ["triangle", "triangles"]];

/// The ground, and that of the first group's place.
const GROUND: [u8; 2] = [30, 90];

const TRAIN: u64 = 20_000;

/// Equal things side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// How many things, from 1 to 3.
    pub count: usize,
    colour: usize,
    form: usize,
    /// Its place: row by row, from the top left.
    pub place: usize,
}

impl Group {
    /// Its words in the caption: `two red circles`.
    pub fn words(self) -> [&'static str; 3] {
        [COUNTS[self.count - 1], COLOURS[self.colour].0, FORMS[self.form][usize::from(self.count > 1)]]
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

/// The groups of an image, in the order of its caption.
pub fn groups(number: u64) -> Vec<Group> {
    let mut rng = epoch_rng(number, 0);
    let length = rng.random_range(3..=5);
    let path = path(length, &mut rng);
    let mut pick = |count: usize| rng.random_range(0..count);
    let group =
        |place| Group { count: 1 + pick(COUNTS.len()), colour: pick(COLOURS.len()), form: pick(FORMS.len()), place };
    path.into_iter().map(group).collect()
}

/// A path of `length` places that comes nowhere near itself.
fn path(length: usize, rng: &mut impl Rng) -> Vec<usize> {
    loop {
        let mut path = vec![rng.random_range(0..GRID * GRID)];
        while path.len() < length {
            let (last, before) = path.split_last().expect("it has a first place");
            let free = |&place: &usize| touch(*last, place) && !before.iter().any(|&b| b == place || touch(b, place));
            let next: Vec<usize> = (0..GRID * GRID).filter(free).collect();
            if next.is_empty() {
                break;
            }
            path.push(next[rng.random_range(0..next.len())]);
        }
        if path.len() == length {
            return path;
        }
    }
}

/// Whether two places are neighbours in a row or a column.
fn touch(a: usize, b: usize) -> bool {
    (a / GRID).abs_diff(b / GRID) + (a % GRID).abs_diff(b % GRID) == 1
}

/// How a place lies to its neighbour.
fn relation(place: usize, neighbour: usize) -> &'static str {
    match (place / GRID == neighbour / GRID, place < neighbour) {
        (true, true) => "left of",
        (true, false) => "right of",
        (false, true) => "above",
        (false, false) => "below",
    }
}

/// The caption of an image.
pub fn caption(number: u64) -> String {
    let groups = groups(number);
    let mut caption = groups[0].words().join(" ");
    for pair in groups.windows(2) {
        caption += &format!(" {} {}", relation(pair[0].place, pair[1].place), pair[1].words().join(" "));
    }
    caption
}

/// An image of `side` by `side` pixels.
pub(super) fn picture(number: u64, side: usize) -> RgbImage {
    // Separate from the groups' random numbers, so that an image is the same at every size but for its noise.
    let mut rng = epoch_rng(number, 1);
    let slot = side as f32 / (GRID * SLOTS) as f32;
    let groups = groups(number);
    let mut things = Vec::new();
    for &group in &groups {
        for index in rand::seq::index::sample(&mut rng, SLOTS * SLOTS, group.count) {
            let radius = slot * rng.random_range(0.36..0.46);
            let room = slot / 2.0 - radius;
            let mut middle = |index: usize| (index as f32 + 0.5) * slot + rng.random_range(-room..=room);
            let (column, row) =
                (group.place % GRID * SLOTS + index % SLOTS, group.place / GRID * SLOTS + index / SLOTS);
            things.push((group, [middle(column), middle(row)], radius));
        }
    }
    let place = |x: u32, y: u32| {
        let [column, row] = [x, y].map(|at| at as usize * GRID / side);
        row * GRID + column
    };
    RgbImage::from_fn(side as u32, side as u32, |x, y| {
        let at = [x as f32 + 0.5, y as f32 + 0.5];
        let hit = things.iter().find(|(group, centre, radius)| covers(group.form, at, *centre, *radius));
        let ground = GROUND[usize::from(place(x, y) == groups[0].place)];
        let colour = hit.map_or([ground; 3], |(group, ..)| COLOURS[group.colour].1);
        Rgb(colour.map(|value| value.saturating_add(rng.random_range(0..20))))
    })
}

/// Whether a form of this radius around `centre` covers the point.
fn covers(form: usize, at: [f32; 2], centre: [f32; 2], radius: f32) -> bool {
    let [x, y] = [at[0] - centre[0], at[1] - centre[1]].map(|distance| distance / radius);
    match form {
        0 => x.hypot(y) <= 1.0,
        1 => x.abs().max(y.abs()) <= 1.0 && x.abs().min(y.abs()) <= 0.35,
        // The base is at the bottom, the tip at the top.
        _ => y.abs() <= 0.9 && 2.0 * x.abs() <= y + 1.0,
    }
}
