use std::fs;

use proptest::prelude::*;
use rstest::rstest;

use super::write_files;
use crate::text::tokenizer::tokens;
use crate::{Corpus, ErrorKind, Place, TextSource, Unit};

#[rstest]
fn files_are_read_one_after_the_other(#[values(Unit::Char, Unit::Byte, Unit::Word)] unit: Unit) {
    let folder = tempfile::tempdir().unwrap();
    // One file that is read, one that is empty, one that is mapped.
    let long = "Größe und Weite. ".repeat(600);
    let source = write_files(folder.path(), &["to be\n", "", &long]);
    let corpus = Corpus::open(&source, unit).unwrap();
    let whole = format!("to be\n{long}");
    assert_eq!(corpus.bytes(), whole.len());
    assert_eq!(corpus.text(0..corpus.tokens()), whole);
    assert_eq!(corpus.paths().count(), 2);
}

#[test]
fn what_is_counted_is_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let source = write_files(folder.path(), &["na na", "né né"]);
    let summary = |unit| {
        let corpus = Corpus::open(&source, unit).unwrap();
        let symbols = corpus
            .symbols()
            .iter()
            .map(|symbol| (String::from_utf8_lossy(corpus.token(symbol).1).into_owned(), symbol.count));
        (corpus.tokens(), symbols.collect::<Vec<_>>())
    };
    let owned = |pairs: &[(&str, u64)]| -> Vec<(String, u64)> {
        pairs.iter().map(|(symbol, count)| ((*symbol).to_owned(), *count)).collect()
    };
    assert_eq!(summary(Unit::Char), (10, owned(&[("n", 4), ("a", 2), (" ", 2), ("é", 2)])));
    assert_eq!(summary(Unit::Word), (4, owned(&[("na", 1), (" na", 1), ("né", 1), (" né", 1)])));
    assert_eq!(summary(Unit::Byte).0, 12);
    assert_eq!(summary(Unit::Byte).1.len(), 5);
}

#[test]
fn a_file_that_is_missing_is_named() {
    let error = Corpus::open(&TextSource::File("no/such.txt".into()), Unit::Char).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("such.txt"), "{error}");
    assert!(error.to_string().ends_with("such.txt: no such file or folder"), "{error}");
    assert!(std::error::Error::source(&error).is_none(), "the same again");
}

#[test]
fn an_empty_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = write_files(folder.path(), &["", ""]);
    assert!(Corpus::open(&source, Unit::Byte).is_err_and(|error| error.kind() == ErrorKind::TooLittle));
    for file in source.files().unwrap() {
        let error = Corpus::open(&TextSource::File(file.clone()), Unit::Char).unwrap_err();
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    }
    assert!(Corpus::from_text("none", "", Unit::Char).is_err_and(|error| error.kind() == ErrorKind::TooLittle));
}

#[test]
fn a_folder_in_a_list_of_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.txt");
    fs::write(&file, "text").unwrap();
    let source = TextSource::Files(vec![file, folder.path().into()]);
    assert!(Corpus::open(&source, Unit::Char).is_err_and(|error| error.kind() == ErrorKind::Setting));
}

#[test]
fn a_built_in_text_that_does_not_exist_is_refused() {
    let error = Corpus::open(&TextSource::Builtin("sauce".into()), Unit::Char).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setting);
}

#[rstest]
#[case::first_byte("", 0, 1)]
#[case::third_line("ab\ncd\ne", 7, 3)]
#[case::in_a_mapped_file(&"0123456\n".repeat(1000), 8000, 1001)]
fn bytes_that_are_not_utf8_are_placed(
    #[case] before: &str,
    #[case] offset: usize,
    #[case] line: u64,
    #[values(Unit::Char, Unit::Word)] unit: Unit,
) {
    let folder = tempfile::tempdir().unwrap();
    let bad = [before.as_bytes(), b"\xe9t\xe9\n"].concat();
    let source = write_files(folder.path(), &[b"good".as_slice(), &bad]);
    let error = Corpus::open(&source, unit).unwrap_err();
    let message = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Encoding);
    assert!(error.path().unwrap().ends_with("001.txt"));
    assert_eq!(error.place(), Some(&Place::Line(line)));
    assert!(message.contains(&format!("byte {offset} is 0xe9")), "{message}");
    assert!(message.contains("--units byte"), "{message}");
    assert!(Corpus::open(&source, Unit::Byte).is_ok());
}

#[test]
fn a_character_cut_by_the_end_of_a_file_is_not_made_whole_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let source = write_files(folder.path(), &[b"ab\xc3".as_slice(), b"\xa9"]);
    let error = Corpus::open(&source, Unit::Char).unwrap_err().to_string();
    assert!(error.contains("byte 2 is 0xc3"), "{error}");
}

#[test]
fn a_text_is_read_without_its_mark_and_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let text = "grün ist\n".repeat(700);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, format!("\u{FEFF}{text}").as_bytes()).unwrap();
    let utf_16: Vec<u8> = std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let marked = format!("\u{FEFF}{text}").into_bytes();
    for content in [marked.clone(), packed.finish().unwrap(), utf_16] {
        let source = write_files(folder.path(), &[content]);
        for unit in [Unit::Char, Unit::Word] {
            let corpus = Corpus::open(&source, unit).unwrap();
            assert_eq!(corpus.text(0..corpus.tokens()), text);
        }
    }
    let bytes = Corpus::open(&write_files(folder.path(), &[&marked]), Unit::Byte).unwrap();
    assert_eq!(bytes.bytes(), marked.len(), "bytes are read as they are");
}

#[test]
fn a_picture_is_called_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let source = write_files(folder.path(), &[b"\xFF\xD8\xFF\xE0 JFIF"]);
    let error = Corpus::open(&source, Unit::Char).unwrap_err().to_string();
    assert!(error.ends_with("000.txt: not a text but a JPEG image"), "{error}");
}

proptest! {
    // Each case builds a text that spans several entries of the index, so a few of them are enough.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_range_is_found_through_the_index(
        parts in prop::collection::vec(("[a-z .é中]{1,9}", 1usize..9000), 1..5),
        places in prop::collection::vec(0.0..1.0f64, 8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let contents: Vec<String> = parts.iter().map(|(part, times)| part.repeat(*times)).collect();
        let source = write_files(folder.path(), &contents);
        for unit in Unit::ALL {
            let corpus = Corpus::open(&source, unit).unwrap();
            let all: Vec<&[u8]> =
                contents.iter().flat_map(|content| tokens(unit, content.as_bytes())).collect();
            prop_assert_eq!(corpus.tokens(), all.len());
            for place in &places {
                let start = (place * all.len() as f64) as usize;
                let end = all.len().min(start + 7);
                let expected = all[start..end].concat();
                prop_assert_eq!(corpus.text(start..end), String::from_utf8_lossy(&expected));
            }
            prop_assert_eq!(corpus.text(all.len()..all.len() + 3), "");
        }
    }

    #[test]
    fn any_file_opens_or_is_refused(bytes: Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let source = write_files(folder.path(), std::slice::from_ref(&bytes));
        let valid = std::str::from_utf8(&bytes).is_ok();
        for unit in Unit::ALL {
            let opens = !bytes.is_empty() && (valid || unit == Unit::Byte);
            prop_assert_eq!(Corpus::open(&source, unit).is_ok(), opens);
        }
    }
}
