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
