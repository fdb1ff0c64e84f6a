use super::visible;

#[test]
fn control_characters_are_shown_and_lines_stay() {
    assert_eq!(visible("a\x1b[31mb\tc\nd\u{9b}é"), "a\\u{1b}[31mb\tc\nd\\u{9b}é");
}
