//! Images side by side, as a picture, an animation or text.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, DynamicImage, Frame, ImageError, Rgb, RgbImage};

/// An image, with its read or write window.
#[derive(Clone, Debug)]
pub struct Tile {
    /// `[C, H, W]`, from 0 to 1.
    pub pixels: Vec<f32>,
    /// Left, top, right and bottom in pixels of the image, if there is a window.
    pub window: Option<[f32; 4]>,
}

/// The layout of images.
#[derive(Clone, Copy, Debug)]
pub struct Sheet {
    /// `[C, H, W]` of an image.
    pub shape: [usize; 3],
    /// Images per row.
    pub columns: usize,
    /// Pixels of the picture per pixel of an image.
    pub scale: usize,
    /// The colour of the windows.
    pub colour: [u8; 3],
}

/// Pixels between two images.
const GAP: usize = 2;
/// Duration of a frame of an animation, and of the last one.
const MILLISECONDS: [u32; 2] = [200, 1500];

/// Where images lie in a picture, in its pixels.
struct Grid {
    columns: usize,
    /// Width and height of an image and the gap after it.
    each: [usize; 2],
    /// Width and height of the picture.
    size: [usize; 2],
}

impl Sheet {
    fn grid(&self, count: usize) -> Grid {
        let columns = self.columns.clamp(1, count.max(1));
        let [_, height, width] = self.shape;
        let each = [width, height].map(|side| side * self.scale + GAP);
        Grid { columns, each, size: [columns * each[0] + GAP, count.div_ceil(columns) * each[1] + GAP] }
    }

    /// Pixels of a picture of `count` images.
    pub fn pixels(&self, count: usize) -> usize {
        self.grid(count).size.iter().product()
    }

    /// This layout with the largest scale, at most its own, at which a picture of `count` images has at most `most`
    /// pixels; with a scale of 1 if it has more even then.
    pub fn within(self, count: usize, most: usize) -> Self {
        let scale = (1..=self.scale).rev().find(|&scale| Self { scale, ..self }.pixels(count) <= most);
        Self { scale: scale.unwrap_or(1), ..self }
    }

    /// The images of `tiles`, row by row.
    pub fn picture(&self, tiles: &[Tile]) -> RgbImage {
        let Grid { columns, each: [width, height], size } = self.grid(tiles.len());
        let size = size.map(|side| side as u32);
        let mut picture = RgbImage::from_pixel(size[0], size[1], Rgb([96, 96, 96]));
        for (index, tile) in tiles.iter().enumerate() {
            let corner = [index % columns * width + GAP, index / columns * height + GAP];
            self.draw(&mut picture, tile, corner);
        }
        picture
    }

    fn draw(&self, picture: &mut RgbImage, tile: &Tile, [left, top]: [usize; 2]) {
        let Self { shape: [channels, height, width], scale, .. } = *self;
        for (y, x) in (0..height * scale).flat_map(|y| (0..width * scale).map(move |x| (y, x))) {
            let place = y / scale * width + x / scale;
            let level = |channel: usize| (tile.pixels[channel % channels * height * width + place] * 255.0) as u8;
            picture.put_pixel((left + x) as u32, (top + y) as u32, Rgb([level(0), level(1), level(2)]));
        }
        let Some([x0, y0, x1, y1]) = tile.window else { return };
        // A window may extend beyond the image: that part is drawn along the edge.
        let within = |at: f32, side: usize| ((at + 0.5) * scale as f32).clamp(0.0, (side * scale - 1) as f32) as usize;
        let (x0, x1) = (within(x0, width), within(x1, width));
        let (y0, y1) = (within(y0, height), within(y1, height));
        let across = (x0..=x1).flat_map(|x| [(x, y0), (x, y1)]);
        let down = (y0..=y1).flat_map(|y| [(x0, y), (x1, y)]);
        for (x, y) in across.chain(down) {
            picture.put_pixel((left + x) as u32, (top + y) as u32, Rgb(self.colour));
        }
    }

    /// Writes a PNG file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save_picture(&self, tiles: &[Tile], path: &Path) -> io::Result<()> {
        self.picture(tiles).save(path).map_err(to_io)
    }

    /// Writes an animated GIF file, with a picture for each of `frames`.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save_animation(&self, frames: &[Vec<Tile>], path: &Path) -> io::Result<()> {
        let file = File::create(path)?;
        let mut encoder = GifEncoder::new(BufWriter::new(file));
        encoder.set_repeat(Repeat::Infinite).map_err(to_io)?;
        for (index, tiles) in frames.iter().enumerate() {
            let picture = DynamicImage::ImageRgb8(self.picture(tiles)).into_rgba8();
            let last = usize::from(index + 1 == frames.len());
            let delay = Delay::from_numer_denom_ms(MILLISECONDS[last], 1);
            encoder.encode_frame(Frame::from_parts(picture, 0, 0, delay)).map_err(to_io)?;
        }
        Ok(())
    }
}

fn to_io(error: ImageError) -> io::Error {
    match error {
        ImageError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

/// `images` `[C, H, W]` side by side as block characters, each for two pixels above each other.
pub fn text(images: &[Vec<f32>], [channels, height, width]: [usize; 3]) -> String {
    let white = |image: &[f32], y: usize, x: usize| {
        let levels = (0..channels).map(|channel| image[(channel * height + y) * width + x]);
        y < height && levels.sum::<f32>() > 0.5 * channels as f32
    };
    let mut text = String::new();
    for y in (0..height).step_by(2) {
        let rows: Vec<String> = images
            .iter()
            .map(|image| {
                let block = |x| match (white(image, y, x), y + 1 < height && white(image, y + 1, x)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                };
                (0..width).map(block).collect()
            })
            .collect();
        text += rows.join(" | ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
