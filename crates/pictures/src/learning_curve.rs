//! A drawing of a run's learning curve.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;
use serde_json::Value;

use crate::{Picture, drawn};

const SIZE: (u32, u32) = (900, 360);
const TRAINING: RGBColor = RGBColor(120, 150, 190);
const HELD_OUT: RGBColor = RGBColor(200, 70, 40);
/// Largest number of points of a curve: a drawing cannot show more.
const MAX_POINTS: usize = 600;

/// A curve: `(epochs, value)`.
type Curve = Vec<(f64, f64)>;

/// The learning curve from the lines of a run's `metrics.jsonl`: on the left the loss of training steps and
/// evaluations, on the right the evaluations' `figure`, if given. None if there are no figures yet.
pub fn learning_curve(metrics: &str, loss_unit: &str, figure: Option<&str>) -> Option<Picture> {
    let lines: Vec<Value> = metrics.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |kind: &str, name: &str| -> Curve {
        let lines = lines.iter().filter(|line| line["kind"] == kind);
        let points = lines.filter_map(|line| Some((line["epoch"].as_f64()?, line[name].as_f64()?)));
        points.filter(|(_, value)| value.is_finite()).collect()
    };
    let (training, held_out) = (thinned(of("step", "loss")), of("evaluation", "loss"));
    if training.is_empty() && held_out.is_empty() {
        return None;
    }
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    drawn(area.fill(&WHITE));
    let title = if loss_unit.is_empty() { "loss".to_owned() } else { format!("loss in {loss_unit}") };
    let curves = [("training", training, TRAINING), ("held out", held_out, HELD_OUT)];
    match figure {
        None => panel(&area, &title, &curves),
        Some(name) => {
            let (left, right) = area.split_horizontally(SIZE.0 / 2);
            panel(&left, &title, &curves);
            let curve = of("evaluation", name);
            panel(&right, &name.replace('_', " "), &[("held out", curve, HELD_OUT)]);
        }
    }
    drawn(area.present());
    drop(area);
    Some(Picture { name: "learning-curve", svg })
}

/// Averages adjacent points, so that there are at most [`MAX_POINTS`].
fn thinned(curve: Curve) -> Curve {
    let group = curve.len().div_ceil(MAX_POINTS).max(1);
    let mean = |points: &[(f64, f64)]| {
        let count = points.len() as f64;
        let sum = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sum.0 / count, sum.1 / count)
    };
    curve.chunks(group).map(mean).collect()
}

fn panel(area: &DrawingArea<SVGBackend<'_>, Shift>, title: &str, curves: &[(&str, Curve, RGBColor)]) {
    let points = || curves.iter().flat_map(|(_, curve, _)| curve.iter());
    let (epochs, values) = (range(points().map(|point| point.0)), range(points().map(|point| point.1)));
    let mut builder = ChartBuilder::on(area);
    builder.caption(title, ("sans-serif", 18)).margin(12).x_label_area_size(32).y_label_area_size(48);
    let mut chart = drawn(builder.build_cartesian_2d(epochs, values));
    drawn(chart.configure_mesh().x_desc("epochs").light_line_style(WHITE).draw());
    for (name, curve, color) in curves {
        if curve.len() < 30 {
            drawn(chart.draw_series(curve.iter().map(|&point| Circle::new(point, 3, color.filled()))));
        }
        let line = drawn(chart.draw_series(LineSeries::new(curve.iter().copied(), color.stroke_width(2))));
        let color = *color;
        line.label(*name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    if curves.len() < 2 {
        return;
    }
    // Losses fall, so this corner is empty.
    let mut legend = chart.configure_series_labels();
    drawn(
        legend
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .draw(),
    );
}

/// A range around `values` with a margin, never empty.
fn range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
    if least > most {
        return 0.0..1.0;
    }
    // A twentieth of the value, if there is only one.
    let room = if most > least { (most - least) * 0.04 } else { most.abs() * 0.05 }.max(1e-6);
    least - room..most + room
}

#[cfg(test)]
mod tests;
