//! A scan by several threads finds what a single pass finds.

use proptest::prelude::*;

use super::*;
use crate::threads::on_threads;

/// Files with these contents.
fn files(contents: &[String]) -> Vec<TextFile> {
    let mut start = 0;
    let file = |content: &String| {
        let mut file = TextFile::owned("file", content.clone().into_bytes());
        (file.start, start) = (start, start + content.len());
        file
    };
    contents.iter().filter(|content| !content.is_empty()).map(file).collect()
}

proptest! {
    #[test]
    fn counts_and_order_depend_on_neither_blocks_nor_threads(
        contents in prop::collection::vec("[a-c_ ,\n\u{e9}\u{301}\u{4e2d}]{0,60}", 1..6),
        size in 1_usize..50,
        threads in 1_usize..5,
    ) {
        let files = files(&contents);
        for unit in Unit::ALL {
            let whole = scan_in_blocks(unit, &files, usize::MAX / 2).unwrap();
            let parts = on_threads(threads, || scan_in_blocks(unit, &files, size)).unwrap();
            let alone = on_threads(1, || scan_in_blocks(unit, &files, size)).unwrap();
            prop_assert_eq!(parts.tokens, whole.tokens);
            prop_assert_eq!(&parts.symbols, &whole.symbols);
            prop_assert_eq!(parts, alone);
        }
    }

    #[test]
    fn the_index_has_the_place_of_every_token(
        contents in prop::collection::vec("[a-c_ ,\n\u{e9}\u{301}]{0,60}", 1..6),
        size in 1_usize..50,
    ) {
        let files = files(&contents);
        for unit in [Unit::Char, Unit::Word] {
            let scan = scan_in_blocks(unit, &files, size).unwrap();
            let bytes: usize = files.iter().map(|file| file.bytes().len()).sum();
            let tokens: Vec<&[u8]> = files.iter().flat_map(|file| tokens(unit, file.bytes())).collect();
            prop_assert_eq!(tokens.len(), scan.tokens);
            for number in 0..tokens.len() {
                let passage = scan.passage(number, bytes).unwrap();
                let length = |tokens: &[&[u8]]| tokens.iter().map(|token| token.len()).sum::<usize>();
                prop_assert!(passage.tokens.contains(&number));
                prop_assert_eq!(passage.bytes.start, length(&tokens[..passage.tokens.start]));
                prop_assert_eq!(passage.bytes.end, length(&tokens[..passage.tokens.end]));
            }
            prop_assert_eq!(scan.passage(tokens.len(), bytes), None);
        }
    }
}
