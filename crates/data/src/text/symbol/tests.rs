//! Symbols in print.

use super::*;

#[test]
fn every_byte_reads_back_from_print() {
    for byte in 0..=u8::MAX {
        let symbol = Symbol::Byte(byte);
        let printed = symbol.print().into_owned();
        assert!(printed.bytes().all(|b| b.is_ascii_graphic() || b == b' '), "{printed:?}");
        assert_eq!(Symbol::parse(Unit::Byte, &printed), Some(symbol));
    }
}

#[test]
fn what_is_not_one_symbol_is_refused() {
    for text in ["", "ab", "\\", "\\x", "\\xg0", "\\x+1", "\\xFF", "\\x61", "\\q", "é", "\n"] {
        assert_eq!(Symbol::parse(Unit::Byte, text), None, "{text:?}");
    }
    for text in ["", "ab", UNKNOWN] {
        assert_eq!(Symbol::parse(Unit::Char, text), None, "{text:?}");
    }
    for text in ["", "to be", "\n ", UNKNOWN] {
        assert_eq!(Symbol::parse(Unit::Word, text), None, "{text:?}");
    }
    assert_eq!(Symbol::parse(Unit::Word, " be"), Some(Symbol::Word(" be".into())));
}
