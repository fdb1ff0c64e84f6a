//! Tokens by the documented rules.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn words(text: &str) -> Vec<&str> {
    tokens(Unit::Word, text.as_bytes()).map(|token| std::str::from_utf8(token).unwrap()).collect()
}

#[rstest]
#[case("to be, or", &["to", " be", ",", " or"])]
#[case("a\n\n   x", &["a", "\n\n", "  ", " x"])]
#[case("let x_1 = 10;", &["let", " x_1", " =", " 10", ";"])]
#[case(" \t x ", &[" ", "\t", " x", " "])]
#[case("don't", &["don", "'", "t"])]
#[case("Ça va\u{a0}? 中文", &["Ça", " va", "\u{a0}", "?", " 中文"])]
#[case("हिन्दी में", &["हिन्दी", " में"])]
#[case("می‌خواهم, re\u{301}sume\u{301}", &["می‌خواهم", ",", " re\u{301}sume\u{301}"])]
#[case("  ", &["  "])]
#[case("", &[])]
fn words_are_cut_by_the_documented_rule(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(words(text), expected);
}

#[rstest]
#[case(" it 's co-written ...\n good !\n", &[" it", " 's", " co-written", " ...", "\n", " good", " !", "\n"])]
#[case("it  is\n\n", &["it", " ", " is", "\n", "\n"])]
#[case("a\u{a0}\tb ", &["a", "\u{a0}", "\t", "b", " "])]
fn a_classifiers_words_are_cut_at_white_space(#[case] text: &str, #[case] expected: &[&str]) {
    let found: Vec<&[u8]> = tokens(Unit::Term, text.as_bytes()).collect();
    assert_eq!(found, expected.iter().map(|token| token.as_bytes()).collect::<Vec<_>>());
}

#[rstest]
#[case(b"\xff", 1)]
#[case(b"\xe4\xb8", 1)]
#[case(b"\xe4\xb8\xad", 3)]
#[case(b"\xf0\x9f\x98\x80!", 4)]
#[case(b"\xed\xa0\x80", 1)]
fn a_broken_sequence_is_one_byte_long(#[case] text: &[u8], #[case] length: usize) {
    assert_eq!(first_char(text).1, length);
}

proptest! {
    #[test]
    fn tokens_joined_are_the_text(text: Vec<u8>) {
        for unit in Unit::ALL {
            let parts: Vec<&[u8]> = tokens(unit, &text).collect();
            prop_assert!(parts.iter().all(|part| !part.is_empty()));
            prop_assert_eq!(parts.concat(), text.clone());
        }
    }

    #[test]
    fn cutting_may_start_at_any_token(text in "[a-c_ ,\n\u{e9}]{0,40}") {
        for unit in Unit::ALL {
            let all: Vec<&[u8]> = tokens(unit, text.as_bytes()).collect();
            let mut start = 0;
            for (index, token) in all.iter().enumerate() {
                let tail: Vec<&[u8]> = tokens(unit, &text.as_bytes()[start..]).collect();
                prop_assert_eq!(&tail[..], &all[index..]);
                start += token.len();
            }
        }
    }

    #[test]
    fn boundaries_are_those_of_tokens(text in "[a-c_ ,\n\u{e9}\u{301}]{0,40}", least in 0_usize..40) {
        let least = least.min(text.len());
        for unit in Unit::ALL {
            let found = boundary(unit, text.as_bytes(), least);
            let mut end = 0;
            let ends = tokens(unit, text.as_bytes()).map(|token| { end += token.len(); end });
            prop_assert!(found >= least);
            prop_assert!(std::iter::once(0).chain(ends).any(|end| end == found), "{} of {:?}", found, text);
        }
    }
}
