//! Which class was taken for which.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use rekindle_metrics::classification::ConfusionMatrix;

use super::{Picture, drawn};

const CELL: i32 = 56;
/// Room for the names at the left, in pixels; longer names are cut.
const NAMES: i32 = 150;
const TOP: i32 = 96;
const MARGIN: i32 = 20;
const FILL: RGBColor = RGBColor(33, 94, 156);
/// Characters of a name that fit at the left, and above a column.
const LONGEST: (usize, usize) = (20, 8);

/// The confusion matrix with a row for each true class and a column for each predicted one: the number of items, and as
/// colour the share of the row.
///
/// # Panics
///
/// When there are not as many `names` as classes, or none.
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

/// The first characters of `name`, marked where it goes on.
pub(super) fn cut(name: &str, longest: usize) -> String {
    if name.chars().count() <= longest {
        return name.to_owned();
    }
    name.chars().take(longest - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_and_every_name_is_drawn() {
        let matrix = ConfusionMatrix::of(2, &[0, 0, 0, 1, 1], &[0, 0, 1, 1, 1]);
        let picture = confusion(&matrix, &["good", "a name that is far too long to be drawn whole"]);
        assert_eq!(picture.name, "confusion");
        let texts: Vec<&str> = picture.svg.lines().filter(|line| !line.trim_start().starts_with('<')).collect();
        let of = |wanted: &str| texts.iter().filter(|text| text.trim() == wanted).count();
        assert_eq!((of("2"), of("1"), of("0"), of("good")), (2, 1, 1, 2));
        assert_eq!((of("a name that is far …"), of("a name …")), (1, 1));
    }

    #[test]
    fn markup_in_a_name_is_text() {
        let picture = confusion(&ConfusionMatrix::new(1), &["<b>&"]);
        assert!(!picture.svg.contains("<b>"));
    }
}
