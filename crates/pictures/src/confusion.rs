//! A drawing of a confusion matrix.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use rekindle_metrics::classification::ConfusionMatrix;

use crate::text::cut;
use crate::{Picture, drawn};

const CELL: i32 = 56;
/// Width of the names at the left, in pixels; longer names are truncated.
const NAMES: i32 = 150;
const TOP: i32 = 96;
const MARGIN: i32 = 20;
const FILL: RGBColor = RGBColor(33, 94, 156);
/// Characters of a name that fit at the left, and above a column.
const LONGEST: (usize, usize) = (20, 8);

/// The confusion matrix with a row for each true class and a column for each predicted one: the number of items, with
/// the share of the row as colour.
///
/// # Panics
///
/// When the numbers of `names` and classes differ, or there are none.
pub fn confusion(matrix: &ConfusionMatrix, names: &[&str]) -> Picture {
    assert!(names.len() == matrix.classes() && !names.is_empty(), "a name is wanted for each class");
    let side = CELL * names.len() as i32;
    let size = (NAMES + side + MARGIN, TOP + side + MARGIN);
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (size.0.unsigned_abs(), size.1.unsigned_abs())).into_drawing_area();
    drawn(area.fill(&WHITE));
    let style = |size: i32, color: &'static RGBColor, h: HPos| {
        TextStyle::from(("sans-serif", size).into_font()).color(color).pos(Pos::new(h, VPos::Center))
    };
    let text = |words: String, x: i32, y: i32, style: TextStyle<'_>| drawn(area.draw(&Text::new(words, (x, y), style)));
    text("predicted".into(), NAMES + side / 2, 24, style(15, &BLACK, HPos::Center));
    text("true".into(), NAMES - 12, TOP - 20, style(15, &BLACK, HPos::Right));
    for (truth, name) in names.iter().enumerate() {
        let y = TOP + CELL * truth as i32;
        text(cut(name, LONGEST.0), NAMES - 12, y + CELL / 2, style(13, &BLACK, HPos::Right));
        let x = NAMES + CELL * truth as i32;
        text(cut(name, LONGEST.1), x + CELL / 2, TOP - 20, style(12, &BLACK, HPos::Center));
        let support = matrix.class(truth).support.max(1) as f64;
        for (predicted, &count) in matrix.row(truth).iter().enumerate() {
            let x = NAMES + CELL * predicted as i32;
            let share = count as f64 / support;
            let cell = [(x + 1, y + 1), (x + CELL - 1, y + CELL - 1)];
            drawn(area.draw(&Rectangle::new(cell, FILL.mix(share.max(0.04)).filled())));
            let color = if share > 0.5 { &WHITE } else { &BLACK };
            text(count.to_string(), x + CELL / 2, y + CELL / 2, style(13, color, HPos::Center));
        }
    }
    drawn(area.present());
    drop(area);
    Picture { name: "confusion", svg }
}

#[cfg(test)]
mod tests;
