//! Files that PyTorch wrote, and files that nobody should have written. `fixtures/make.py` makes the fixtures.

use proptest::prelude::*;
use rekindle_weights::{Element, WeightError, WeightFile};
use rstest::rstest;

const ZIP: &[u8] = include_bytes!("fixtures/zip.pt");
const OLD: &[u8] = include_bytes!("fixtures/old.pt");

fn read(bytes: &[u8]) -> Result<WeightFile, WeightError> {
    WeightFile::from_bytes("model.pt", bytes)
}

/// `bytes` with the first `from` replaced by `to`, of the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|window| window == from).expect("it is there");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// The old format around a pickle, without storages.
fn old(pickle: &[u8]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    [magic, &b"K\x01."[..], b"}.", pickle, b"]."].concat()
}

#[rstest]
#[case::f32("f32", &[2, 3], Element::F32, &[-0.5, -0.25, 0.0, 0.25, 0.5, 0.75])]
#[case::f64("f64", &[2, 3], Element::F64, &[-0.5, -0.25, 0.0, 0.25, 0.5, 0.75])]
#[case::f16("f16", &[2, 3], Element::F16, &[-0.5, -0.25, 0.0, 0.25, 0.5, 0.75])]
#[case::bf16("bf16", &[2, 3], Element::Bf16, &[-0.5, -0.25, 0.0, 0.25, 0.5, 0.75])]
#[case::strides("transposed", &[3, 2], Element::F32, &[-0.5, 0.25, -0.25, 0.5, 0.0, 0.75])]
#[case::offset("tail", &[3], Element::F32, &[0.25, 0.5, 0.75])]
#[case::parameter("parameter", &[2, 3], Element::F32, &[-0.5, -0.25, 0.0, 0.25, 0.5, 0.75])]
fn both_formats_give_the_values_of_pytorch(
    #[values(ZIP, OLD)] bytes: &[u8],
    #[case] name: &str,
    #[case] shape: &[usize],
    #[case] element: Element,
    #[case] values: &[f32],
) {
    let file = read(bytes).unwrap();
    let tensor = &file.tensors()[&format!("model.{name}")];
    assert_eq!((tensor.shape(), tensor.element(), tensor.values()), (shape, element, values));
}

#[test]
fn a_weight_that_is_no_number_stays_so() {
    for bytes in [ZIP, OLD] {
        let file = read(bytes).unwrap();
        let values = file.tensors()["model.nan"].values();
        assert!(values[0].is_nan() && values[1] == 1.0);
    }
}

#[test]
fn tables_that_number_texts_are_found() {
    for bytes in [ZIP, OLD] {
        let file = read(bytes).unwrap();
        let tables: Vec<_> = file.tables().iter().map(|(name, texts)| (name.as_str(), texts.join(" "))).collect();
        let wanted = [("chars", "a b"), ("itos", "a b"), ("words", "to be")];
        let wanted = wanted.map(|(name, texts)| (format!("vocabulary.{name}"), texts.to_owned()));
        assert!(tables.iter().map(|(name, texts)| (name.to_string(), texts.clone())).eq(wanted), "{tables:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = WeightFile::open("nowhere/model.pt").unwrap_err();
    assert!(matches!(&error, WeightError::Read { .. }) && error.to_string().contains("nowhere"), "{error}");
}

#[rstest]
#[case::empty(vec![])]
#[case::wrong_magic(b"not weights".to_vec())]
fn another_format_is_told_apart(#[case] bytes: Vec<u8>) {
    assert!(matches!(read(&bytes), Err(WeightError::UnknownFormat { .. })));
}

#[rstest]
#[case::cut_zip(ZIP[..ZIP.len() / 2].to_vec(), "cut short")]
#[case::cut_old(OLD[..OLD.len() - 1].to_vec(), "beyond the end")]
#[case::another_device_is_read_but_not_another_class(
    replaced(OLD, b"torch\nFloatStorage", b"torch\nQuintStorage"),
    "not supported"
)]
#[case::os_system_is_not_run(old(b"cos\nsystem\nU\x04echo\x85R.]."), "")]
#[case::negative_memo(old(b"h\x05."), "remembered")]
#[case::unknown_opcode(old(b"\xff."), "0xff")]
#[case::no_stop(old(b"}"), "")]
#[case::huge_text(old(b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f."), "ends too early")]
#[case::itself_within_itself(old(b"]q\x00h\x00a."), "too often")]
fn a_bad_file_is_refused_with_a_reason(#[case] bytes: Vec<u8>, #[case] reason: &str) {
    let error = read(&bytes).unwrap_err();
    assert!(matches!(error, WeightError::Malformed { .. } | WeightError::NoTensors { .. }), "{error:?}");
    assert!(error.to_string().contains(reason), "{error}");
}

/// The pickle of a tensor of 3 elements at an offset, with a shape and a stride that are bytes.
fn tensor(offset: u8, shape: u8, stride: u8) -> Vec<u8> {
    let head = b"}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0mpsK\x03tQ";
    let body = [&head[..], b"K", &[offset], b"K", &[shape], b"\x85K", &[stride], b"\x85\x89}tRs."].concat();
    let keys_and_storage = b"]X\x01\0\0\x000a.\x03\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40";
    let file = old(&body);
    [&file[..file.len() - 2], keys_and_storage].concat()
}

#[test]
fn a_tensor_of_another_device_is_read() {
    assert_eq!(read(&tensor(0, 3, 1)).unwrap().tensors()["w"].values(), [1.0, 2.0, 3.0]);
}

#[rstest]
#[case::storage_shorter_than_shape(0, 4, 1)]
#[case::offset_out_of_range(1, 3, 1)]
#[case::stride_out_of_range(0, 2, 3)]
fn a_tensor_beyond_its_storage_is_refused(#[case] offset: u8, #[case] shape: u8, #[case] stride: u8) {
    let error = read(&tensor(offset, shape, stride)).unwrap_err().to_string();
    assert!(error.contains("w: ") && error.contains("beyond its storage of 3"), "{error}");
}

#[test]
fn a_tensor_that_repeats_one_element_may_not_outgrow_the_file() {
    let file = tensor(0, 255, 0);
    let grown = read(&file).unwrap_err().to_string();
    assert!(file.len() < 255 && grown.contains("larger than the file"), "{grown}");
}

#[test]
fn a_compressed_record_is_refused() {
    let at = ZIP.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let mut bytes = ZIP.to_vec();
    bytes[at + 10] = 8;
    let error = read(&bytes).unwrap_err().to_string();
    assert!(error.contains("compressed"), "{error}");
}

proptest! {
    #[test]
    fn no_damage_makes_the_reader_panic(
        old_format in any::<bool>(), flips in prop::collection::vec((any::<usize>(), any::<u8>()), 0..8), cut in any::<usize>(),
    ) {
        let mut bytes = if old_format { OLD.to_vec() } else { ZIP.to_vec() };
        for (at, byte) in flips {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if cut % 2 == 0 {
            bytes.truncate(cut / 2 % bytes.len());
        }
        let _ = read(&bytes);
    }

    #[test]
    fn no_pickle_makes_the_reader_panic(pickle in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&old(&pickle));
    }
}
