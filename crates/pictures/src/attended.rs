//! A drawing of the attention over an image: the image once per word of its caption, bright where the attention is.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, RgbImage};

use crate::text::escaped;
use crate::{Picture, drawn};

/// Side of a tile, in pixels.
const TILE: usize = 140;

/// Tiles per row.
const COLUMNS: usize = 6;

/// Height of a line of text.
const LINE: usize = 20;

/// A small image, as part of a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    address: String,
}

impl Thumbnail {
    /// A thumbnail from the pixels of a square: the red plane, row by row, then green, then blue.
    ///
    /// # Panics
    ///
    /// When the pixels are not those of a square.
    pub fn new(pixels: &[u8]) -> Self {
        let side = (pixels.len() / 3).isqrt();
        assert_eq!(pixels.len(), 3 * side * side, "three planes of a square");
        Self { address: png_address(pixels, [3, side, side]) }
    }
}

/// An image as PNG in an address of data. It has `[C, H, W]` pixels: one plane of grey, or those of red, green and
/// blue.
///
/// # Panics
///
/// When there are not as many pixels.
pub fn png_address(pixels: &[u8], [channels, height, width]: [usize; 3]) -> String {
    assert_eq!(pixels.len(), channels * height * width, "pixels of {channels} planes of {height} by {width}");
    let at = |channel: usize, x: u32, y: u32| pixels[(channel * height + y as usize) * width + x as usize];
    let colour = |channel: usize| if channels == 1 { 0 } else { channel };
    let image = RgbImage::from_fn(width as u32, height as u32, |x, y| {
        image::Rgb([0, 1, 2].map(|channel| at(colour(channel), x, y)))
    });
    let mut png = Cursor::new(Vec::new());
    drawn(image.write_to(&mut png, ImageFormat::Png));
    format!("data:image/png;base64,{}", STANDARD.encode(png.into_inner()))
}

/// The image alone, then once per word, darker where the attention `weights[word]` is lower. `name` must be unique
/// among the drawings of a page.
pub fn attended(name: &str, thumbnail: &Thumbnail, words: &[String], weights: &[Vec<f32>]) -> Picture {
    let tiles = 1 + words.len().min(weights.len());
    let (columns, rows) = (tiles.min(COLUMNS), tiles.div_ceil(COLUMNS));
    let (step, width, height) = (TILE + LINE, columns * TILE, rows * (TILE + LINE));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<defs><image id=\"{name}\" width=\"{TILE}\" height=\"{TILE}\" href=\"{}\"/></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        thumbnail.address
    );
    let place = |tile: usize| (tile % COLUMNS * TILE, tile / COLUMNS * step);
    for tile in 0..tiles {
        let (x, y) = place(tile);
        svg += &format!("<use href=\"#{name}\" x=\"{x}\" y=\"{y}\"/>\n");
        let Some(index) = tile.checked_sub(1) else { continue };
        let weights = &weights[index];
        let side = weights.len().isqrt().max(1);
        let square = TILE as f32 / side as f32;
        let most = weights.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        for (at, weight) in weights.iter().enumerate() {
            let (left, top) = (x as f32 + (at % side) as f32 * square, y as f32 + (at / side) as f32 * square);
            svg += &format!(
                "<rect x=\"{left:.2}\" y=\"{top:.2}\" width=\"{square:.2}\" height=\"{square:.2}\" \
                 fill-opacity=\"{:.2}\"><title>{weight:.3}</title></rect>\n",
                0.85 * (1.0 - weight / most)
            );
        }
        let (middle, base) = (x + TILE / 2, y + TILE + LINE - 6);
        svg += &format!("<text x=\"{middle}\" y=\"{base}\" text-anchor=\"middle\">{}</text>\n", escaped(&words[index]));
    }
    svg += "</svg>\n";
    Picture { name: "attention", svg }
}

#[cfg(test)]
mod tests;
