//! Headers as NumPy of several ages writes them, and others.

use rstest::rstest;

use super::*;

fn read(text: &str) -> Result<Header, String> {
    let bytes = [b"\x93NUMPY\x01\0", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), b"data"].concat();
    Header::read(&bytes).map(|(header, data)| {
        assert_eq!(data, b"data");
        header
    })
}

#[rstest]
#[case::as_written("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n", 'f', 4, &[2, 3])]
#[case::no_comma("{'shape': (2,3),'fortran_order':False,'descr':\"<f4\"}", 'f', 4, &[2, 3])]
#[case::python_2("{'descr': '|u1', 'fortran_order': False, 'shape': (7L,), }\n", 'u', 1, &[7])]
#[case::no_order("{'descr': 'i8', 'fortran_order': False, 'shape': (), }\n", 'i', 8, &[])]
#[case::text("{'descr': '<U12', 'fortran_order': False, 'shape': (1,), }\n", 'U', 12, &[1])]
#[case::date("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,), }\n", 'M', 8, &[1])]
#[case::records("{'descr': [('a', '<f4'), ('b)', '<i2', (2,))], 'fortran_order': False, 'shape': (1,), }", ' ', 0, &[1])]
fn headers_are_read(#[case] text: &str, #[case] kind: char, #[case] size: u64, #[case] shape: &[u64]) {
    let header = read(text).unwrap();
    assert_eq!((header.item.kind, header.item.size, &header.shape[..]), (kind, size, shape));
    assert!(!header.fortran && !header.item.big_endian);
    let descr = header.item.text.trim_matches('\'');
    assert!(text.contains(descr), "{descr}");
}

#[test]
fn orders_are_told_apart() {
    let header = read("{'descr': '>i4', 'fortran_order': True, 'shape': (1,)}").unwrap();
    assert!(header.fortran && header.item.big_endian);
}

#[rstest]
#[case::key("{'descr': '<f4', 'order': False, 'shape': (2,), }", "'order'")]
#[case::missing("{'descr': '<f4', 'shape': (2,), }", "")]
#[case::truth("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,), }", "Maybe")]
#[case::negative("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", "-2")]
#[case::long("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "9999")]
#[case::empty_type("{'descr': '', 'fortran_order': False, 'shape': (2,), }", "''")]
#[case::open("{'descr': [('a', '<f4'", "[('a'")]
#[case::more("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } + 1", "+ 1")]
fn what_is_no_header_is_quoted(#[case] text: &str, #[case] quoted: &str) {
    let error = read(text).unwrap_err();
    assert!(error.contains("its header is not") && error.contains(quoted), "{error}");
}

#[rstest]
#[case::version(b"\x93NUMPY\x04\0\0\0", "version 4")]
#[case::short(b"\x93NUMPY\x01\0\xff\xff{", "ends within")]
#[case::shorter(b"\x93NUMPY\x02\0\0", "ends within")]
#[case::shortest(b"\x93NUMPY", "ends within")]
#[case::other(b"NUMPY", "begin with")]
fn what_is_no_array_is_named(#[case] bytes: &[u8], #[case] wanted: &str) {
    let error = Header::read(bytes).unwrap_err();
    assert!(error.contains(wanted), "{error}");
}
