//! Line charts as SVG. They take the colour of text and background from the page that they stand in, or from the
//! reader's system as a file of their own.

use std::fmt::Write;

use rekindle_pictures::escaped;

/// Size of the plot and the margins around it.
const PLOT: (f64, f64) = (480.0, 280.0);
const LEFT: f64 = 84.0;
const TOP: f64 = 40.0;
const RIGHT: f64 = 18.0;
const BELOW: f64 = 56.0;
/// Height of a line of the legend.
const ENTRY: f64 = 22.0;
/// Characters of a line of the legend.
const CHARACTERS: usize = 54;
/// Points of a line: a drawing cannot show more.
const MAX_POINTS: usize = 600;
/// Ticks on an axis, about.
const TICKS: f64 = 6.0;

/// Colours that the colour-blind can tell apart, on light and on dark paper: Okabe and Ito 2008, "Color universal
/// design", with the yellow darkened.
pub const COLOURS: [&str; 7] = ["#0072b2", "#e66100", "#009e73", "#cc79a7", "#56b4e9", "#b8860b", "#8a8a8a"];
/// Dashes of lines of one colour.
const DASHES: [&str; 4] = ["", "7 4", "2 4", "10 3 2 3"];

/// A line of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// `(x, y)`, in the order of `x`. Points that are not finite, or not positive on a logarithmic axis, are gaps.
    pub points: Vec<(f64, f64)>,
    /// Index of its colour.
    pub colour: usize,
    /// Index of its dashes.
    pub dash: usize,
}

impl Line {
    /// A line of the first colour.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self { name: name.into(), points: points.into_iter().collect(), colour: 0, dash: 0 }
    }
}

/// A line chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// Its title.
    pub title: String,
    /// What the horizontal axis shows, with the unit.
    pub x: String,
    /// What the vertical axis shows, with the unit.
    pub y: String,
    /// Whether the vertical axis is logarithmic.
    pub log_y: bool,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Chart {
    /// The chart as SVG. Without a point, it has axes only.
    pub fn svg(&self) -> String {
        stacked(std::slice::from_ref(self))
    }

    /// The width and the height.
    fn size(&self) -> (f64, f64) {
        let entries: usize = self.lines.iter().map(|line| wrapped(&line.name).len()).sum();
        (LEFT + PLOT.0 + RIGHT, TOP + PLOT.1 + BELOW + ENTRY * entries as f64 + 6.0)
    }

    /// The elements of the chart, from its top left corner on.
    fn elements(&self) -> String {
        let shown = |y: f64| if self.log_y { y.log10() } else { y };
        let lines: Vec<Vec<(f64, f64)>> = self
            .lines
            .iter()
            .map(|line| thinned(&line.points).into_iter().map(|(x, y)| (x, shown(y))).collect())
            .collect();
        let finite = || lines.iter().flatten().filter(|(x, y)| x.is_finite() && y.is_finite());
        let (x, y) = (Axis::of(finite().map(|point| point.0)), Axis::of(finite().map(|point| point.1)));
        let (width, height) = PLOT;
        let place = |(px, py): (f64, f64)| (LEFT + x.share(px) * width, TOP + (1.0 - y.share(py)) * height);
        let mut svg = String::new();
        let mut add = |element: std::fmt::Arguments<'_>| {
            svg.write_fmt(element).expect("a text can always grow");
            svg.push('\n');
        };
        add(format_args!("<text x=\"{LEFT}\" y=\"24\" font-weight=\"600\">{}</text>", escaped(&self.title)));
        let (bottom, right) = (TOP + height, LEFT + width);
        for tick in x.ticks() {
            let (at, label) = (place((tick, 0.0)).0, number(tick));
            add(format_args!("<path d=\"M{at:.1} {bottom}v5\" stroke=\"currentColor\"/>"));
            add(format_args!("<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", bottom + 21.0));
        }
        for tick in if self.log_y { y.powers() } else { y.ticks() } {
            let at = place((0.0, tick)).1;
            add(format_args!("<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"currentColor\" stroke-opacity=\".15\"/>"));
            let (x, y) = (LEFT - 8.0, at + 5.0);
            match self.log_y {
                true => add(format_args!(
                    "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">10<tspan dy=\"-6\" font-size=\"11\">{}</tspan></text>",
                    number(tick)
                )),
                false => {
                    add(format_args!("<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>", number(tick)));
                }
            }
        }
        add(format_args!("<path d=\"M{LEFT} {TOP}V{bottom}H{right}\" fill=\"none\" stroke=\"currentColor\"/>"));
        let middle = (LEFT + width / 2.0, TOP + height / 2.0);
        add(format_args!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            middle.0,
            bottom + 44.0,
            escaped(&self.x)
        ));
        add(format_args!(
            "<text transform=\"translate(18 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            middle.1,
            escaped(&self.y)
        ));
        let mut entries = 0;
        for (line, points) in self.lines.iter().zip(&lines) {
            let stroke = format!(
                "fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-dasharray=\"{}\"",
                COLOURS[line.colour % COLOURS.len()],
                DASHES[line.dash % DASHES.len()]
            );
            for part in points.split(|(x, y)| !x.is_finite() || !y.is_finite()).filter(|part| !part.is_empty()) {
                let places = part.iter().map(|&point| place(point)).map(|(x, y)| format!("{x:.1},{y:.1}"));
                add(format_args!("<polyline points=\"{}\" {stroke}/>", places.collect::<Vec<_>>().join(" ")));
                if let [(x, y)] = part.iter().map(|&point| place(point)).collect::<Vec<_>>()[..] {
                    add(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" {stroke}/>"));
                }
            }
            let mut y = bottom + BELOW + ENTRY * (entries as f64 + 0.6);
            add(format_args!("<path d=\"M{LEFT} {:.1}h28\" {stroke}/>", y - 5.0));
            for part in wrapped(&line.name) {
                add(format_args!("<text x=\"{}\" y=\"{y:.1}\">{}</text>", LEFT + 38.0, escaped(&part)));
                (y, entries) = (y + ENTRY, entries + 1);
            }
        }
        svg
    }
}

/// Charts one below the other, as one SVG.
pub fn stacked(charts: &[Chart]) -> String {
    let title = charts.iter().map(|chart| chart.title.as_str()).collect::<Vec<_>>().join("; ");
    let (mut width, mut height, mut content) = (0.0, 0.0, String::new());
    for chart in charts {
        let (own, tall) = chart.size();
        content += &format!("<g transform=\"translate(0 {height})\">\n{}</g>\n", chart.elements());
        (width, height) = (own.max(width), height + tall);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{}\" class=\"chart\" font-family=\"system-ui, sans-serif\" \
         font-size=\"15\" fill=\"currentColor\">\n{STANDALONE}{content}</svg>\n",
        attribute(&title)
    )
}

/// Colours of a chart that is a file of its own; on a page, the page's hold.
const STANDALONE: &str = "<style>svg.chart { max-width: 100%; height: auto } \
     svg.chart:root { color: #1a1a1a; background: #fdfdfc } \
     @media (prefers-color-scheme: dark) { svg.chart:root { color: #e8e8e6; background: #151515 } }</style>\n";

/// The lines of an entry of the legend: broken between words, and within a word that is too long. Empty for no name.
fn wrapped(name: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in name.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for part in letters.chunks(CHARACTERS) {
            let part: String = part.iter().collect();
            match lines.last_mut() {
                Some(line) if line.chars().count() + 1 + part.chars().count() <= CHARACTERS => {
                    line.push(' ');
                    line.push_str(&part);
                }
                _ => lines.push(part),
            }
        }
    }
    lines
}

/// A text in an attribute.
pub(crate) fn attribute(text: &str) -> String {
    escaped(text).replace('"', "&quot;")
}

/// Averages adjacent points, so that there are at most [`MAX_POINTS`].
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let group = points.len().div_ceil(MAX_POINTS).max(1);
    let mean = |points: &[(f64, f64)]| {
        let count = points.len() as f64;
        let sum = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sum.0 / count, sum.1 / count)
    };
    points.chunks(group).map(mean).collect()
}

/// The range of an axis.
struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    /// The range of these values, never empty.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (from, to) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), value| (a.min(value), b.max(value)));
        match from.partial_cmp(&to) {
            Some(std::cmp::Ordering::Less) => Self { from, to },
            Some(std::cmp::Ordering::Equal) => Self { from: from - 0.5, to: to + 0.5 },
            _ => Self { from: 0.0, to: 1.0 },
        }
    }

    /// Where a value is, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }

    /// Every 1, 2 or 5 times a power of ten.
    fn ticks(&self) -> Vec<f64> {
        let least = (self.to - self.from) / TICKS;
        let power = 10_f64.powf(least.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= least);
        self.multiples(step.unwrap_or(least))
    }

    /// Whole numbers: the exponents of a logarithmic axis.
    fn powers(&self) -> Vec<f64> {
        self.multiples(((self.to - self.from) / TICKS).ceil().max(1.0))
    }

    fn multiples(&self, step: f64) -> Vec<f64> {
        let (first, last) = ((self.from / step).ceil() as i64, (self.to / step).floor() as i64);
        (first..=last).map(|index| index as f64 * step).collect()
    }
}

/// A number on an axis, without the noise of its last binary digits.
fn number(value: f64) -> String {
    let rounded = format!("{value:.6}");
    let rounded = rounded.trim_end_matches('0').trim_end_matches('.');
    if rounded == "-0" { "0".to_owned() } else { rounded.replace('-', "−") }
}

#[cfg(test)]
mod tests;
