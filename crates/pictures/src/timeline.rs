//! A drawing of the labels of a clip over time.

use std::ops::Range;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::text::cut;
use crate::{Picture, drawn};

/// Pixels of the time axis; more frames share pixels.
const WIDTH: usize = 1000;
const LEFT: i32 = 96;
const MARGIN: i32 = 24;
/// Position of the first bar, and the heights of bars and gaps.
const TOP: i32 = 44;
const BAR: i32 = 40;
const GAP: i32 = 8;
/// Height of the mark of wrong frames, less than a bar's.
const MARK: i32 = 10;
const LEGEND_LINE: i32 = 24;
/// Width of a character in the legend, a little more than most need.
const CHARACTER: i32 = 8;
/// Characters of a clip's name, and of a class's, that are drawn.
const LONGEST: (usize, usize) = (100, 24);
/// Largest number of ticks on the time axis.
const MAX_TICKS: usize = 10;
const WRONG: RGBColor = RGBColor(190, 30, 30);

/// The classes of the frames of a clip as coloured bars over time, `[T]`: the true ones, if known, above the predicted
/// ones, and below both a mark where they differ. Frames are counted from 0.
///
/// If a clip has more than a thousand frames, a pixel shows the most frequent class of its frames, and is marked if
/// any of them is wrong.
///
/// # Panics
///
/// When the numbers of true and predicted classes differ, or a class has no name.
pub fn timeline(clip: &str, truth: Option<&[u32]>, predicted: &[u32], names: &[&str]) -> Picture {
    let all = || truth.unwrap_or_default().iter().chain(predicted);
    assert!(truth.is_none_or(|truth| truth.len() == predicted.len()), "a true class is wanted for each frame");
    assert!(all().all(|&class| (class as usize) < names.len()), "a name is wanted for each class");
    let mut seen: Vec<u32> = all().copied().collect();
    seen.sort_unstable();
    seen.dedup();
    let legend = legend(&seen, names);
    let legend_lines = legend.last().map_or(0, |entry| entry.line + 1);

    let bars = if truth.is_some() { 2 * (BAR + GAP) + MARK + GAP } else { BAR + GAP };
    let axis = TOP + bars;
    let size = (LEFT + WIDTH as i32 + MARGIN, axis + 56 + LEGEND_LINE * legend_lines);
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (size.0.unsigned_abs(), size.1.unsigned_abs())).into_drawing_area();
    drawn(area.fill(&WHITE));
    let text = |words: &str, x: i32, y: i32, size: i32, h: HPos| {
        let style = TextStyle::from(("sans-serif", size).into_font()).color(&BLACK).pos(Pos::new(h, VPos::Center));
        drawn(area.draw(&Text::new(words.to_owned(), (x, y), style)));
    };
    let block = |x: Range<i32>, y: Range<i32>, style: ShapeStyle| {
        drawn(area.draw(&Rectangle::new([(x.start, y.start), (x.end, y.end)], style)));
    };
    let bar = |name: &str, classes: &[u32], y: i32| {
        text(name, LEFT - 12, y + BAR / 2, 14, HPos::Right);
        for (x, class) in runs(&columns(classes, commonest)) {
            block(x, y..y + BAR, Palette99::pick(class as usize).filled());
        }
    };

    text(&cut(clip, LONGEST.0), LEFT, 22, 15, HPos::Left);
    let mut y = TOP;
    if let Some(truth) = truth {
        bar("true", truth, y);
        y += BAR + GAP;
    }
    bar("predicted", predicted, y);
    if let Some(truth) = truth {
        y += BAR + GAP;
        text("wrong", LEFT - 12, y + MARK / 2, 14, HPos::Right);
        let wrong: Vec<bool> = truth.iter().zip(predicted).map(|(truth, predicted)| truth != predicted).collect();
        for (x, _) in runs(&columns(&wrong, |wrong| wrong.contains(&true))).into_iter().filter(|(_, wrong)| *wrong) {
            block(x, y..y + MARK, WRONG.filled());
        }
    }
    block(LEFT..LEFT + WIDTH as i32, axis..axis + 1, BLACK.filled());
    for frame in ticks(predicted.len()) {
        let x = LEFT + (frame * WIDTH / predicted.len()) as i32;
        block(x..x + 1, axis..axis + 5, BLACK.filled());
        text(&frame.to_string(), x, axis + 14, 12, HPos::Center);
    }
    text("frame", LEFT - 12, axis + 14, 12, HPos::Right);
    for Entry { class, name, x, line } in &legend {
        let y = axis + 40 + LEGEND_LINE * line;
        block(*x..x + 14, y..y + 14, Palette99::pick(*class as usize).filled());
        text(name, x + 20, y + 7, 13, HPos::Left);
    }
    drawn(area.present());
    drop(area);
    Picture { name: "timeline", svg }
}

/// A class in the legend.
struct Entry {
    class: u32,
    name: String,
    x: i32,
    line: i32,
}

/// The entries of the classes that occur, in order, in as many lines as needed.
fn legend(classes: &[u32], names: &[&str]) -> Vec<Entry> {
    let (mut x, mut line) = (LEFT, 0);
    let entry = |&class: &u32| {
        let name = cut(names[class as usize], LONGEST.1);
        let width = 36 + CHARACTER * name.chars().count() as i32;
        if x > LEFT && x + width > LEFT + WIDTH as i32 {
            (x, line) = (LEFT, line + 1);
        }
        let entry = Entry { class, name, x, line };
        x += width;
        entry
    };
    classes.iter().map(entry).collect()
}

/// The content of each column of the bar: a frame, or the result of `together` for the frames that share a pixel.
fn columns<T: Copy>(frames: &[T], together: impl Fn(&[T]) -> T) -> Vec<T> {
    if frames.len() <= WIDTH {
        return frames.to_vec();
    }
    (0..WIDTH).map(|x| together(&frames[x * frames.len() / WIDTH..(x + 1) * frames.len() / WIDTH])).collect()
}

/// Runs of equal adjacent columns, each with its range of pixels.
fn runs<T: Copy + PartialEq>(columns: &[T]) -> Vec<(Range<i32>, T)> {
    let pixel = |column: usize| LEFT + (column * WIDTH / columns.len()) as i32;
    let mut start = 0;
    let run = |run: &[T]| {
        let end = start + run.len();
        let pixels = pixel(start)..pixel(end);
        start = end;
        (pixels, run[0])
    };
    columns.chunk_by(T::eq).map(run).collect()
}

/// The most frequent class, the first of them in a tie.
fn commonest(classes: &[u32]) -> u32 {
    let count = |class: u32| classes.iter().filter(|&&other| other == class).count();
    // `max_by_key` returns the last of equal elements.
    classes.iter().rev().copied().max_by_key(|&class| count(class)).expect("a pixel has a frame")
}

/// The frames with a tick on the axis: every 1, 2 or 5 times a power of ten.
fn ticks(frames: usize) -> impl Iterator<Item = usize> {
    let mut step = 1;
    // 1, 2, 5, 10, 20, 50, ...
    for factor in [2.0, 2.5, 2.0].into_iter().cycle() {
        if step * MAX_TICKS >= frames {
            break;
        }
        step = (step as f64 * factor) as usize;
    }
    (0..frames).step_by(step)
}

#[cfg(test)]
mod tests;
