use super::*;

fn parts() -> Vec<(&'static str, Option<f32>)> {
    vec![("<b>", Some(1.0)), (" ", None), ("dull", Some(-0.5))]
}

#[test]
fn words_have_numbers_where_there_are_no_colours() {
    assert_eq!(line(&parts(), Shown::Number), "<b>[+1.00] dull[-0.50]");
    assert_eq!(Shown::here(false), Shown::Number);
}

#[test]
fn colours_end_after_each_word() {
    let shown = line(&parts(), Shown::Colour);
    assert_eq!(shown.matches("\x1b[0m").count(), 2);
    assert!(shown.contains("48;2;90;200;110m<b>"), "{shown:?}");
}

#[test]
fn the_colours_are_the_only_escapes_of_a_line() {
    let shown = line(&[("\x1b[2J", Some(1.0)), ("\x1b]0;title\x07", None)], Shown::Colour);
    assert_eq!(shown.matches('\x1b').count(), 2, "{shown:?}");
    assert!(shown.contains("\\u{1b}[2J") && !shown.contains('\x07'), "{shown:?}");
}

#[test]
fn markup_in_a_text_is_text() {
    let page = contributions_page(&section("good & <so>", "good 0.9, bad 0.1", &parts()));
    let escaped = page.contains("&lt;b&gt;") && page.contains("good &amp; &lt;so&gt;");
    assert!(escaped && !page.contains("<b>"), "{page}");
}
