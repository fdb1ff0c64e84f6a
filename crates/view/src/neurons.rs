//! A page of what units do while a model reads.

use std::fmt::Write;

use rekindle_pictures::escaped;
use rekindle_train::inside::{Activations, Kind, Ranking, Saturation, Score, UnitScore};
use serde_json::{Value, json};

use crate::chart::{COLOURS, attribute};
use crate::page::{data, page};

/// The digits of a stored activation, from the lowest to the highest: 31 is 0. One character a value keeps the page
/// small.
const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
/// The digit of 0.
const ZERO: f32 = 31.0;
/// Units that are listed with their best feature.
const LISTED: usize = 200;

const STYLE: &str = include_str!("neurons/page.css");
const SCRIPT: &str = concat!(include_str!("neurons/reader.js"), include_str!("neurons/page.js"));

/// The page: the text coloured by a unit that the reader chooses, the best unit of each feature, the best feature of
/// each unit, and how often the gates are saturated. `title` is the page's heading.
pub fn neurons_page(title: &str, activations: &Activations, ranking: &Ranking) -> String {
    let Activations { source, unit, tokens, series, .. } = activations;
    let units: usize = series.iter().map(|series| series.units.len()).sum();
    let mut body = format!("<p class=\"faint\">{} {unit} of {}; {units} units.</p>\n", tokens.len(), escaped(source));
    body += READER;
    body += &features_table(ranking);
    body += &units_table(ranking);
    if !activations.gates.is_empty() {
        body += "<h2>Saturated gates</h2>\n<p>Each point is a unit: the share of time steps at which its gate is closed \
            (below 0.1) across, open (above 0.9) up. A forget gate at the top left is open at all times: its unit \
            remembers. A point near the origin is neither.</p>\n";
        body += &saturation(&activations.gates);
    }
    body += &data("data", &stored(activations, ranking));
    page(title, STYLE, &body, SCRIPT)
}

/// The place that the script fills with the text and its controls.
const READER: &str = "\
<div id=\"reader\"></div>
<noscript><p>This page needs JavaScript to colour the text; it loads nothing. The tables below need none.</p></noscript>
";

fn figure(kind: Kind, score: &Score) -> String {
    let name = if kind == Kind::Binary { "AUC" } else { "correlation" };
    format!("{name} {:.3}, {} there", score.figure(), if score.is_positive() { "higher" } else { "lower" })
}

fn features_table(ranking: &Ranking) -> String {
    let mut table = "<h2>The best unit for each feature</h2>\n<div class=\"wide\"><table>\n<thead><tr><th>Feature</th>\
        <th>Best unit</th><th class=\"number\">AUC</th><th class=\"number\">Correlation</th><th>With the feature</th>\
        <th class=\"number\">Time steps</th></tr></thead>\n<tbody>\n"
        .to_owned();
    for feature in &ranking.features {
        let Some(best) = feature.units.first() else { continue };
        let auc = best.score.auc.map_or(String::new(), |_| format!("{:.3}", best.score.figure()));
        let direction = if best.score.is_positive() { "higher" } else { "lower" };
        row(
            &mut table,
            &[
                Cell::Text(&feature.feature),
                Cell::Unit(best.series, best.unit, &best.name),
                Cell::Number(&auc),
                Cell::Number(&format!("{:+.3}", best.score.correlation)),
                Cell::Text(direction),
                Cell::Number(&feature.count.to_string()),
            ],
        );
    }
    table + "</tbody></table></div>\n"
}

fn units_table(ranking: &Ranking) -> String {
    let strength = |score: Option<Score>| score.map_or(0.0, |score| score.strength());
    let mut units: Vec<_> = ranking.units.iter().filter(|unit| unit.feature.is_some()).collect();
    units.sort_by(|a, b| strength(b.score).total_cmp(&strength(a.score)));
    let kind = |name: &str| {
        let feature = ranking.features.iter().find(|feature| feature.feature == name);
        feature.map_or(Kind::Number, |feature| feature.kind)
    };
    let mut table = format!(
        "<details><summary>The best feature of each unit (the {} that follow one best)</summary>\n<div \
         class=\"wide\"><table>\n<thead><tr><th>Unit</th><th>Best feature</th><th>Score</th></tr></thead>\n<tbody>\n",
        units.len().min(LISTED)
    );
    for unit in units.into_iter().take(LISTED) {
        let (Some(feature), Some(score)) = (&unit.feature, unit.score) else { continue };
        let figure = figure(kind(feature), &score);
        row(&mut table, &[Cell::Unit(unit.series, unit.unit, &unit.name), Cell::Text(feature), Cell::Text(&figure)]);
    }
    table + "</tbody></table></div></details>\n"
}

/// A cell of a table.
enum Cell<'a> {
    Text(&'a str),
    Number(&'a str),
    /// A unit, which the reader can choose: its series, its index and its name.
    Unit(usize, usize, &'a str),
}

fn row(table: &mut String, cells: &[Cell<'_>]) {
    let cell = |cell: &Cell<'_>| match cell {
        Cell::Text(text) => format!("<td>{}</td>", escaped(text)),
        Cell::Number(number) => format!("<td class=\"number\">{}</td>", escaped(number)),
        Cell::Unit(series, unit, name) => format!(
            "<td><button type=\"button\" data-series=\"{series}\" data-unit=\"{unit}\">{}</button></td>",
            escaped(name)
        ),
    };
    let cells: String = cells.iter().map(cell).collect();
    writeln!(table, "<tr>{cells}</tr>").expect("a text can always grow");
}

/// The activations and the ranking as the script of the one-file page reads them.
fn stored(activations: &Activations, ranking: &Ranking) -> Value {
    let mut stored = described(activations, ranking);
    for (series, stored) in activations.series.iter().zip(stored["series"].as_array_mut().into_iter().flatten()) {
        let (scales, units): (Vec<f32>, Vec<String>) = series.units.iter().map(|unit| digits(unit)).unzip();
        (stored["scales"], stored["units"]) = (json!(scales), json!(units));
    }
    stored["digits"] = DIGITS.into();
    stored
}

/// All that the pages show of activations and their ranking but the values themselves.
pub(crate) fn described(activations: &Activations, ranking: &Ranking) -> Value {
    let Activations { source, unit, tokens, starts, series, gates, .. } = activations;
    let series = series.iter().map(|series| {
        let name = series.unit_name(0);
        let name = name.rsplit_once(' ').map_or("", |(name, _)| name);
        json!({"name": name, "count": series.units.len()})
    });
    let features = ranking.features.iter().filter_map(|feature| {
        let UnitScore { series, unit, name, score } = feature.units.first()?;
        Some(json!({
            "feature": feature.feature, "label": format!("{} ({})", feature.feature, figure(feature.kind, score)),
            "series": series, "unit": unit, "name": name, "auc": score.auc.map(|_| score.figure()),
            "correlation": score.correlation, "higher": score.is_positive(), "count": feature.count,
        }))
    });
    let best = ranking.units.iter().map(|unit| {
        let kind = ranking.features.iter().find(|feature| Some(&feature.feature) == unit.feature.as_ref());
        let figure = kind.zip(unit.score.as_ref()).map(|(feature, score)| figure(feature.kind, score));
        json!({
            "series": unit.series, "unit": unit.unit, "name": unit.name, "feature": unit.feature, "figure": figure,
            "strength": unit.score.map(|score| score.strength()),
        })
    });
    let gates = gates
        .iter()
        .map(|gate| json!({"name": gate.name(), "layer": gate.layer, "left": gate.left, "right": gate.right}));
    json!({
        "source": source, "unit": unit, "tokens": tokens, "starts": starts, "series": series.collect::<Value>(),
        "features": features.collect::<Value>(), "best": best.collect::<Value>(), "gates": gates.collect::<Value>(),
    })
}

/// A unit's activations as digits, and the activation of the highest one.
fn digits(values: &[f32]) -> (f32, String) {
    let scale = values.iter().map(|value| value.abs()).filter(|value| value.is_finite()).fold(0.0, f32::max);
    let digits = DIGITS.as_bytes();
    let digit = |value: &f32| {
        let level = if scale > 0.0 { (value / scale).clamp(-1.0, 1.0) * ZERO } else { 0.0 };
        // A value that is not a number is stored as 0.
        char::from(digits[(level.round() + ZERO) as usize % digits.len()])
    };
    (scale, values.iter().map(digit).collect())
}

/// Side of a scatter plot, and its margins.
const SIDE: f64 = 180.0;
const MARGIN: (f64, f64) = (44.0, 12.0);

/// Scatter plots of saturated gates, one for each gate and layer: Karpathy, Johnson and Fei-Fei 2015 (arXiv
/// 1506.02078), figure 3.
pub fn saturation(gates: &[Saturation]) -> String {
    let plots: String = gates.iter().map(scatter).collect();
    format!("<div class=\"plots\">\n{plots}</div>\n")
}

fn scatter(gate: &Saturation) -> String {
    let (left, right) = gate.mean();
    let (top, whole) = (30.0, SIDE + MARGIN.0 + MARGIN.1);
    let (bottom, height) = (top + SIDE, top + SIDE + 46.0);
    let place = |left: f64, right: f64| (MARGIN.0 + left * SIDE, bottom - right * SIDE);
    let about =
        format!("{}: {:.0} % of the time closed, {:.0} % open, on average", gate.name(), 100.0 * left, 100.0 * right);
    let (from, to) = (MARGIN.0, MARGIN.0 + SIDE);
    let (about, name) = (attribute(&about), escaped(&gate.name()));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {whole} {height}\" width=\"{whole}\" height=\"{height}\" role=\"img\" aria-label=\"{about}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"currentColor\">\n\
         <text x=\"{from}\" y=\"18\" font-weight=\"600\">{name}</text>\n\
         <path d=\"M{from} {top}V{bottom}H{to}\" fill=\"none\" stroke=\"currentColor\"/>\n\
         <path d=\"M{from} {top}L{to} {bottom}\" stroke=\"currentColor\" stroke-opacity=\".25\"/>\n"
    );
    for share in [0.0, 0.5, 1.0] {
        let (x, y) = place(share, share);
        let below = bottom + 17.0;
        let (beside, middle) = (MARGIN.0 - 6.0, y + 4.0);
        svg += &format!("<text x=\"{x}\" y=\"{below}\" text-anchor=\"middle\">{share}</text>\n");
        svg += &format!("<text x=\"{beside}\" y=\"{middle}\" text-anchor=\"end\">{share}</text>\n");
    }
    let (middle, below) = (MARGIN.0 + SIDE / 2.0, bottom + 36.0);
    svg += &format!("<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">closed</text>\n");
    let (across, up) = (11.0, top + SIDE / 2.0);
    svg += &format!("<text transform=\"translate({across} {up}) rotate(-90)\" text-anchor=\"middle\">open</text>\n");
    let colour = COLOURS[gate.layer % COLOURS.len()];
    for (&left, &right) in gate.left.iter().zip(&gate.right) {
        let (x, y) = place(left, right);
        svg += &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\" fill-opacity=\".55\"/>\n");
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests;
