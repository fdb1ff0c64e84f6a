//! Values of characters.

use super::*;

#[test]
fn a_character_keeps_its_value_and_others_the_default() {
    let mut table = CharTable::new(7);
    for (value, c) in ['\0', 'a', 'é', '中', char::MAX].into_iter().enumerate() {
        table.set(c, value as u32);
    }
    assert_eq!(['\0', 'a', 'é', '中', char::MAX].map(|c| table.get(c)), [0, 1, 2, 3, 4]);
    assert_eq!(['b', 'ê', '\u{1f600}'].map(|c| table.get(c)), [7, 7, 7]);
}
