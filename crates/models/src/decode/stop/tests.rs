use super::*;
use proptest::prelude::*;

#[test]
fn the_stop_string_is_not_shown_even_when_it_comes_in_pieces() {
    let mut stop = StopString::new("\n\n");
    assert_eq!(stop.push("one\n"), "one");
    assert_eq!(stop.push("two\n"), "\ntwo");
    assert_eq!(stop.push("\nthree"), "");
    assert!(stop.stopped());
    assert_eq!(stop.push("four"), "");
    assert_eq!(stop.finish(), "");
}

#[test]
fn what_was_held_back_comes_at_the_end() {
    let mut stop = StopString::new("END");
    assert_eq!(stop.push("an E"), "an ");
    assert_eq!(stop.finish(), "E");
}

proptest! {
    #[test]
    fn shown_text_is_all_that_stands_before_the_stop(pieces in prop::collection::vec("[abé]{0,3}", 0..12), end in "[abé]{0,3}") {
        let whole: String = pieces.concat();
        let mut stop = StopString::new(end.clone());
        let mut shown: String = pieces.iter().map(|p| stop.push(p)).collect();
        shown += &stop.finish();
        let expected = if end.is_empty() { &whole[..] } else { whole.split(&end).next().unwrap() };
        prop_assert_eq!(shown, expected);
    }
}
