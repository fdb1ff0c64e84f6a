use rstest::rstest;

use super::*;

const NAMES: [&str; 3] = ["Rest", "Stroke", "<Hold>"];

/// The blocks of a picture that are filled with the colour of `class`: left edge and width.
fn blocks(svg: &str, class: usize) -> Vec<(i32, i32)> {
    let (r, g, b) = Palette99::pick(class).to_backend_color().rgb;
    filled(svg, &format!("#{r:02X}{g:02X}{b:02X}"))
}

fn filled(svg: &str, color: &str) -> Vec<(i32, i32)> {
    let blocks = svg.lines().filter(|line| line.starts_with("<rect") && line.contains(color));
    let of = |line: &str, name: &str| {
        let rest = line.split_once(&format!(" {name}=\"")).expect("the attribute is there").1;
        rest.split('"').next().and_then(|number| number.parse().ok()).expect("a number")
    };
    blocks.map(|line| (of(line, "x"), of(line, "width"))).collect()
}

#[test]
fn runs_of_frames_are_blocks_and_differences_are_marked() {
    let picture = timeline("b1", Some(&[0, 0, 1, 1]), &[0, 1, 1, 1], &NAMES);
    assert_eq!(picture.name, "timeline");
    // The truth, the prediction, and the legend.
    assert_eq!(blocks(&picture.svg, 0), [(LEFT, 500), (LEFT, 250), (LEFT, 14)]);
    assert_eq!(blocks(&picture.svg, 1)[..2], [(LEFT + 500, 500), (LEFT + 250, 750)]);
    assert_eq!(filled(&picture.svg, "#BE1E1E"), [(LEFT + 250, 250)]);
    for words in ["b1", "true", "predicted", "wrong", "Rest", "Stroke"] {
        assert!(picture.svg.lines().any(|line| line.trim() == words), "{words} is missing");
    }
    assert!(!picture.svg.contains("Hold"), "a class that does not appear is not in the legend");
}

#[test]
fn without_the_truth_there_is_one_bar() {
    let picture = timeline("b1", None, &[2, 2, 0], &NAMES);
    assert_eq!(blocks(&picture.svg, 2).len(), 2);
    assert!(!picture.svg.lines().any(|line| ["true", "wrong"].contains(&line.trim())));
    assert!(!picture.svg.contains("<Hold>"), "markup in a name is text");
}

#[rstest]
#[case::none(0)]
#[case::one(1)]
#[case::as_many_as_pixels(WIDTH)]
#[case::one_more(WIDTH + 1)]
#[case::many(123_457)]
fn bars_of_any_length_fill_the_axis(#[case] frames: usize) {
    let classes: Vec<u32> = (0..frames).map(|frame| (frame / 7 % 3) as u32).collect();
    let columns = columns(&classes, commonest);
    let runs = runs(&columns);
    assert!(runs.len() <= WIDTH && runs.iter().all(|(pixels, _)| !pixels.is_empty()));
    assert!(runs.windows(2).all(|pair| pair[0].0.end == pair[1].0.start));
    if let (Some(first), Some(last)) = (runs.first(), runs.last()) {
        assert_eq!((first.0.start, last.0.end), (LEFT, LEFT + WIDTH as i32));
    }
    timeline("a clip", Some(&classes), &classes, &NAMES);
}

#[test]
fn one_wrong_frame_of_many_is_seen() {
    let truth = vec![0; 50 * WIDTH];
    let mut predicted = truth.clone();
    predicted[12_345] = 1;
    let picture = timeline("long", Some(&truth), &predicted, &NAMES);
    assert_eq!(filled(&picture.svg, "#BE1E1E"), [(LEFT + 246, 1)]);
}

#[rstest]
#[case(0, &[])]
#[case(3, &[0, 1, 2])]
#[case(11, &[0, 2, 4, 6, 8, 10])]
#[case(60, &[0, 10, 20, 30, 40, 50])]
#[case(1747, &[0, 200, 400, 600, 800, 1000, 1200, 1400, 1600])]
fn ticks_are_round(#[case] frames: usize, #[case] wanted: &[usize]) {
    assert_eq!(ticks(frames).collect::<Vec<_>>(), wanted);
}

#[test]
fn a_long_legend_goes_on_in_another_line() {
    let names: Vec<String> = (0..60).map(|class| format!("class number {class}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let classes: Vec<u32> = (0..60).collect();
    let entries = legend(&classes, &names);
    assert!(entries.last().is_some_and(|last| last.line > 2));
    assert!(entries.iter().all(|entry| entry.x < LEFT + WIDTH as i32 - 100));
}
