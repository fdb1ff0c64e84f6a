//! A drawing of a translation's attention weights.

use crate::Picture;
use crate::text::escaped;

/// Size of a square, in pixels of the drawing.
const SQUARE: usize = 26;

/// The alignment of a translation: a row for each target token, a column for each source token, darker for a higher
/// attention weight `weights[row][column]`, from 0 to 1.
pub fn alignment(weights: &[Vec<f32>], read: &[String], written: &[String]) -> Picture {
    let longest = |words: &[String]| words.iter().map(|word| word.chars().count()).max().unwrap_or(0);
    // Letters of the font size below are about 7 pixels wide.
    let (left, top) = (longest(written) * 7 + 12, longest(read) * 7 + 12);
    let (width, height) = (left + read.len() * SQUARE + 8, top + written.len() * SQUARE + 8);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"monospace\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (column, word) in read.iter().enumerate() {
        let x = left + column * SQUARE + SQUARE / 2 + 4;
        let y = top - 6;
        svg += &format!("<text x=\"{x}\" y=\"{y}\" transform=\"rotate(-90 {x} {y})\">{}</text>\n", escaped(word));
    }
    for (row, word) in written.iter().enumerate() {
        let y = top + row * SQUARE;
        let (x, base) = (left - 6, y + SQUARE / 2 + 4);
        svg += &format!("<text x=\"{x}\" y=\"{base}\" text-anchor=\"end\">{}</text>\n", escaped(word));
        for (column, weight) in weights.get(row).into_iter().flatten().enumerate().take(read.len()) {
            let x = left + column * SQUARE;
            svg += &format!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{SQUARE}\" height=\"{SQUARE}\" fill=\"#08306b\" \
                 fill-opacity=\"{weight:.3}\" stroke=\"#ddd\"><title>{weight:.3}</title></rect>\n"
            );
        }
    }
    svg += "</svg>\n";
    Picture { name: "alignment", svg }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_and_every_weight_is_drawn() {
        let [read, written] = [["ein", "<END>"], ["a&b", "<END>"]].map(|words| words.map(str::to_owned));
        let picture = alignment(&[vec![0.25, 0.75], vec![0.0, 1.0]], &read, &written);
        for part in [">ein<", "&lt;END&gt;", ">a&amp;b<", "fill-opacity=\"0.750\"", "</svg>"] {
            assert!(picture.svg.contains(part), "{part}");
        }
        assert_eq!(picture.svg.matches("<title>").count(), 4);
    }
}
