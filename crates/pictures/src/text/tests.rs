use super::*;

#[test]
fn control_characters_are_shown_on_a_terminal_and_lines_stay() {
    assert_eq!(visible("a\x1b[31mb\tc\nd\u{9b}é"), "a\\u{1b}[31mb\tc\nd\\u{9b}é");
}

#[test]
fn control_characters_do_not_reach_a_picture() {
    assert_eq!(escaped("\u{1b}[31m<a>\u{1}\n"), "\u{fffd}[31m&lt;a&gt;\u{fffd}\n");
    assert_eq!(cut("a\u{1}b", 8), "a\u{fffd}b");
}
