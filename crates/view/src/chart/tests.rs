use super::*;

fn coordinates(svg: &str) -> Vec<Vec<(f64, f64)>> {
    let lines = svg.split("<polyline points=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0);
    let point = |pair: &str| {
        let (x, y) = pair.split_once(',').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    };
    lines.map(|line| line.split(' ').map(point).collect()).collect()
}

#[test]
fn the_extremes_of_a_line_lie_in_the_corners_of_the_plot() {
    let line = Line::new("loss", [(0.0, 4.0), (5.0, 3.0), (10.0, 2.0)]);
    let chart = Chart { lines: vec![line], ..Chart::default() };
    let (width, height) = PLOT;
    assert_eq!(
        coordinates(&chart.svg()),
        [[(LEFT, TOP), (LEFT + width / 2.0, TOP + height / 2.0), (LEFT + width, TOP + height)]]
    );
}

#[test]
fn what_has_no_place_on_the_axis_is_a_gap() {
    let points = [(0.0, 1.0), (1.0, 0.1), (2.0, 0.0), (3.0, 0.01), (4.0, f64::NAN), (5.0, 0.001)];
    let chart = Chart { log_y: true, lines: vec![Line::new("norm", points)], ..Chart::default() };
    let lines = coordinates(&chart.svg());
    assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1]);
    assert!(lines.iter().flatten().all(|(x, y)| x.is_finite() && y.is_finite()));
}

#[test]
fn names_are_escaped_and_no_line_is_no_error() {
    let chart = Chart { title: "<script>\"&".to_owned(), lines: vec![Line::new("</svg>", [])], ..Chart::default() };
    let svg = chart.svg();
    assert!(!svg.contains("<script>") && svg.matches("</svg>").count() == 1, "{svg}");
    assert!(svg.contains("aria-label=\"&lt;script&gt;&quot;&amp;\""));
}

#[test]
fn ticks_are_round_numbers() {
    let labels = |from, to| Axis { from, to }.ticks().into_iter().map(number).collect::<Vec<_>>().join(" ");
    assert_eq!(labels(0.0, 1.0), "0 0.2 0.4 0.6 0.8 1");
    assert_eq!(labels(-3.0, 47.0), "0 10 20 30 40");
    assert_eq!(labels(1.31, 1.52), "1.35 1.4 1.45 1.5");
    assert_eq!(Axis { from: -7.5, to: 0.2 }.powers(), [-6.0, -4.0, -2.0, 0.0]);
}

#[test]
fn a_long_name_has_several_lines_of_the_legend() {
    assert_eq!(wrapped("runs/a (lstm)"), ["runs/a (lstm)"]);
    let long = wrapped(&format!("{} half-life 3", "x".repeat(100)));
    assert_eq!(long.iter().map(|line| line.chars().count()).collect::<Vec<_>>(), [CHARACTERS, 46, 11]);
    let height = |name: &str| Chart { lines: vec![Line::new(name, [])], ..Chart::default() }.size().1;
    assert_eq!(height(&"x ".repeat(60)), height("x") + 2.0 * ENTRY);
}
