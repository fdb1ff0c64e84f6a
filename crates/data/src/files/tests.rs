//! Files as they come: packed, marked, in other encodings, or not text at all.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use rstest::rstest;

use super::*;

fn file(content: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

#[rstest]
#[case::plain("grün\n".as_bytes().to_vec())]
#[case::marked("\u{FEFF}grün\n".as_bytes().to_vec())]
#[case::packed(gzip("\u{FEFF}grün\n".as_bytes()))]
#[case::utf_16(b"\xFF\xFEg\0r\0\xFC\0n\0\n\0".to_vec())]
fn a_text_is_read_without_its_mark(#[case] content: Vec<u8>) {
    assert_eq!(text(file(&content).path()).unwrap(), "grün\n");
}

#[test]
fn another_encoding_is_named_with_its_line() {
    let error = text(file(b"good\nsch\xF6n\n").path()).unwrap_err();
    assert_eq!((error.kind(), error.place()), (ErrorKind::Encoding, Some(&crate::Place::Line(2))));
    let of_option = Encoding::UTF_8.read(file(b"sch\xF6n\n").path()).unwrap_err().to_string();
    assert!(of_option.ends_with("with --encoding") && !error.to_string().contains("--encoding"), "{of_option}");
    assert!(error.to_string().contains("byte 8 is 0xf6, which is not valid UTF-8; convert it"), "{error}");
}

#[rstest]
#[case(b"\xFF\xD8\xFF\xE0\0\x10JFIF", "not a text but a JPEG image")]
#[case(b"PK\x03\x04\x14\0\x08\xFF", "not a text but a zip archive")]
fn a_file_that_is_no_text_is_called_what_it_is(#[case] content: &[u8], #[case] wanted: &str) {
    for encoding in [Encoding::Auto, Encoding::UTF_8] {
        let error = encoding.read(file(content).path()).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_gzip_file_that_unpacks_to_too_much_is_refused_unless_that_is_allowed() {
    let packed = gzip(&vec![b'a'; FREE as usize + 1]);
    assert!(packed.len() < 100_000);
    let bomb = file(&packed);
    let error = bytes(bomb.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let bounds = "unpacks to more than 64 MiB, over 100 times its size; if you trust it, raise --gzip-ratio";
    assert!(error.to_string().contains(bounds) && error.path() == Some(bomb.path()), "{error}");
    let mut all = Vec::new();
    let source = open(bomb.path()).unwrap().read_to_end(&mut all).unwrap_err();
    assert_eq!(DataError::read(bomb.path(), source).kind(), ErrorKind::TooLarge);
    // No other test here unpacks as much.
    set_ratio(1032);
    assert_eq!(bytes(bomb.path()).unwrap().len(), FREE as usize + 1);
    set_ratio(RATIO);
}
