//! Generated images: strokes and shapes, white on black, with soft edges, 28 by 28.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Images;

/// Height and width.
const SIZE: usize = 28;

/// A generator. Every image is a function of its number only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generator {
    /// A curved pen stroke, sometimes two.
    Strokes,
    /// The outline of a circle, a square or a triangle, at any position.
    Shapes,
}

impl Generator {
    /// All generators, with their names after `builtin:`.
    pub const NAMES: [(Self, &str); 2] = [(Self::Strokes, "strokes"), (Self::Shapes, "shapes")];

    /// Number of images in the set.
    pub const COUNT: usize = 6000;

    /// All images of the set.
    pub fn images(self) -> Images {
        let values = (0..Self::COUNT as u64).flat_map(|number| self.image(number)).collect();
        Images { channels: 1, height: SIZE, width: SIZE, values }
    }

    /// The pixels of an image, by its number from 0.
    pub fn image(self, number: u64) -> Vec<u8> {
        let mut rng = ChaCha8Rng::seed_from_u64(number);
        let lines = match self {
            Self::Strokes => strokes(&mut rng),
            Self::Shapes => shape(&mut rng),
        };
        let pixel = |index: usize| {
            let at = [(index % SIZE) as f32, (index / SIZE) as f32];
            let distance = lines.iter().map(|line| distance(at, line)).fold(f32::INFINITY, f32::min);
            // White up to a pixel from the centre line, black from two on.
            ((2.0 - distance).clamp(0.0, 1.0) * 255.0).round() as u8
        };
        (0..SIZE * SIZE).map(pixel).collect()
    }
}

/// A line from one point `[x, y]` to another.
type Line = [[f32; 2]; 2];

/// A pen moves through some points, turning a little at each; half of the images have a second stroke.
fn strokes(rng: &mut impl Rng) -> Vec<Line> {
    let mut lines = Vec::new();
    for _ in 0..rng.random_range(1..=2) {
        let mut at = [rng.random_range(6.0..22.0), rng.random_range(6.0..22.0)];
        let mut heading: f32 = rng.random_range(0.0..std::f32::consts::TAU);
        let bend: f32 = rng.random_range(-0.7..0.7);
        for _ in 0..5 {
            let to = [at[0] + 3.0 * heading.cos(), at[1] + 3.0 * heading.sin()].map(|x| x.clamp(2.0, 25.0));
            lines.push([at, to]);
            (at, heading) = (to, heading + bend);
        }
    }
    lines
}

/// A polygon of 3, 4 or 16 corners; 16 approximate a circle.
fn shape(rng: &mut impl Rng) -> Vec<Line> {
    let corners = [3, 4, 16][rng.random_range(0..3)];
    let radius: f32 = rng.random_range(5.0..10.0);
    let centre = [rng.random_range(11.0..17.0), rng.random_range(11.0..17.0)];
    // A square rests on a side, a triangle on its base.
    let turn = if corners == 4 { 0.25 } else { 0.5 } * std::f32::consts::PI;
    let corner = |index: usize| {
        let angle = index as f32 / corners as f32 * std::f32::consts::TAU - turn;
        [centre[0] + radius * angle.cos(), centre[1] + radius * angle.sin()]
    };
    (0..corners).map(|index| [corner(index), corner(index + 1)]).collect()
}

/// The distance of a point to the nearest point of a line.
fn distance([x, y]: [f32; 2], &[[x0, y0], [x1, y1]]: &Line) -> f32 {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { (((x - x0) * dx + (y - y0) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (x - x0 - along * dx).hypot(y - y0 - along * dy)
}
